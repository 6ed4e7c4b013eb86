"""Approve a promotion: a person's answer to a verdict, kept with who gave it and why."""

from tiltyard.gate.triggers import approval_deadline
from tiltyard.schemas.errors import PromotionConflict
from tiltyard.schemas.events import APPROVAL_WANTED
from tiltyard.schemas.records import Approval, Verdict, VerdictId
from tiltyard.tasks.labels.announcements import announce
from tiltyard.tasks.step import step
from tiltyard.workspace.triggers import approval_due, verdict_to_promote
from tiltyard.workspace.workspace import Workspace, open_workspace


@step("verdict-to-approve")
def verdict_to_approve(project: str) -> VerdictId | None:
    """The verdict whose challenger would be promoted if a person approved it, while they still may."""
    workspace = open_workspace(project)
    verdict = verdict_to_promote(workspace)
    return verdict.verdict_id if verdict and approval_due(workspace, verdict) == "wanted" else None


@step("seconds-to-answer")
def seconds_to_answer(project: str, verdict_id: str) -> int:
    """How long a verdict still waits for its approval, in whole seconds, at least one."""
    workspace = open_workspace(project)
    verdict = workspace.ledger.champions.verdict(VerdictId(verdict_id))
    return max(1, int((approval_deadline(verdict) - workspace.clock()).total_seconds()))


@step("ask-for-approval")
def ask_for_approval(project: str, verdict_id: str) -> None:
    """Tell whoever listens that a verdict waits for a person."""
    workspace = open_workspace(project)
    verdict = workspace.ledger.champions.verdict(VerdictId(verdict_id))
    until = approval_deadline(verdict)
    text = (
        f"challenger {verdict.challenger_id[:8]} is better ({verdict.reason}); "
        f"approve its promotion until {until:%Y-%m-%d %H:%M} UTC, or the champion stays"
    )
    announce(workspace, APPROVAL_WANTED, text, verdict=verdict_id, until=until.isoformat())


@step("answer-verdict", alone=("champion",))
def answer_verdict(project: str, verdict_id: str, approved: bool, reviewer: str, reason: str) -> bool:
    """Record a person's answer, before anything moves; whether it approves. The same answer again is the same.

    Raises PromotionConflict when the verdict wants no answer, was answered otherwise, or its time is over.
    """
    workspace = open_workspace(project)
    verdict = workspace.ledger.champions.verdict(VerdictId(verdict_id))
    _refuse_unwanted(workspace, verdict)
    answer = Approval(verdict.verdict_id, approved, reviewer, reason, workspace.clock())
    return workspace.ledger.champions.answer(answer).approved


def _refuse_unwanted(workspace: Workspace, verdict: Verdict) -> None:
    """Raise where an answer would decide nothing."""
    name, standing = verdict.verdict_id[:8], approval_due(workspace, verdict)
    if verdict.decision != "promote":
        raise PromotionConflict(f"verdict {name} says {verdict.decision!r}; there is no promotion to approve")
    if standing == "not_wanted":
        raise PromotionConflict(f"verdict {name} needs no approval; set 'gate.approval' in the project file for later")
    if standing == "expired":
        until = approval_deadline(verdict)
        raise PromotionConflict(
            f"verdict {name} could be approved until {until:%Y-%m-%d %H:%M} UTC; the champion stays, so train again"
        )
