"""Move the champion, on the strength of a recorded verdict and nothing else."""

from schemas.errors import PromotionConflict
from schemas.records import Promotion, VerdictId
from tasks.step import step
from tiltyard.rules.triggering import verdict_to_act_on
from tiltyard.stores.workspace import open_workspace


@step("pending-verdict")
def pending_verdict(project: str) -> VerdictId | None:
    """The verdict that says promote and was not acted on yet, if it was decided against today's champion."""
    champions = open_workspace(project).ledger.champions
    acted_on = [move.verdict_id for move in champions.history()]
    verdict = verdict_to_act_on(champions.verdicts(), acted_on, champions.champion_id)
    return verdict.verdict_id if verdict else None


@step("promote-challenger")
def promote_challenger(project: str, verdict_id: str, actor: str = "gate") -> int:
    """Make a verdict's challenger the champion; the number of the move.

    The move is recorded first, and only if the champion is still the one that the verdict saw
    (PromotionConflict otherwise); the registry's alias follows and is repaired if a crash comes between.
    """
    workspace = open_workspace(project)
    verdict = workspace.ledger.champions.verdict(VerdictId(verdict_id))
    if verdict.decision != "promote":
        raise PromotionConflict(f"verdict {verdict_id[:12]} says {verdict.decision!r}: {verdict.reason}")
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
    number = workspace.ledger.champions.move(move).number
    workspace.show_champion()
    return number
