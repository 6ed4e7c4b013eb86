"""Move the champion, on the strength of a recorded verdict and nothing else."""

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
    """The verdict that says promote, is approved where that is wanted, and was decided against today's champion."""
    workspace = open_workspace(project)
    verdict = verdict_to_promote(workspace)
    return verdict.verdict_id if verdict and approval_due(workspace, verdict) in APPROVED_STATUSES else None


@step("promote-challenger", alone=("champion",))
def promote_challenger(project: str, verdict_id: str, actor: str = "gate") -> int:
    """Make a verdict's challenger the champion; the number of the move.

    The move is recorded first, and only if the champion is still the one that the verdict saw and a person approved
    where the policy wants it (PromotionConflict otherwise), and only if the challenger's bytes are those that were
    recorded (RegistryError); the registry's alias follows and is repaired if a crash comes between. Repeated, it is the
    same move.
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
    text = f"champion is {made.model_id[:8]} now, {made.reason}"
    announce(workspace, CHAMPION_PROMOTED, text, model=made.model_id, number=made.number, actor=made.actor)
    return made.number


def _refuse(workspace: Workspace, verdict: Verdict) -> None:
    """Raise unless the verdict says promote, and a person does where that is wanted."""
    name, approval = verdict.verdict_id[:12], approval_due(workspace, verdict)
    if verdict.decision != "promote":
        raise PromotionConflict(f"verdict {name} says {verdict.decision!r}: {verdict.reason}")
    if approval not in APPROVED_STATUSES:
        said = {"wanted": "waits for approval", "declined": "was declined", "expired": "was not approved in time"}
        raise PromotionConflict(f"verdict {name} {said[approval]}; the champion stays (see 'tiltyard approve')")
