"""``tiltyard ask``: fill the experts' queue."""

from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import counted, say, show_json

if TYPE_CHECKING:
    from tiltyard.project.results import AskResult
    from tiltyard.workspace.workspace import Workspace

Budget = Annotated[
    int | None,
    typer.Option(min=1, help="How many assignments shall be open; default: the project file's query.budget."),
]


def ask(project: ProjectPath = HERE, budget: Budget = None, as_json: AsJson = False) -> None:
    """Choose the samples whose labels teach most, and put them into the queue.

    The champion scores the pool and the project's strategy picks; without a champion, typical samples are picked.
    A share is drawn by chance, and a share comes from the evaluation set, which is never trained on.
    """
    from tiltyard.project.opening import open as open_project

    opened = open_project(project)
    result = opened.ask(budget)
    if as_json:
        facts = {"query": result.query, "asked": result.asked, "waiting": result.waiting}
        show_json({**facts, "stopping": result.stopping})
    else:
        _tell(opened.workspace, result, budget or opened.config.query.budget)


def _tell(workspace: "Workspace", result: "AskResult", budget: int) -> None:
    """Say what was asked, and when more labels are unlikely to improve the model."""
    if result.query is not None:
        query, asked = result.query, result.asked
        by = query.strategy if query.model_id else f"{query.strategy}, there is no champion yet"
        parts = f"{asked.get('query', 0)} by strategy ({by}), {asked.get('random', 0)} by chance"
        say(f"Asked for {counted(sum(asked.values()), 'label')}: {parts}, {asked.get('evaluation', 0)} to judge on.")
        say(f"{result.waiting} wait in the queue. Next: tiltyard label")
        if result.stopping.enough:
            say(f"Mind that {result.stopping.sentence}.")
    else:
        say(_nothing_asked(workspace, result.waiting, budget))
        say("Next: tiltyard label" if result.waiting else "Next: tiltyard ingest")


def _nothing_asked(workspace: "Workspace", waiting: int, budget: int) -> str:
    """Why no sample was asked for."""
    if waiting >= budget:
        return f"The queue is full: {waiting} samples wait for a label."
    from tiltyard.project.status import samples_in

    if not samples_in(workspace):
        return "The pool is empty."
    still = f"; {waiting} of them still wait" if waiting else ""
    return f"Every sample of the pool was asked for, or came with its label{still}."
