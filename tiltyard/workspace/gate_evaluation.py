"""Evaluate a challenger from ids: load the rows, score both models on them, run every check, decide.

Nothing is recorded here, so an evaluation can be repeated at any time, also under another policy: by the step that
records the verdict, and by a dry run.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import Any

import polars as pl

from tiltyard.evaluation.lure import DisagreementSample, lure
from tiltyard.evaluation.permutation_importance import permutation_importances
from tiltyard.gate.decision import Judgement, evaluate
from tiltyard.gate.inputs import CheckContext, CheckResults, ModelUnderTest, merge
from tiltyard.gate.sequential_design import significance_level
from tiltyard.gate.triggers import Looks, next_look
from tiltyard.samples.evaluation_split import entity_groups
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.canonical import digest
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import EvaluationId, Model, Verdict, VerdictId
from tiltyard.workspace.evaluation_set import ComparedRows, ScoredModel, load_compared_rows
from tiltyard.workspace.stopping import measure_stability
from tiltyard.workspace.triggers import gate_history
from tiltyard.workspace.workspace import Workspace


def evaluate_challenger(workspace: Workspace, challenger: Model, evaluation_id: str) -> Verdict:
    """The gate's verdict on a challenger against the current champion on an evaluation set; nothing is recorded.

    Both models are scored on the same rows. The verdict's id is derived from what was compared and from the policy.
    """
    champion_id = workspace.ledger.champions.champion_id
    champion = workspace.ledger.models.get(champion_id) if champion_id else None
    looks = next_look(gate_history(workspace), challenger.model_id)
    judgement = judge_models(workspace, challenger, champion, evaluation_id, looks)
    policy = workspace.project.gate.model_dump(mode="json")
    identity = digest([challenger.model_id, champion_id, evaluation_id, policy])
    return Verdict(
        verdict_id=VerdictId(identity[:32]),
        challenger_id=challenger.model_id,
        champion_id=champion_id,
        evaluation_id=EvaluationId(evaluation_id),
        decision=judgement.decision,
        metric=workspace.project.gate.metric,
        rows=judgement.rows,
        challenger=judgement.challenger,
        champion=judgement.champion,
        gain=judgement.gain,
        checks=judgement.checks,
        policy=policy,
        decided_by="gate",
        reason=judgement.reason,
        recorded_at=workspace.clock(),
        evidence=judgement.evidence,
    )


def judge_models(
    workspace: Workspace, challenger: Model, champion: Model | None, evaluation_id: str, looks: Looks
) -> Judgement:
    """The gate's judgement of two models on an evaluation set; ``looks`` is which look this is.

    The policy is that of the workspace's project; to try another, pass a workspace with another project.
    """
    judged, project = load_compared_rows(workspace, challenger, champion, evaluation_id), workspace.project
    context = CheckContext.of(
        judged.rows,
        [_under_test(workspace, one) for one in (judged.challenger, judged.champion) if one],
        judged.strata,
        seed=project.seed,
        now=workspace.clock(),
        level=significance_level(looks.number, project.gate),
        labeled_at=_labeled_at(workspace, judged.rows) if project.gate.freshness_days else None,
        population=judged.population.answers if judged.population else None,
        stopwatch=perf_counter,
        units=entity_groups(judged.rows, project),
    )
    drawable = judged.population.unlabeled.height if judged.population else None
    return evaluate(context, project, looks, merge([_notes(workspace, judged), _lure(workspace, judged)]), drawable)


def _under_test(workspace: Workspace, answers: ScoredModel) -> ModelUnderTest:
    """One of the two models, with what it was trained on."""
    return ModelUnderTest(
        model_id=answers.model.model_id,
        model=answers.fitted,
        predictions=answers.predictions,
        training=workspace.labeled_rows(answers.model.training_id),
        # The whole file is fetched and hashed for it.
        size=workspace.registry.size_of(answers.model) if workspace.project.gate.resources.size_mb else None,
    )


def _labeled_at(workspace: Workspace, rows: pl.DataFrame) -> datetime | None:
    """When the newest annotation that carries one of the rows' labels was stored."""
    carrying = {annotation for carried in rows["annotations"].to_list() for annotation in carried}
    stored = (one for one in workspace.ledger.annotations.until() if one.annotation_id in carrying)
    return max((one.recorded_at for one in stored), default=None)


def _notes(workspace: Workspace, judged: ComparedRows) -> CheckResults:
    """Evidence that decides nothing: importance of the columns, stability, size of the population."""
    project, challenger = workspace.project, judged.challenger
    frame = feature_frame(judged.rows, project)
    importance = permutation_importances(challenger.fitted, frame, judged.labels, project, project.seed)
    told: dict[str, Any] = {"importance": importance}
    if (stability := measure_stability(workspace, challenger.model, challenger.fitted, judged.population)) is not None:
        told["stability"] = stability
    if judged.population is not None:
        told["population"] = judged.population.told
    return CheckResults(evidence=told)


def _lure(workspace: Workspace, judged: ComparedRows) -> CheckResults:
    """The second figure where labels were drawn at the disagreement; on a plain sample it would be the first again."""
    strata, population, champion = judged.strata, judged.population, judged.champion
    if strata is None or population is None or champion is None:
        return CheckResults()
    drawn = DisagreementSample(
        differs=strata.of == 1,
        by_chance=judged.by_chance,
        population=population.rows.height,
        differing=population.differ,
        seed=workspace.project.seed,
    )
    metric = workspace.project.gate.metric
    return CheckResults(
        evidence={"lure": lure(metric, judged.labels, champion.predictions, judged.challenger.predictions, drawn)}
    )


@dataclass(frozen=True, slots=True)
class DryRun:
    """What the gate would say of a model, and the verdict that was recorded on it, if there is one."""

    model: Model
    recorded: Verdict | None
    judgement: Judgement


def recorded_verdict(workspace: Workspace, model: Model) -> Verdict | None:
    """The gate's newest verdict on a model, if there is one."""
    verdicts = workspace.ledger.champions.verdicts_on(model.model_id)
    return next((one for one in reversed(verdicts) if one.evaluation_id and one.decided_by == "gate"), None)


def dry_run(workspace: Workspace, model: Model, project: Project, evaluation_id: str) -> DryRun:
    """Judge a model again under a project's gate, as the recorded verdict did: its rows, its champion, its look.

    A model without a verdict is judged against today's champion on the evaluation set that is given. Nothing is
    recorded, and no look is counted.
    """
    recorded = recorded_verdict(workspace, model)
    other, ledger = replace(workspace, project=project), workspace.ledger
    champion_id = recorded.champion_id if recorded else ledger.champions.champion_id
    champion = ledger.models.get(champion_id) if champion_id else None
    rows = (recorded.evaluation_id if recorded else None) or evaluation_id
    try:
        return DryRun(model, recorded, judge_models(other, model, champion, rows, _looks(workspace, model, recorded)))
    finally:
        other.ledger.close()


def _looks(workspace: Workspace, model: Model, recorded: Verdict | None) -> Looks:
    """The look that was recorded, or the one that would be next."""
    if recorded is None:
        return next_look(gate_history(workspace), model.model_id)
    before = workspace.ledger.champions.verdicts_on(model.model_id)
    at_challenger = 1 + sum(one.evaluation_id is not None for one in before[: before.index(recorded)])
    return Looks(int((recorded.evidence or {}).get("look", 1)), at_challenger)
