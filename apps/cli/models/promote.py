"""``tiltyard promote``, ``approve`` and ``rollback``: the champion moves, on a recorded decision only."""

from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, By, ProjectPath, person
from tiltyard.apps.cli.console.output import say, show_json
from tiltyard.schemas.errors import NotFound, PromotionConflict

if TYPE_CHECKING:
    from tiltyard.schemas.records import Promotion, Verdict, VerdictId
    from tiltyard.workspace.workspace import Workspace

Which = Annotated[
    str | None,
    typer.Argument(
        metavar="VERDICT|MODEL", help="A verdict, or a model (id, version, challenger).", show_default=False
    ),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="MODEL", help="An earlier champion (id or version); default: the one before."),
]
Decline = Annotated[bool, typer.Option("--decline", help="Say no: the champion stays.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is recorded for ever.")]


def promote(which: Which = None, project: ProjectPath = HERE, by: By = None, as_json: AsJson = False) -> None:
    """Make the challenger of a 'promote' verdict the champion.

    Without an argument it is the verdict that was not acted on yet. Nothing but a verdict moves the champion: a model
    that was never judged, or that was rejected, cannot be promoted by anybody.
    """
    from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
    from tiltyard.tasks.models.promote_challenger import pending_verdict, promote_challenger
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    verdict_id = pending_verdict.fn(str(project)) if which is None else _verdict_meant(workspace, which).verdict_id
    if verdict_id is None:
        raise NotFound(_nothing_pending(workspace))
    if verdict_id in {move.verdict_id for move in workspace.ledger.champions.history()}:
        raise PromotionConflict(f"verdict {verdict_id[:8]} was acted on already; 'tiltyard history' says when")
    promote_challenger.fn(str(project), verdict_id, person(by))
    seal_ledger.fn(str(project))
    _tell_move(workspace, as_json)


def approve(
    reason: Reason,
    which: Which = None,
    project: ProjectPath = HERE,
    decline: Decline = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a challenger may be promoted, where the project file wants a person's approval.

    Who, why and when are recorded for ever, before the champion moves. Approved, the challenger is champion at once;
    declined, the champion stays. The first answer stands. Without one in time ('gate.approval_hours') the champion
    stays too.
    """
    from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
    from tiltyard.tasks.models.approve_promotion import answer_verdict, verdict_to_approve
    from tiltyard.tasks.models.promote_challenger import promote_challenger
    from tiltyard.workspace.workspace import open_workspace

    if not reason.strip():
        raise typer.BadParameter("say why: the reason is recorded for ever", param_hint="--reason")
    workspace = open_workspace(project)
    verdict_id = verdict_to_approve.fn(str(project)) if which is None else _verdict_meant(workspace, which).verdict_id
    if verdict_id is None:
        raise NotFound(f"no promotion waits for approval; {_nothing_pending(workspace)}")
    if answer_verdict.fn(str(project), verdict_id, not decline, person(by), reason):
        promote_challenger.fn(str(project), verdict_id, person(by))
    seal_ledger.fn(str(project))
    if decline:
        _tell_declined(workspace, verdict_id, as_json)
    else:
        _tell_move(workspace, as_json)


def rollback(
    reason: Reason, project: ProjectPath = HERE, to: To = None, by: By = None, as_json: AsJson = False
) -> None:
    """Make an earlier champion the champion again; no label is lost.

    The decision is recorded with who and why. Annotations, queue and pool stay as they are, and the next training
    takes every one of the labels.
    """
    from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
    from tiltyard.tasks.models.roll_back_champion import roll_back_champion
    from tiltyard.workspace.lookup import model_named
    from tiltyard.workspace.workspace import open_workspace

    if not reason.strip():
        raise typer.BadParameter("say why: the reason is recorded for ever", param_hint="--reason")
    workspace = open_workspace(project)
    target = model_named(workspace, to).model_id if to else None
    roll_back_champion.fn(str(project), person(by), reason, target)
    seal_ledger.fn(str(project))
    _tell_move(workspace, as_json)


def _verdict_meant(workspace: "Workspace", which: str) -> "Verdict":
    """The verdict that an id's beginning names, or the newest one on the model that is named so."""
    from tiltyard.workspace.lookup import model_named, verdict_named

    if named := verdict_named(workspace, which):
        return named
    model_id, verdicts = model_named(workspace, which).model_id, workspace.ledger.champions.verdicts()
    on_model = [one for one in verdicts if one.challenger_id == model_id and one.decision != "roll_back"]
    if not on_model:
        raise PromotionConflict(
            f"model {model_id[:8]} has no verdict, and nothing else moves the champion; run 'tiltyard judge'"
        )
    return on_model[-1]


def _nothing_pending(workspace: "Workspace") -> str:
    """Why there is nothing to promote."""
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


def not_approved(workspace: "Workspace", verdict: "Verdict") -> str:
    """Why a verdict that says promote may not be acted on: where it stands between gate and person."""
    from tiltyard.gate.approving import MAY_PASS, deadline_of
    from tiltyard.workspace.triggers import approval_due

    name, until = f"verdict {verdict.verdict_id[:8]}", f"{deadline_of(verdict):%Y-%m-%d %H:%M} UTC"
    state = approval_due(workspace, verdict)
    if state == "wanted":
        return f"{name} waits for approval until {until}; run 'tiltyard approve --reason \"...\"'"
    if state in MAY_PASS:
        return f"{name} says promote and waits for nobody's approval; run 'tiltyard promote'"
    if state == "declined":
        answer = workspace.ledger.champions.approvals()[verdict.verdict_id]
        return f"nothing to promote: {answer.reviewer} declined {name}: {answer.reason}"
    return f"nothing to promote: nobody approved {name} before {until}; train or judge again for a new verdict"


def _tell_declined(workspace: "Workspace", verdict_id: "VerdictId", as_json: bool) -> None:
    """Say that nothing moved."""
    if as_json:
        show_json({"approval": workspace.ledger.champions.approvals()[verdict_id]})
    else:
        say(f"Declined verdict {verdict_id[:8]}. The champion stays, and so does every annotation.")


def _tell_move(workspace: "Workspace", as_json: bool) -> None:
    """Say who is champion now."""
    move = workspace.ledger.champions.current()
    assert move is not None
    labels = workspace.ledger.annotations.count()
    if as_json:
        show_json({"promotion": move, "annotations": labels})
    else:
        say(f"{_moved(move)} Every one of the {labels:,} annotations is kept.")


def _moved(move: "Promotion") -> str:
    """A move of the champion as a sentence."""
    before = move.previous_id[:8] if move.previous_id else "none"
    return f"Champion is {move.model_id[:8]} now (before: {before}), move {move.number}, decided by {move.actor}."
