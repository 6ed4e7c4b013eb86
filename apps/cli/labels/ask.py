"""``tiltyard ask``: fill the experts' queue."""

from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, format_count, say, show_json

if TYPE_CHECKING:
    from tiltyard.project.results import AskResult
    from tiltyard.workspace.workspace import Workspace

Budget = Annotated[
    int | None,
    typer.Option(min=1, help="The number of open assignments to reach; default: the project file's query.budget."),
]


def ask(project: ProjectPath = HERE, budget: Budget = None, as_json: AsJson = False) -> None:
    """Select the most informative samples and add them to the labeling queue.

    The champion scores the pool and the project's query strategy selects; without a champion, typical samples are
    selected. A share is drawn at random, and a share comes from the evaluation set, which is never trained on.
    """
    from tiltyard.project.opening import open as open_project

    opened = open_project(project)
    result = opened.ask(budget)
    if as_json:
        facts = {"query": result.query, "asked": result.asked, "waiting": result.waiting}
        show_json({**facts, "stopping": result.stopping})
    else:
        _show(opened.workspace, result, budget or opened.config.query.budget)


def _show(workspace: "Workspace", result: "AskResult", budget: int) -> None:
    """Show what was queried, and when more labels are unlikely to improve the model."""
    if result.query is not None:
        query, asked = result.query, result.asked
        by = query.strategy if query.model_id else f"{query.strategy}, no champion yet"
        parts = f"{asked.get('query', 0)} by strategy ({by}), {asked.get('random', 0)} at random"
        total = format_count(sum(asked.values()), "label")
        say(f"Requested {total}: {parts}, {asked.get('evaluation', 0)} for evaluation.")
        say(f"{format_count(result.waiting, 'sample')} in the queue. Next: tiltyard label")
        if result.stopping.enough:
            say(f"Note: {result.stopping.sentence}.")
    else:
        say(_reason_for_none(workspace, result.waiting, budget))
        say("Next: tiltyard label" if result.waiting else "Next: tiltyard ingest")


def _reason_for_none(workspace: "Workspace", waiting: int, budget: int) -> str:
    """The reason that no sample was queried."""
    if waiting >= budget:
        return f"The queue is full: {format_count(waiting, 'sample')} to label."
    from tiltyard.project.status import samples_in

    if not samples_in(workspace):
        return "The pool is empty."
    still = f"; {waiting} of them are still in the queue" if waiting else ""
    return f"Every sample in the pool was queried, or arrived with a label{still}."
