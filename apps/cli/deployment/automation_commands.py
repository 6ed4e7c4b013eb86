"""``tiltyard automations``: what people are told about a project, and what is put right, as Prefect's automations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.apps.cli.deployment.automations import Change

AUTOMATIONS = Path("deployments/automations.yaml")

File = Annotated[Path, typer.Option("--file", help="The automations.")]
Block = Annotated[
    str | None, typer.Option("--block", help="Notification block that notices go to, instead of those in the file.")
]

automations = typer.Typer(
    no_args_is_help=True, help="Notices and repairs, as Prefect's automations: apply, list, remove."
)


@automations.command("apply")
def apply(project: ProjectPath = HERE, file: File = AUTOMATIONS, block: Block = None, as_json: AsJson = False) -> None:
    """Make Prefect's automations of a project what the file says.

    An automation is known by its name, so that there is never a second one. What was paused in Prefect's pages stays
    paused; what is no longer in the file is removed. The file is checked first.
    """
    from tiltyard.apps.cli.deployment.automations import apply_all, wanted_automations
    from tiltyard.workspace.workspace import open_workspace

    name = open_workspace(project).project.name
    _tell(apply_all(name, wanted_automations(file, name, block)), as_json)


@automations.command("list")
def list_automations(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Show a project's automations: the notices, and the wake-ups that belong to its deployments."""
    from tiltyard.apps.cli.deployment.automations import standing_automations
    from tiltyard.workspace.workspace import open_workspace

    found = standing_automations(open_workspace(project).project.name)
    rows = [{"automation": one.name, "enabled": one.enabled} for one in found]
    if as_json:
        show_json(rows)
    elif rows:
        show_table(rows)
    else:
        say("There are none yet. Next: tiltyard deploy; tiltyard automations apply")


@automations.command("remove")
def remove(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Remove a project's notices and repairs from Prefect; its deployments keep their wake-ups."""
    from tiltyard.apps.cli.deployment.automations import apply_all
    from tiltyard.workspace.workspace import open_workspace

    _tell(apply_all(open_workspace(project).project.name, []), as_json)


def _tell(changes: "list[Change]", as_json: bool) -> None:
    """What became of each automation."""
    if as_json:
        show_json(changes)
        return
    show_table([{"automation": one.name, "": one.done} for one in changes])
    if not changes:
        say("There was nothing to change.")
