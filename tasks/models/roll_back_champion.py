"""Roll back to an earlier champion; no label is lost."""

from tiltyard.schemas.canonical import digest
from tiltyard.schemas.errors import NotFound, TiltyardError
from tiltyard.schemas.events import CHAMPION_ROLLED_BACK
from tiltyard.schemas.records import ModelId, Promotion, Verdict, VerdictId
from tiltyard.tasks.labels.announcements import announce
from tiltyard.tasks.step import step
from tiltyard.workspace.workspace import Workspace, open_workspace


@step("roll-back-champion", alone=("champion",))
def roll_back_champion(project: str, actor: str, reason: str, model_id: str | None = None) -> int:
    """Make an earlier champion the champion again; the number of the move.

    Without ``model_id`` it is the previous champion. The decision is recorded as a separate verdict with who decided
    and why; annotations, sets and models stay as they are.
    """
    workspace = open_workspace(project)
    current = workspace.ledger.champions.current()
    if current is None:
        raise NotFound("there is no champion to roll back from; promote one first")
    target = _target(workspace, current, model_id)
    return record_roll_back(workspace, current, roll_back_verdict(workspace, current, target, actor, reason))


def record_roll_back(workspace: Workspace, current: Promotion, verdict: Verdict) -> int:
    """Record the decision to roll back, then change the champion; the number of the move."""
    recorded = workspace.ledger.champions.decide(verdict)
    target, actor, reason = recorded.challenger_id, recorded.decided_by, recorded.reason
    move = Promotion(
        number=current.number + 1,
        model_id=target,
        previous_id=current.model_id,
        verdict_id=recorded.verdict_id,
        kind="roll_back",
        actor=actor,
        reason=reason,
        recorded_at=workspace.clock(),
    )
    number = workspace.ledger.champions.move(move).number
    workspace.show_champion()
    text = f"rolled back to champion {target[:8]} by {actor}: {reason}"
    announce(workspace, CHAMPION_ROLLED_BACK, text, model=target, number=number, actor=actor)
    return number


def _target(workspace: Workspace, current: Promotion, model_id: str | None) -> ModelId:
    """The model to roll back to: the one named, if it was champion before, else the previous champion."""
    before = [move.model_id for move in workspace.ledger.champions.history() if move.model_id != current.model_id]
    if not before or current.previous_id is None:
        raise NotFound(f"champion {current.model_id[:12]} is the first; there is no earlier one to roll back to")
    if model_id is None:
        return current.previous_id
    target = workspace.ledger.models.get(model_id).model_id
    if target not in before:
        raise TiltyardError(f"model {target[:12]} was never champion; only a verdict can promote it")
    return target


def roll_back_verdict(workspace: Workspace, current: Promotion, target: ModelId, actor: str, reason: str) -> Verdict:
    """The record of the decision to roll back; its id contains the number of the move."""
    identity = digest(["roll_back", current.number, current.model_id, target])
    return Verdict(
        verdict_id=VerdictId(identity[:32]),
        challenger_id=target,
        champion_id=current.model_id,
        evaluation_id=None,
        decision="roll_back",
        metric=workspace.project.gate.metric,
        rows=0,
        challenger=None,
        champion=None,
        gain=None,
        checks=(),
        policy={},
        decided_by=actor,
        reason=reason,
        recorded_at=workspace.clock(),
    )
