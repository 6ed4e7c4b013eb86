"""Whether a promotion may go ahead: what a person said of the verdict, and until when they may say it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

from tiltyard.schemas.records import Approval, Verdict, VerdictId

Standing = Literal["not_wanted", "wanted", "approved", "declined", "expired"]

MAY_PASS: Final[frozenset[Standing]] = frozenset({"not_wanted", "approved"})
"""Where a verdict stands whose challenger may be promoted."""


def deadline_of(verdict: Verdict) -> datetime:
    """Until when a verdict may be approved, by the policy under which it was given."""
    return verdict.recorded_at + timedelta(hours=float(verdict.policy.get("approval_hours", 0)))


def approval_of(verdict: Verdict, approvals: Mapping[VerdictId, Approval], now: datetime) -> Standing:
    """Where a verdict that says promote stands between gate and person.

    The policy is the verdict's own: to change the project file later neither takes an approval off nor asks for one.
    An approval counts however late it is looked at; without one, the deadline keeps the champion.
    """
    if not verdict.policy.get("approval"):
        return "not_wanted"
    answer = approvals.get(verdict.verdict_id)
    if answer is not None:
        return "approved" if answer.approved else "declined"
    return "wanted" if now < deadline_of(verdict) else "expired"
