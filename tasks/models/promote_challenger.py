"""Change the champion, on the basis of a recorded verdict only."""

from tiltyard.gate.triggers import APPROVED_STATUSES
from tiltyard.schemas.errors import PromotionConflict
from tiltyard.schemas.events import CHAMPION_PROMOTED
from tiltyard.schemas.records import Promotion, Verdict, VerdictId
from tiltyard.tasks.labels.announcements import announce
from tiltyard.tasks.step import step
from tiltyard.workspace.triggers import approval_due, verdict_to_promote
from tiltyard.workspace.workspace import Workspace, open_workspace


@step("pending-verdict")
def pending_verdict(project: str) -> VerdictId | None:
    """The verdict to promote that is approved if required, and was decided against the current champion."""
    workspace = open_workspace(project)
    verdict = verdict_to_promote(workspace)
    return verdict.verdict_id if verdict and approval_due(workspace, verdict) in APPROVED_STATUSES else None


@step("promote-challenger", alone=("champion",))
def promote_challenger(project: str, verdict_id: str, actor: str = "gate") -> int:
    """Make a verdict's challenger the champion; the number of the move.

    The move is recorded first, if the champion is still the one that the verdict compared and a person approved it if
    required (else PromotionConflict), and if the challenger's bytes match the record (else RegistryError). The
    registry's alias follows, and is repaired after a crash. Repeating it makes no second move.
    """
    workspace = open_workspace(project)
    verdict = workspace.ledger.champions.verdict(VerdictId(verdict_id))
    _refuse(workspace, verdict)
    workspace.registry.check(workspace.ledger.models.get(verdict.challenger_id))
    current = workspace.ledger.champions.current()
    move = Promotion(
        number=current.number + 1 if current else 1,
        model_id=verdict.challenger_id,
        previous_id=verdict.champion_id,
        verdict_id=verdict.verdict_id,
        kind="promotion",
        actor=actor,
        reason=verdict.reason,
        recorded_at=workspace.clock(),
    )
    made = workspace.ledger.champions.move(move)
    workspace.show_champion()
    text = f"the champion is now {made.model_id[:8]}: {made.reason}"
    announce(workspace, CHAMPION_PROMOTED, text, model=made.model_id, number=made.number, actor=made.actor)
    return made.number


def _refuse(workspace: Workspace, verdict: Verdict) -> None:
    """Raise unless the verdict is to promote, and approved if required."""
    name, approval = verdict.verdict_id[:12], approval_due(workspace, verdict)
    if verdict.decision != "promote":
        raise PromotionConflict(f"verdict {name} decided {verdict.decision!r}: {verdict.reason}")
    if approval not in APPROVED_STATUSES:
        state = {"wanted": "waits for approval", "declined": "was declined", "expired": "was not approved in time"}
        raise PromotionConflict(f"verdict {name} {state[approval]}; the champion stays (see 'tiltyard approve')")
