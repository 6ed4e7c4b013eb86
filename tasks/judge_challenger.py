"""Judge the challenger against the champion on the same rows, and record the verdict before anything moves."""

import polars as pl

from schemas.canonical import digest
from schemas.records import EvaluationId, Model, ModelId, Verdict, VerdictId
from tasks.step import step
from tiltyard.rules.features import feature_frame
from tiltyard.rules.judging import Evidence, Judgement, judge
from tiltyard.rules.predictions import Predictions, predictions_of
from tiltyard.rules.triggering import challenger_to_judge
from tiltyard.stores.workspace import Workspace, open_workspace


@step("unjudged-challenger")
def unjudged_challenger(project: str, evaluation_id: str) -> ModelId | None:
    """The model that awaits a verdict on an evaluation set, if there is one."""
    ledger = open_workspace(project).ledger
    last = ledger.models.last()
    verdicts = ledger.champions.verdicts_on(last.model_id) if last else []
    return challenger_to_judge(last, ledger.champions.champion_id, verdicts, evaluation_id)


@step("judge-challenger", alone=("train",))
def judge_challenger(project: str, model_id: str, evaluation_id: str) -> VerdictId:
    """Score challenger and champion on the evaluation set in one go, and record the gate's verdict.

    The same comparison under the same policy has the same id, so judging again gives the first verdict.
    Recording it moves nothing; only :func:`~tasks.promote_challenger.promote_challenger` does.
    """
    workspace = open_workspace(project)
    challenger = workspace.ledger.models.get(model_id)
    champion_id = workspace.ledger.champions.champion_id
    champion = workspace.ledger.models.get(champion_id) if champion_id else None
    judgement = judge(_evidence(workspace, challenger, champion, evaluation_id), workspace.project.gate)
    verdict = _verdict(workspace, challenger, champion, evaluation_id, judgement)
    recorded = workspace.ledger.champions.decide(verdict)
    workspace.registry.log_verdict(challenger, recorded)
    return recorded.verdict_id


def _evidence(workspace: Workspace, challenger: Model, champion: Model | None, evaluation_id: str) -> Evidence:
    """Both models' answers for the same rows, and what could make the rows unfair."""
    rows = workspace.labeled_rows(evaluation_id)
    return Evidence(
        labels=rows["label"].to_numpy().astype(str),
        challenger=_predictions(workspace, challenger, rows),
        champion=_predictions(workspace, champion, rows) if champion else None,
        overlap=_overlap(workspace, rows, [model for model in (challenger, champion) if model]),
        look=1,
        seed=workspace.project.seed,
    )


def _predictions(workspace: Workspace, model: Model, rows: pl.DataFrame) -> Predictions:
    """What a model says about the evaluation rows."""
    fitted = workspace.registry.load(model)
    return predictions_of(fitted, feature_frame(rows, workspace.project), workspace.project)


def _overlap(workspace: Workspace, rows: pl.DataFrame, models: list[Model]) -> int:
    """How many evaluation rows stand in a training set of one of the models; it must be none."""
    trained = [workspace.labeled_rows(model.training_id)["sample_id"] for model in models]
    return int(rows["sample_id"].is_in(pl.concat(trained).implode()).sum())


def _verdict(
    workspace: Workspace, challenger: Model, champion: Model | None, evaluation_id: str, judgement: Judgement
) -> Verdict:
    """The record of a judgement, named by what was compared and under which policy."""
    policy = workspace.project.gate.model_dump(mode="json")
    champion_id = champion.model_id if champion else None
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
    )
