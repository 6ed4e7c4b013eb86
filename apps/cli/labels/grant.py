"""``tiltyard grant``: the labeling server's own role in PostgreSQL."""

from typing import Annotated

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, say, show_json

Role = Annotated[str, typer.Argument(metavar="ROLE", help="An existing role that owns no tables.")]


def grant(role: Role, project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Grant a PostgreSQL role the rights that the labeling server needs, and no more.

    The role can read the project's ledger and write annotations, leases, gold samples and notices. It cannot write a
    model, a verdict, a promotion or an access, and it cannot remove the guards. Run this again after an upgrade.
    """
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    workspace.ledger.grant_labeling(role)
    if as_json:
        show_json({"project": workspace.project.name, "role": role})
        return
    say(f"{role} can read the ledger of {workspace.project.name} and write annotations to it, nothing else.")
