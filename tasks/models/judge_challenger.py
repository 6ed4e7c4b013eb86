"""Judge the challenger against the champion on the same rows, and record the verdict."""

from tiltyard.gate.decision import Judgement
from tiltyard.gate.triggers import next_look
from tiltyard.schemas.canonical import digest
from tiltyard.schemas.records import EvaluationId, Model, ModelId, Verdict, VerdictId
from tiltyard.tasks.step import step
from tiltyard.workspace.gate_evaluation import evaluate_challenger
from tiltyard.workspace.models.verdict_tags import show_verdict
from tiltyard.workspace.triggers import challenger_due, gate_history
from tiltyard.workspace.workspace import Workspace, open_workspace


@step("unjudged-challenger")
def unjudged_challenger(project: str, evaluation_id: str) -> ModelId | None:
    """The model that awaits a verdict on an evaluation set, if any: a new one, or one with an undecided verdict."""
    return challenger_due(open_workspace(project), evaluation_id)


@step("question-to-settle")
def question_to_settle(project: str) -> ModelId | None:
    """The challenger whose undecided verdict can be decided now, before a new challenger replaces it; or one that a
    killed run left without any verdict."""
    return challenger_due(open_workspace(project), "rows of today")


@step("judge-challenger", alone=("train",))
def judge_challenger(project: str, model_id: str, evaluation_id: str) -> VerdictId:
    """Score challenger and champion on the evaluation set in one go, and record the gate's verdict.

    If no verdict is due, it returns the newest one on the model. Recording a verdict does not change the champion; only
    :func:`~tiltyard.tasks.models.promote_challenger.promote_challenger` does.
    """
    workspace = open_workspace(project)
    challenger = workspace.ledger.models.get(model_id)
    before = gate_history(workspace).on(challenger.model_id)
    if before and challenger_due(workspace, evaluation_id) != challenger.model_id:
        return before[-1].verdict_id
    champion_id = workspace.ledger.champions.champion_id
    champion = workspace.ledger.models.get(champion_id) if champion_id else None
    looks = next_look(gate_history(workspace), challenger.model_id)
    judgement = evaluate_challenger(workspace, challenger, champion, evaluation_id, looks)
    verdict = _verdict(workspace, challenger, champion, evaluation_id, judgement)
    recorded = workspace.ledger.champions.decide(verdict)
    show_verdict(workspace, recorded)
    return recorded.verdict_id


def _verdict(
    workspace: Workspace, challenger: Model, champion: Model | None, evaluation_id: str, judgement: Judgement
) -> Verdict:
    """The record of a judgement; its id is a hash of what was compared and of the policy."""
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
        evidence=judgement.evidence,
    )
