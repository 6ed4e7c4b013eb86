"""``tiltyard promote``, ``approve`` and ``rollback``: change the champion, on a recorded decision only."""

from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console import HERE, AsJson, By, ProjectPath, say, show_json

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
    typer.Option("--to", metavar="MODEL", help="An earlier champion (id or version); default: the previous one."),
]
Decline = Annotated[bool, typer.Option("--decline", help="Decline: the champion stays.")]
Reason = Annotated[str, typer.Option("--reason", help="The reason; recorded permanently.")]


def promote(which: Which = None, project: ProjectPath = HERE, by: By = None, as_json: AsJson = False) -> None:
    """Make the challenger of a 'promote' verdict the champion.

    Without an argument it uses the verdict that was not acted on yet. Only a verdict changes the champion: a model that
    was never judged, or was rejected, cannot be promoted by anyone.
    """
    from tiltyard.project.opening import open as open_project

    _show_move(open_project(project).promote(which, by=by), as_json)


def approve(
    reason: Reason,
    which: Which = None,
    project: ProjectPath = HERE,
    decline: Decline = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Approve or decline a challenger's promotion, if the project file requires a person's approval.

    Who, why and when are recorded permanently, before the champion changes. If approved, the challenger becomes
    champion at once; if declined, the champion stays. The first answer is final. Without an answer in time
    ('gate.approval_hours') the champion stays too.
    """
    from tiltyard.project.opening import open as open_project

    if not reason.strip():
        raise typer.BadParameter("give a reason; it is recorded permanently", param_hint="--reason")
    moved = open_project(project).approve(reason, which, decline=decline, by=by)
    if decline:
        _show_declined(moved, as_json)
    else:
        _show_move(moved, as_json)


def rollback(
    reason: Reason, project: ProjectPath = HERE, to: To = None, by: By = None, as_json: AsJson = False
) -> None:
    """Make an earlier champion the champion again; no label is lost.

    The decision is recorded with who and why. Annotations, queue and pool stay as they are, and the next training
    uses every label.
    """
    from tiltyard.project.opening import open as open_project

    if not reason.strip():
        raise typer.BadParameter("give a reason; it is recorded permanently", param_hint="--reason")
    _show_move(open_project(project).rollback(reason, to, by=by), as_json)


def _show_declined(moved: "MoveResult", as_json: bool) -> None:
    """Show that the champion stays."""
    assert moved.approval is not None
    if as_json:
        show_json({"approval": moved.approval})
    else:
        say(f"Declined verdict {moved.approval.verdict_id[:8]}. The champion and every annotation stay.")


def _show_move(moved: "MoveResult", as_json: bool) -> None:
    """Show the new champion."""
    assert moved.promotion is not None
    if as_json:
        show_json({"promotion": moved.promotion, "annotations": moved.annotations})
    else:
        say(f"{_describe_move(moved.promotion)} All annotations are kept ({moved.annotations:,}).")


def _describe_move(move: "Promotion") -> str:
    """A change of the champion as a sentence."""
    previous = move.previous_id[:8] if move.previous_id else "none"
    return (
        f"The champion is now {move.model_id[:8]} (previous: {previous}), move {move.number}, decided by {move.actor}."
    )
