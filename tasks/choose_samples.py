"""Choose what experts are asked next, and put it into their queue."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from schemas.canonical import sha256_of
from schemas.records import ModelId, Query, QueryId
from tasks.step import step
from tiltyard.rules.asking import assignments_of, evaluation_share, pick_evaluation, query_seed
from tiltyard.rules.choosing import Wanted, choose, without
from tiltyard.rules.committee import fit_committee
from tiltyard.rules.features import feature_frame, frame_of_json
from tiltyard.stores.workspace import Workspace, open_workspace

COMMITTEE_SIZE = 5


@step("choose-samples")
def choose_samples(project: str, budget: int | None = None) -> QueryId | None:
    """Fill the queue up to the budget; the query, or none when the queue is full or the pool is asked out.

    A share of the picks comes from the evaluation set, by chance; no strategy ever sees those rows.
    """
    workspace = open_workspace(project)
    free = (budget or workspace.project.query.budget) - workspace.ledger.assignments.waiting_count()
    if free <= 0:
        return None
    asked = pl.Series("sample_id", sorted(workspace.ledger.assignments.asked()), dtype=pl.String)
    champion = workspace.ledger.champions.champion_id
    pool = [file.sha256 for file in workspace.pool_files()]
    seed = query_seed(workspace.project, champion, len(asked), pool)
    wanted = evaluation_share(free, workspace.project, seed)
    evaluation = pick_evaluation(_unasked(workspace, asked, evaluation=True), wanted, workspace.project)
    training = _choose(workspace, asked, champion, free - evaluation.height, seed)
    return _ask(workspace, pl.concat([evaluation, training], how="diagonal"), champion, free, seed)


def _unasked(workspace: Workspace, asked: pl.Series, *, evaluation: bool) -> Iterator[pl.DataFrame]:
    """The pool's rows inside or outside the evaluation set that nobody was asked for, chunk by chunk."""
    for chunk in workspace.pool.scan(workspace.pool_files(), workspace.settings.chunk_rows):
        yield without(chunk.filter(pl.col("evaluation") == evaluation), asked)


def _choose(workspace: Workspace, asked: pl.Series, champion: ModelId | None, number: int, seed: int) -> pl.DataFrame:
    """The training rows that the project's strategy picks with the champion, or its start without one."""
    project = workspace.project
    model = workspace.load_model(champion) if champion else None
    annotated = workspace.ledger.annotations.payloads()
    return choose(
        _unasked(workspace, asked, evaluation=False),
        Wanted.by(project.query, number, seed),
        project,
        model=model,
        committee=_committee(workspace, champion, model, seed),
        labeled=frame_of_json(annotated["payload"], project),
    )


def _committee(workspace: Workspace, champion: ModelId | None, model: Any, seed: int) -> list[Any]:
    """The members of a committee strategy, fitted on the champion's own labels; none for other strategies."""
    if champion is None or not workspace.project.query.strategy.startswith("committee"):
        return []
    rows = workspace.labeled_rows(workspace.ledger.models.get(champion).training_id)
    return fit_committee(model, feature_frame(rows, workspace.project), rows["label"].to_numpy(), COMMITTEE_SIZE, seed)


def _ask(workspace: Workspace, chosen: pl.DataFrame, champion: ModelId | None, free: int, seed: int) -> QueryId | None:
    """Record the query and its assignments together; none when nothing was left to choose."""
    if chosen.is_empty():
        return None
    identity = "\n".join([str(champion), str(seed), *sorted(chosen["sample_id"])])
    query = Query(
        query_id=QueryId(sha256_of(identity)[:32]),
        strategy=workspace.project.query.strategy if champion else workspace.project.query.start,
        model_id=champion,
        budget=free,
        position=workspace.ledger.position(),
        reason=f"{free} free places in the queue",
        recorded_at=workspace.clock(),
    )
    return workspace.ledger.assignments.ask(query, assignments_of(chosen, query, workspace.project)).query_id
