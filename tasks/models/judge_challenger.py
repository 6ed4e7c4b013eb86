"""Judge the challenger against the champion on the same rows, and record the verdict."""

from tiltyard.schemas.records import ModelId, VerdictId
from tiltyard.tasks.step import step
from tiltyard.workspace.gate_evaluation import evaluate_challenger
from tiltyard.workspace.models.verdict_tags import show_verdict
from tiltyard.workspace.triggers import challenger_due, gate_history
from tiltyard.workspace.workspace import open_workspace


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
    verdict = evaluate_challenger(workspace, challenger, evaluation_id)
    recorded = workspace.ledger.champions.decide(verdict)
    show_verdict(workspace, recorded)
    return recorded.verdict_id
