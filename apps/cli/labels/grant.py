"""``tiltyard grant``: the labeling server's own role in PostgreSQL."""

from typing import Annotated

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import say, show_json

Role = Annotated[str, typer.Argument(metavar="ROLE", help="The role, which is there already and owns nothing.")]


def grant(role: Role, project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Let a role of PostgreSQL do what the labeling server needs, and no more.

    It may read the project's ledger and write answers, leases, gold samples and notices; it may not write a model, a
    verdict, a promotion or an access, and it cannot take the guards off. Say it again after an upgrade.
    """
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    workspace.ledger.grant_labeling(role)
    if as_json:
        show_json({"project": workspace.project.name, "role": role})
        return
    say(f"{role} may read the ledger of {workspace.project.name} and write answers into it, nothing else.")
