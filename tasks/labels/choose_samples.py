"""Select the samples to label next, and add them to the queue."""

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
class QueryContext:
    """The inputs of a query: the champion, if there is one, and the annotated samples' own columns."""

    champion: ModelId | None
    model: Any
    labeled: pl.DataFrame


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """How a query's free places are used: how many for random evaluation rows, how many for rows on which challenger
    and champion disagree, and for which undecided verdict these labels are, if any."""

    free: int
    evaluation: int
    differing: int = 0
    question: Verdict | None = None


@step("choose-samples", alone=("ask",))
def choose_samples(project: str, budget: int | None = None) -> QueryId | None:
    """Fill the queue up to the budget; the query, or none when the queue is full or every sample has been queried.

    A share of the samples is drawn at random from the evaluation set; no strategy ever sees those rows. While a verdict
    is undecided, some of the other places are for it: rows on which the models disagree, or random ones.
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
    context, plan = _query_context(workspace, champion), _plan_query(workspace, free, seed)
    chosen = _select_evaluation(workspace, asked, plan)
    training = _choose(workspace, asked, context, free - chosen.height, seed)
    return _record_query(workspace, pl.concat([chosen, training], how="diagonal"), context, plan, seed)


def _plan_query(workspace: Workspace, free: int, seed: int) -> QueryPlan:
    """How many places are for the evaluation set, and for which undecided verdict."""
    share = evaluation_share(free, workspace.project, seed)
    question = current_question(workspace)
    if question is None:
        return QueryPlan(free, share)
    project, asked = workspace.project, label_progress(workspace, question)
    extra = disagreement_budget(labels_available(question) - asked.asked, free, share)
    if not extra or not is_worth_requesting(question, asked, extra, max(1, project.triggers.labels // free)):
        return QueryPlan(free, share)
    if asks_for_disagreement(question):
        return QueryPlan(free, share, extra, question)
    return QueryPlan(free, share + extra, 0, question)


def _select_evaluation(workspace: Workspace, asked: pl.Series, plan: QueryPlan) -> pl.DataFrame:
    """The evaluation rows to label next, with the columns of a selection."""
    chosen = select_evaluation(_scan_unqueried(workspace, asked, evaluation=True), plan.evaluation, workspace.project)
    if not plan.differing or plan.question is None or plan.question.champion_id is None:
        return chosen
    pair = [workspace.ledger.models.get(one) for one in (plan.question.challenger_id, plan.question.champion_id)]
    population = compare_population(workspace, pair[0], pair[1], str(plan.question.evaluation_id))
    taken = pl.concat([asked, chosen["sample_id"]]) if chosen.height else asked
    drawn = select_disagreements(anti_join(population.unlabeled, taken), plan.differing)
    return pl.concat([chosen, drawn.drop("_order", "_batch", "_differs")], how="diagonal")


def _query_context(workspace: Workspace, champion: ModelId | None) -> QueryContext:
    """The loaded champion, and every annotated sample."""
    model = workspace.load_model(champion) if champion else None
    annotated = workspace.ledger.annotations.payloads()
    return QueryContext(champion, model, json_payloads_to_rows(annotated["payload"], workspace.project))


def _scan_unqueried(workspace: Workspace, asked: pl.Series, *, evaluation: bool) -> Iterator[pl.DataFrame]:
    """The pool's rows inside or outside the evaluation set that were never queried, chunk by chunk."""
    for chunk in workspace.pool.scan(workspace.pool_files(), workspace.settings.chunk_rows):
        yield anti_join(chunk.filter(pl.col("evaluation") == evaluation), asked)


def _choose(workspace: Workspace, asked: pl.Series, context: QueryContext, number: int, seed: int) -> pl.DataFrame:
    """The training rows that the project's strategy selects with the champion, or its cold start without one."""
    project = workspace.project
    return select_samples(
        _scan_unqueried(workspace, asked, evaluation=False),
        replace(QuerySpec.by(project.query, number, seed), said=_champion_scorer(workspace, context)),
        project,
        model=context.model,
        committee=_committee(workspace, context, seed),
        labeled=context.labeled,
    )


def _champion_scorer(workspace: Workspace, context: QueryContext) -> Callable[[pl.DataFrame], Predictions] | None:
    """A cached scorer of the champion; None where the selection calls the champion itself.

    That is so without texts, which are fast, and where the champion has a class that the project file no longer has:
    predictions leave it out.
    """
    project = workspace.project
    if context.champion is None or not has_texts(project) or set(context.model.classes_) - set(project.class_names):
        return None
    model = workspace.ledger.models.get(context.champion)
    return lambda rows: predictions_on(workspace, model, lambda: context.model, rows)


def _committee(workspace: Workspace, context: QueryContext, seed: int) -> list[Any]:
    """The members of a committee strategy, fitted on the champion's own labels; empty for other strategies."""
    if context.champion is None or not workspace.project.query.strategy.startswith("committee"):
        return []
    rows = workspace.labeled_rows(workspace.ledger.models.get(context.champion).training_id)
    rows = rows_of_current_classes(rows, workspace.project)
    return fit_committee(
        context.model, feature_frame(rows, workspace.project), rows["label"].to_numpy(), COMMITTEE_SIZE, seed
    )


def _record_query(
    workspace: Workspace, chosen: pl.DataFrame, context: QueryContext, plan: QueryPlan, seed: int
) -> QueryId | None:
    """Record the query and its assignments together; None when no sample was left to select."""
    if chosen.is_empty():
        return None
    identity = "\n".join([str(context.champion), str(seed), *sorted(chosen["sample_id"])])
    query = Query(
        query_id=QueryId(sha256_of(identity)[:32]),
        strategy=workspace.project.query.strategy if context.champion else workspace.project.query.start,
        model_id=context.champion,
        budget=plan.free,
        position=workspace.ledger.position(),
        reason=f"{plan.free} free places in the queue",
        recorded_at=workspace.clock(),
        verdict_id=plan.question.verdict_id if plan.question else None,
    )
    assignments = build_assignments(chosen, query, workspace.project, _suggest(chosen, context, workspace.project))
    asked = workspace.ledger.assignments.ask(query, assignments).query_id
    text = f"{len(assignments)} assignments wait for experts"
    announce(workspace, LABELS_WANTED, text, query=asked, assignments=len(assignments))
    return asked


def _suggest(chosen: pl.DataFrame, context: QueryContext, project: Project) -> dict[str, Suggestion]:
    """The champion's explained prediction for each selected row, by sample id; empty without a champion."""
    if context.model is None:
        return {}
    suggestions = explain_rows(context.model, chosen, explanation_background(context.labeled, project), project)
    return dict(zip(chosen["sample_id"], suggestions, strict=True))
