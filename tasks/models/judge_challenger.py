"""Judge the challenger against the champion on the same rows, and record the verdict before anything moves."""

from tiltyard.schemas.records import ModelId, VerdictId
from tiltyard.tasks.step import step
from tiltyard.workspace.gate_evaluation import evaluate_challenger
from tiltyard.workspace.models.verdict_tags import show_verdict
from tiltyard.workspace.triggers import challenger_due, gate_history
from tiltyard.workspace.workspace import open_workspace


@step("unjudged-challenger")
def unjudged_challenger(project: str, evaluation_id: str) -> ModelId | None:
    """The model that awaits a verdict on an evaluation set, if there is one: a new one, or an open question."""
    return challenger_due(open_workspace(project), evaluation_id)


@step("question-to-settle")
def question_to_settle(project: str) -> ModelId | None:
    """The challenger whose open question can be settled now, before a new one makes it moot; one that a run left
    without any verdict, too."""
    return challenger_due(open_workspace(project), "rows of today")


@step("judge-challenger", alone=("train",))
def judge_challenger(project: str, model_id: str, evaluation_id: str) -> VerdictId:
    """Score challenger and champion on the evaluation set in one go, and record the gate's verdict.

    A challenger that is not due is not judged again: its newest verdict is returned. Recording a verdict moves
    nothing; only :func:`~tiltyard.tasks.models.promote_challenger.promote_challenger` does.
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
