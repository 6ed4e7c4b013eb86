"""``tiltyard status`` and ``tiltyard history``: the project's current state, and its models, verdicts and champions."""

from typing import TYPE_CHECKING, Any

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, format_minute, say, show_json, show_table
from tiltyard.apps.cli.data import show_batches
from tiltyard.apps.cli.models import model_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tiltyard.project.status import Status
    from tiltyard.schemas.project import Project as ProjectFile
    from tiltyard.schemas.records import ModelId
    from tiltyard.training.versioning import ModelVersion

SHOWN_BATCHES = 12
SHOWN_CLASSES = 15
SHOWN_REASONS = 12


def status(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Show batches, pool, quarantine, queue, labels and champion, and the next command."""
    from tiltyard.project.opening import open as open_project

    opened = open_project(project)
    now = opened.status()
    if as_json:
        show_json(now)
    else:
        _show_status(opened.config, now)


def history(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Show every model, verdict and change of the champion, oldest first."""
    from tiltyard.reports.tables import promotion_rows, verdict_row
    from tiltyard.workspace.lookup import versions_of_all
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    ledger, versions = workspace.ledger, versions_of_all(workspace)
    labels = ledger.models.rows_by_set()
    models, verdicts, moves = ledger.models.all(), ledger.champions.verdicts(), ledger.champions.history()
    approvals = list(ledger.champions.approvals().values())
    if as_json:
        records = {"models": models, "versions": _as_data(versions), "verdicts": verdicts}
        show_json({**records, "approvals": approvals, "promotions": moves})
        return
    if not models:
        say("No models yet. Next: tiltyard status")
        return
    model_rows = [model_row(model, labels[model.training_id], versions[model.model_id]) for model in models]
    show_table(model_rows, "Models", hide=["threshold"])
    for version in list(versions.values())[-SHOWN_REASONS:]:
        say(f"Version {version.number}, {version.step}: {version.why}")
    say("")
    rows = [{"verdict": one.verdict_id[:8], **verdict_row(one)} for one in verdicts]
    shown = ("verdict", "challenger", "champion", "rows", "gain", "decision")
    show_table([{name: row[name] for name in shown} for row in rows], "Verdicts")
    show_table([_move_row(row) for row in promotion_rows(moves)], "Champions")
    for one in approvals:
        say(
            f"Verdict {one.verdict_id[:8]} {'approved' if one.approved else 'declined'} by {one.reviewer}: {one.reason}"
        )
    for move in moves:
        say(f"Move {move.number}, {move.kind.replace('_', '-')}: {move.reason}")


def _as_data(versions: "Mapping[ModelId, ModelVersion]") -> list[dict[str, Any]]:
    """The versions of all models, for --json."""
    return [
        {"model": one.model_id, "number": one.number, "step": one.step, "why": one.why} for one in versions.values()
    ]


def _move_row(row: dict[str, Any]) -> dict[str, Any]:
    """A change of the champion, short enough for a line; its reason is shown below the table."""
    short = {name: value for name, value in row.items() if name not in {"at", "reason"}}
    return short | {"at": format_minute(row["at"])}


def _show_status(config: "ProjectFile", now: "Status") -> None:
    """Show the status, with the next command last."""
    older = len(now.batches) - SHOWN_BATCHES
    show_batches(now.batches[-SHOWN_BATCHES:], f"Batches ({older} older ones not shown)" if older > 0 else "Batches")
    show_table([{now.project: name, "": sentence} for name, sentence in now.facts().items()])
    labeled = [row for row in now.labels if row["training"] or row["evaluation"]]
    show_table(sorted(labeled, key=_by_label_count)[:SHOWN_CLASSES], "Effective labels")
    if len(labeled) > SHOWN_CLASSES:
        say(f"... and {len(labeled) - SHOWN_CLASSES} more classes")
    if config.trusted:
        from tiltyard.apps.cli.project.health_checks import trust_warning

        say(f"Warning: {trust_warning(config.trusted)}.")
    for sentence in now.set_aside[:SHOWN_REASONS]:
        say(f"Note: {sentence}.")
    say(f"Next: {now.next.command} ({now.next.why})")


def _by_label_count(row: dict[str, Any]) -> int:
    """The sort key of a class: those with most labels first."""
    return -int(row["training"] + row["evaluation"])
