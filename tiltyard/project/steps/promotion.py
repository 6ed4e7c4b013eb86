"""Moves of the champion: promote, approve and roll back, and the reason where there is nothing to promote."""

from dataclasses import replace

from tiltyard.gate.triggers import APPROVED_STATUSES, approval_deadline
from tiltyard.project.errors import stated
from tiltyard.project.results import MoveResult
from tiltyard.schemas.errors import NotFound, PromotionConflict
from tiltyard.schemas.records import Verdict
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.approve_promotion import record_approval, verdict_to_approve
from tiltyard.tasks.models.promote_challenger import pending_verdict, promote_challenger
from tiltyard.tasks.models.roll_back_champion import roll_back_champion
from tiltyard.workspace.lookup import find_model, find_verdict
from tiltyard.workspace.triggers import approval_due
from tiltyard.workspace.workspace import Workspace, open_workspace


def promote(project: str, which: str | None, actor: str) -> MoveResult:
    """Make the challenger of a verdict the champion: the one that is named, else the one that was not acted on."""
    workspace = open_workspace(project)
    verdict_id = pending_verdict.fn(project) if which is None else gate_verdict(workspace, which).verdict_id
    if verdict_id is None:
        raise NotFound(nothing_pending(workspace))
    if verdict_id in {move.verdict_id for move in workspace.ledger.champions.history()}:
        raise PromotionConflict(f"verdict {verdict_id[:8]} was acted on already; 'tiltyard history' says when")
    promote_challenger.fn(project, verdict_id, actor)
    seal_ledger.fn(project)
    return _moved(workspace)


def approve(project: str, which: str | None, reason: str, reviewer: str, *, approved: bool) -> MoveResult:
    """Record a person's answer, and promote where it is yes."""
    reason, workspace = stated(reason), open_workspace(project)
    verdict_id = verdict_to_approve.fn(project) if which is None else gate_verdict(workspace, which).verdict_id
    if verdict_id is None:
        raise NotFound(f"no promotion waits for approval; {nothing_pending(workspace)}")
    if record_approval.fn(project, verdict_id, approved, reviewer, reason):
        promote_challenger.fn(project, verdict_id, reviewer)
    seal_ledger.fn(project)
    return replace(_moved(workspace), approval=workspace.ledger.champions.approvals()[verdict_id])


def roll_back(project: str, to: str | None, reason: str, actor: str) -> MoveResult:
    """Make an earlier champion the champion again."""
    workspace = open_workspace(project)
    target = find_model(workspace, to).model_id if to else None
    roll_back_champion.fn(project, actor, stated(reason), target)
    seal_ledger.fn(project)
    return _moved(workspace)


def _moved(workspace: Workspace) -> MoveResult:
    """The champion now."""
    return MoveResult(workspace.ledger.champions.current(), workspace.ledger.annotations.count())


def gate_verdict(workspace: Workspace, name: str) -> Verdict:
    """The verdict whose id begins so, else the gate's last one on the model of that name; a roll-back does not count.

    Raises PromotionConflict for a model that was not judged.
    """
    if named := find_verdict(workspace, name):
        return named
    model_id, verdicts = find_model(workspace, name).model_id, workspace.ledger.champions.verdicts()
    on_model = [one for one in verdicts if one.challenger_id == model_id and one.decision != "roll_back"]
    if not on_model:
        raise PromotionConflict(
            f"model {model_id[:8]} has no verdict, and nothing else moves the champion; run 'tiltyard judge'"
        )
    return on_model[-1]


def nothing_pending(workspace: Workspace) -> str:
    """The reason why there is nothing to promote, as a sentence."""
    verdicts = [verdict for verdict in workspace.ledger.champions.verdicts() if verdict.decision != "roll_back"]
    if not verdicts:
        return "no verdict was given yet, and only a recorded verdict moves the champion; run 'tiltyard judge'"
    last = verdicts[-1]
    name = f"the last verdict, {last.verdict_id[:8]},"
    if last.verdict_id in {move.verdict_id for move in workspace.ledger.champions.history()}:
        return f"{name} was acted on already; 'tiltyard history' says when"
    if last.decision != "promote":
        return f"nothing to promote: {name} says {last.decision!r}: {last.reason}"
    if last.champion_id != workspace.ledger.champions.champion_id:
        return f"nothing to promote: {name} compared with a champion that has been replaced since; run 'tiltyard judge'"
    return not_approved(workspace, last)


def not_approved(workspace: Workspace, verdict: Verdict) -> str:
    """The state between gate and person of a verdict that says promote, as a sentence."""
    name, until = f"verdict {verdict.verdict_id[:8]}", f"{approval_deadline(verdict):%Y-%m-%d %H:%M} UTC"
    state = approval_due(workspace, verdict)
    if state == "wanted":
        return f"{name} waits for approval until {until}; run 'tiltyard approve --reason \"...\"'"
    if state in APPROVED_STATUSES:
        return f"{name} says promote and waits for nobody's approval; run 'tiltyard promote'"
    if state == "declined":
        answer = workspace.ledger.champions.approvals()[verdict.verdict_id]
        return f"nothing to promote: {answer.reviewer} declined {name}: {answer.reason}"
    return f"nothing to promote: nobody approved {name} before {until}; train or judge again for a new verdict"
