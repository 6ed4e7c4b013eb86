"""``tiltyard ask``: fill the experts' queue."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import counted, say, show_json
from tiltyard.apps.cli.data.ingest import samples

if TYPE_CHECKING:
    from tiltyard.schemas.records import Query
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
    from tiltyard.tasks.labels.choose_samples import choose_samples
    from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    query_id = choose_samples.fn(str(project), budget)
    seal_ledger.fn(str(project))
    query = next((one for one in workspace.ledger.assignments.queries() if one.query_id == query_id), None)
    if as_json:
        show_json(_as_data(workspace, query))
    else:
        _tell(workspace, query, budget or workspace.project.query.budget)


def _as_data(workspace: "Workspace", query: "Query | None") -> dict[str, Any]:
    """What was asked, for programs."""
    from tiltyard.workspace.stopping import stopping_of

    waiting = workspace.ledger.assignments.waiting_count()
    return {"query": query, "asked": _asked(workspace, query), "waiting": waiting, "stopping": stopping_of(workspace)}


def _asked(workspace: "Workspace", query: "Query | None") -> dict[str, int]:
    """How many assignments the query made, by purpose."""
    if query is None:
        return {}
    waiting = workspace.ledger.assignments.waiting()
    return dict(Counter(one.purpose for one in waiting if one.query_id == query.query_id))


def _tell(workspace: "Workspace", query: "Query | None", budget: int) -> None:
    """Say what was asked, and when more labels hardly pay."""
    from tiltyard.workspace.stopping import stopping_of

    waiting = workspace.ledger.assignments.waiting_count()
    if query is not None:
        asked = _asked(workspace, query)
        by = query.strategy if query.model_id else f"{query.strategy}, there is no champion yet"
        parts = f"{asked.get('query', 0)} by strategy ({by}), {asked.get('random', 0)} by chance"
        say(f"Asked for {counted(sum(asked.values()), 'label')}: {parts}, {asked.get('evaluation', 0)} to judge on.")
        say(f"{waiting} wait in the queue. Next: tiltyard label")
        if (advice := stopping_of(workspace)).enough:
            say(f"Mind that {advice.sentence}.")
    else:
        say(_nothing_asked(workspace, waiting, budget))
        say("Next: tiltyard label" if waiting else "Next: tiltyard ingest")


def _nothing_asked(workspace: "Workspace", waiting: int, budget: int) -> str:
    """Why no sample was asked for."""
    if waiting >= budget:
        return f"The queue is full: {waiting} samples wait for a label."
    if not samples(workspace):
        return "The pool is empty."
    still = f"; {waiting} of them still wait" if waiting else ""
    return f"Every sample of the pool was asked for, or came with its label{still}."
