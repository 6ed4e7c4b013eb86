"""Promote: act on a recorded verdict only, after a person's approval if the project requires it."""

from prefect import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment
from pydantic import Field

from tiltyard.tasks.loop_flow import loop_flow
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.approve_promotion import record_approval, seconds_until_deadline, verdict_to_approve
from tiltyard.tasks.models.promote_challenger import pending_verdict, promote_challenger


class Decision(RunInput):
    """May this challenger become champion? Fill in and resume; the answer is recorded permanently."""

    approve: bool = Field(False, description="yes: promote it; no: the champion stays")
    reviewer: str = Field(min_length=1, max_length=200, description="who decides")
    reason: str = Field(min_length=1, max_length=2000, description="why")


@loop_flow("promote-model")
def promote_model(project: str = ".", verdict: str | None = None, actor: str = "gate") -> int | None:
    """Make the challenger of a verdict the champion.

    If the project requires approval, the run is suspended until a person answers in Prefect's UI, and then starts again
    from its beginning. Without an answer in time it ends, and the champion stays.

    Args:
        project: Folder or file of the project.
        verdict: Id of the verdict; default: the one that was not acted on yet.
        actor: Who or what decided, for the record.

    Returns:
        The number of the move, or none when no verdict is to promote or no one approved it.
    """
    waiting = verdict_to_approve(project)
    if waiting and not is_approved(project, waiting):
        return None
    chosen = verdict or pending_verdict(project)
    number = promote_challenger(project, chosen, actor) if chosen else None
    seal_ledger(project)
    return number


def is_approved(project: str, verdict: str) -> bool:
    """Suspend until a person has decided, and record the answer; whether they approve.

    A run without a deployment cannot be suspended: use 'tiltyard approve' to answer.
    """
    if not deployment.id:
        return False
    seconds = seconds_until_deadline(project, verdict)
    answer = suspend_flow_run(wait_for_input=Decision, timeout=seconds, key=f"approve-{verdict[:12]}")
    return record_approval(project, verdict, answer.approve, answer.reviewer, answer.reason)
