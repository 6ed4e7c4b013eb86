"""``tiltyard promote``, ``approve`` and ``rollback``: the champion moves, on a recorded decision only."""

from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, By, ProjectPath
from tiltyard.apps.cli.console.output import say, show_json

if TYPE_CHECKING:
    from tiltyard.project.results import MoveResult
    from tiltyard.schemas.records import Promotion

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
    from tiltyard.project.opening import open as open_project

    _tell_move(open_project(project).promote(which, by=by), as_json)


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
    from tiltyard.project.opening import open as open_project

    if not reason.strip():
        raise typer.BadParameter("say why: the reason is recorded for ever", param_hint="--reason")
    moved = open_project(project).approve(reason, which, decline=decline, by=by)
    if decline:
        _tell_declined(moved, as_json)
    else:
        _tell_move(moved, as_json)


def rollback(
    reason: Reason, project: ProjectPath = HERE, to: To = None, by: By = None, as_json: AsJson = False
) -> None:
    """Make an earlier champion the champion again; no label is lost.

    The decision is recorded with who and why. Annotations, queue and pool stay as they are, and the next training
    takes every one of the labels.
    """
    from tiltyard.project.opening import open as open_project

    if not reason.strip():
        raise typer.BadParameter("say why: the reason is recorded for ever", param_hint="--reason")
    _tell_move(open_project(project).rollback(reason, to, by=by), as_json)


def _tell_declined(moved: "MoveResult", as_json: bool) -> None:
    """Say that nothing moved."""
    assert moved.approval is not None
    if as_json:
        show_json({"approval": moved.approval})
    else:
        say(f"Declined verdict {moved.approval.verdict_id[:8]}. The champion stays, and so does every annotation.")


def _tell_move(moved: "MoveResult", as_json: bool) -> None:
    """Say who is champion now."""
    assert moved.promotion is not None
    if as_json:
        show_json({"promotion": moved.promotion, "annotations": moved.annotations})
    else:
        say(f"{_moved(moved.promotion)} Every one of the {moved.annotations:,} annotations is kept.")


def _moved(move: "Promotion") -> str:
    """A move of the champion as a sentence."""
    before = move.previous_id[:8] if move.previous_id else "none"
    return f"Champion is {move.model_id[:8]} now (before: {before}), move {move.number}, decided by {move.actor}."
