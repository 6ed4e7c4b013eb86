"""Approve or decline a promotion: record a person's answer to a verdict."""

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
    """The verdict whose challenger would be promoted if a person approved it before the deadline."""
    workspace = open_workspace(project)
    verdict = verdict_to_promote(workspace)
    return verdict.verdict_id if verdict and approval_due(workspace, verdict) == "wanted" else None


@step("seconds-to-answer")
def seconds_until_deadline(project: str, verdict_id: str) -> int:
    """The time left to approve a verdict, in whole seconds, at least one."""
    workspace = open_workspace(project)
    verdict = workspace.ledger.champions.verdict(VerdictId(verdict_id))
    return max(1, int((approval_deadline(verdict) - workspace.clock()).total_seconds()))


@step("ask-for-approval")
def request_approval(project: str, verdict_id: str) -> None:
    """Announce that a verdict waits for a person's approval."""
    workspace = open_workspace(project)
    verdict = workspace.ledger.champions.verdict(VerdictId(verdict_id))
    until = approval_deadline(verdict)
    text = (
        f"challenger {verdict.challenger_id[:8]} is better ({verdict.reason}); "
        f"approve its promotion until {until:%Y-%m-%d %H:%M} UTC, or the champion stays"
    )
    announce(workspace, APPROVAL_WANTED, text, verdict=verdict_id, until=until.isoformat())


@step("answer-verdict", alone=("champion",))
def record_approval(project: str, verdict_id: str, approved: bool, reviewer: str, reason: str) -> bool:
    """Record a person's answer before the champion changes; whether it approves. Recording it again changes nothing.

    Raises PromotionConflict when the verdict needs no answer, has another answer, or its time is over.
    """
    workspace = open_workspace(project)
    verdict = workspace.ledger.champions.verdict(VerdictId(verdict_id))
    _refuse_unwanted(workspace, verdict)
    answer = Approval(verdict.verdict_id, approved, reviewer, reason, workspace.clock())
    return workspace.ledger.champions.answer(answer).approved


def _refuse_unwanted(workspace: Workspace, verdict: Verdict) -> None:
    """Raise if an answer would have no effect."""
    name, approval = verdict.verdict_id[:8], approval_due(workspace, verdict)
    if verdict.decision != "promote":
        raise PromotionConflict(f"verdict {name} decided {verdict.decision!r}; there is no promotion to approve")
    if approval == "not_wanted":
        raise PromotionConflict(f"verdict {name} needs no approval; set 'gate.approval' in the project file for later")
    if approval == "expired":
        until = approval_deadline(verdict)
        raise PromotionConflict(
            f"verdict {name} could be approved until {until:%Y-%m-%d %H:%M} UTC; the champion stays, so train again"
        )
