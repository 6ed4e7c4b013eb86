"""Choose what experts are asked next, and put it into their queue."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from tiltyard.evaluation.explanations import explain_rows, explanation_background
from tiltyard.evaluation.predictions import Predictions
from tiltyard.gate.disagreement_sampling import disagreement_budget
from tiltyard.gate.triggers import asks_for_disagreement, is_worth_requesting, labels_available
from tiltyard.labels.current_classes import rows_of_current_classes
from tiltyard.query.assignments import (
    build_assignments,
    evaluation_share,
    query_seed,
    select_disagreements,
    select_evaluation,
)
from tiltyard.query.committee import fit_committee
from tiltyard.query.selection import QuerySpec, anti_join, select_samples
from tiltyard.samples.features import feature_frame, json_payloads_to_rows
from tiltyard.schemas.canonical import sha256_of
from tiltyard.schemas.events import LABELS_WANTED
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import ModelId, Query, QueryId, Suggestion, Verdict
from tiltyard.tasks.labels.announcements import announce
from tiltyard.tasks.step import step
from tiltyard.workspace.evaluation_set import compare_population
from tiltyard.workspace.models.scores import has_texts, predictions_on
from tiltyard.workspace.triggers import current_question, label_progress
from tiltyard.workspace.workspace import Workspace, open_workspace

COMMITTEE_SIZE = 5


@dataclass(frozen=True, slots=True)
class Known:
    """What is known when a query is made: the champion, if there is one, and the annotated samples' own columns."""

    champion: ModelId | None
    model: Any
    labeled: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Wish:
    """How a query's free places are shared out: how many go to the evaluation set by chance, how many to rows on
    which challenger and champion differ, and for which undecided verdict these labels are, if for one."""

    free: int
    by_chance: int
    differing: int = 0
    question: Verdict | None = None


@step("choose-samples", alone=("ask",))
def choose_samples(project: str, budget: int | None = None) -> QueryId | None:
    """Fill the queue up to the budget; the query, or none when the queue is full or the pool is asked out.

    A share of the picks comes from the evaluation set, by chance; no strategy ever sees those rows. While a verdict
    wants more labels to decide, some of the others are for it: where champion and challenger differ, or by chance.
    """
    workspace = open_workspace(project)
    free = (budget or workspace.project.query.budget) - workspace.ledger.assignments.waiting_count()
    if free <= 0:
        return None
    workspace.refuse_other_kinds()
    asked = pl.Series("sample_id", sorted(workspace.ledger.assignments.asked()), dtype=pl.String)
    champion = workspace.ledger.champions.champion_id
    pool = [file.sha256 for file in workspace.pool_files()]
    seed = query_seed(workspace.project, champion, len(asked), pool)
    known, wish = _known(workspace, champion), _wish(workspace, free, seed)
    chosen = _to_judge_on(workspace, asked, wish)
    training = _choose(workspace, asked, known, free - chosen.height, seed)
    return _ask(workspace, pl.concat([chosen, training], how="diagonal"), known, wish, seed)


