"""``tiltyard run``: run the whole loop once, as a Prefect flow."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, console, show_json, show_table
from tiltyard.schemas.errors import TiltyardError

if TYPE_CHECKING:
    from tiltyard.flows.whole_cycle import Step

First = Annotated[str | None, typer.Option("--from", metavar="STEP", help="The first step.")]
Last = Annotated[str | None, typer.Option("--to", metavar="STEP", help="The last step.")]
Only = Annotated[str | None, typer.Option("--only", metavar="STEP", help="Only this step.")]
Watch = Annotated[
    float | None,
    typer.Option("--watch", min=1, metavar="SECONDS", help="Run again after this number of seconds, until Ctrl-C."),
]


def run(
    project: ProjectPath = HERE,
    first: First = None,
    last: Last = None,
    only: Only = None,
    watch: Watch = None,
    as_json: AsJson = False,
) -> None:
    """Run the loop once: ingest, settle, train, judge, promote, ask, seal.

    The steps run as one Prefect flow; without a server (PREFECT_API_URL) Prefect runs embedded. Each step reads from
    the stores what is left to do, so running again resumes an interrupted run.
    """
    if only is not None and (first or last):
        raise typer.BadParameter("use --only without --from and --to")
    from tiltyard.project.opening import open as open_project

    opened = open_project(project)
    chosen = _span(only or first, only or last)
    while True:
        with console(to_stderr=True).status("running the loop ..."):
            steps = opened.run(*chosen).steps
        if as_json:
            show_json({"steps": steps})
        elif watch is None or any(line["done"] for line in steps):
            show_table([{"step": line["step"], "what happened": line["what"]} for line in steps])
        if watch is None:
            return
        time.sleep(watch)


def _span(first: str | None, last: str | None) -> "tuple[Step, Step]":
    """The first and the last step to take, as options of the command."""
    from tiltyard.project.steps.loop import span

    try:
        return span(first, last)
    except TiltyardError as error:
        raise typer.BadParameter(str(error)) from error