def _wish(workspace: Workspace, free: int, seed: int) -> Wish:
    """How many places go to the evaluation set, and for which question."""
    share = evaluation_share(free, workspace.project, seed)
    question = current_question(workspace)
    if question is None:
        return Wish(free, share)
    project, asked = workspace.project, label_progress(workspace, question)
    extra = disagreement_budget(labels_available(question) - asked.asked, free, share)
    if not extra or not is_worth_requesting(question, asked, extra, max(1, project.triggers.labels // free)):
        return Wish(free, share)
    if asks_for_disagreement(question):
        return Wish(free, share, extra, question)
    return Wish(free, share + extra, 0, question)


def _to_judge_on(workspace: Workspace, asked: pl.Series, wish: Wish) -> pl.DataFrame:
    """The evaluation rows that are asked for next, with the columns of a choice."""
    chosen = select_evaluation(_unasked(workspace, asked, evaluation=True), wish.by_chance, workspace.project)
    if not wish.differing or wish.question is None or wish.question.champion_id is None:
        return chosen
    pair = [workspace.ledger.models.get(one) for one in (wish.question.challenger_id, wish.question.champion_id)]
    population = compare_population(workspace, pair[0], pair[1], str(wish.question.evaluation_id))
    taken = pl.concat([asked, chosen["sample_id"]]) if chosen.height else asked
    drawn = select_disagreements(anti_join(population.unlabeled, taken), wish.differing)
    return pl.concat([chosen, drawn.drop("_order", "_batch", "_differs")], how="diagonal")


def _known(workspace: Workspace, champion: ModelId | None) -> Known:
    """The champion, loaded, and every sample that has an annotation."""
    model = workspace.load_model(champion) if champion else None
    annotated = workspace.ledger.annotations.payloads()
    return Known(champion, model, json_payloads_to_rows(annotated["payload"], workspace.project))


def _unasked(workspace: Workspace, asked: pl.Series, *, evaluation: bool) -> Iterator[pl.DataFrame]:
    """The pool's rows inside or outside the evaluation set that nobody was asked for, chunk by chunk."""
    for chunk in workspace.pool.scan(workspace.pool_files(), workspace.settings.chunk_rows):
        yield anti_join(chunk.filter(pl.col("evaluation") == evaluation), asked)


def _choose(workspace: Workspace, asked: pl.Series, known: Known, number: int, seed: int) -> pl.DataFrame:
    """The training rows that the project's strategy picks with the champion, or its start without one."""
    project = workspace.project
    return select_samples(
        _unasked(workspace, asked, evaluation=False),
        replace(QuerySpec.by(project.query, number, seed), said=_said(workspace, known)),
        project,
        model=known.model,
        committee=_committee(workspace, known, seed),
        labeled=known.labeled,
    )


def _said(workspace: Workspace, known: Known) -> Callable[[pl.DataFrame], Predictions] | None:
    """What the champion says of rows, known or new; none where choosing asks the champion itself.

    That is so without texts, which are quick, and where the champion knows a class that the project file names no
    more: predictions leave it out.
    """
    project = workspace.project
    if known.champion is None or not has_texts(project) or set(known.model.classes_) - set(project.class_names):
        return None
    model = workspace.ledger.models.get(known.champion)
    return lambda rows: predictions_on(workspace, model, lambda: known.model, rows)


def _committee(workspace: Workspace, known: Known, seed: int) -> list[Any]:
    """The members of a committee strategy, fitted on the champion's own labels; none for other strategies."""
    if known.champion is None or not workspace.project.query.strategy.startswith("committee"):
        return []
    rows = workspace.labeled_rows(workspace.ledger.models.get(known.champion).training_id)
    rows = rows_of_current_classes(rows, workspace.project)
    return fit_committee(
        known.model, feature_frame(rows, workspace.project), rows["label"].to_numpy(), COMMITTEE_SIZE, seed
    )


def _ask(workspace: Workspace, chosen: pl.DataFrame, known: Known, wish: Wish, seed: int) -> QueryId | None:
    """Record the query and its assignments together; none when nothing was left to choose."""
    if chosen.is_empty():
        return None
    identity = "\n".join([str(known.champion), str(seed), *sorted(chosen["sample_id"])])
    query = Query(
        query_id=QueryId(sha256_of(identity)[:32]),
        strategy=workspace.project.query.strategy if known.champion else workspace.project.query.start,
        model_id=known.champion,
        budget=wish.free,
        position=workspace.ledger.position(),
        reason=f"{wish.free} free places in the queue",
        recorded_at=workspace.clock(),
        verdict_id=wish.question.verdict_id if wish.question else None,
    )
    assignments = build_assignments(chosen, query, workspace.project, _suggested(chosen, known, workspace.project))
    asked = workspace.ledger.assignments.ask(query, assignments).query_id
    text = f"{len(assignments)} assignments wait for experts"
    announce(workspace, LABELS_WANTED, text, query=asked, assignments=len(assignments))
    return asked


def _suggested(chosen: pl.DataFrame, known: Known, project: Project) -> dict[str, Suggestion]:
    """What the champion says of each chosen row and why, by sample id; nothing without a champion."""
    if known.model is None:
        return {}
    said = explain_rows(known.model, chosen, explanation_background(known.labeled, project), project)
    return dict(zip(chosen["sample_id"], said, strict=True))
