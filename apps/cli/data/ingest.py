"""``tiltyard ingest``: land and check new objects."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, format_count, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.project.results import IngestResult
    from tiltyard.stores.files import SkippedObject
    from tiltyard.workspace.workspace import Workspace

SHOWN_ANOMALIES = 5
"""The maximum number of a batch's unusual columns that are explained; the report lists all."""

SHOWN_LEFT = 20
"""The maximum number of skipped files that are shown; --json lists all."""

SHORTER = {"attempt": "try"}
"""Shorter column names, so that a batch's row fits into 80 columns."""


def ingest(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Land new objects, check their rows, and pool the valid ones.

    Every object in the project's source is first copied byte for byte. Each of its rows then ends in exactly one
    place: pool, quarantine (with the reasons) or duplicate. Objects that were ingested before are skipped, so you can
    run this at any time and as often as you like.
    """
    from tiltyard.project.opening import open as open_project

    opened = open_project(project)
    result = opened.ingest()
    if as_json:
        left = [{"object": one.key, "why": one.why} for one in result.left]
        show_json({"batches": result.rows, "samples": result.samples, "left": left})
    else:
        _show_skipped(result.left)
        _show(opened.workspace, result)


def show_batches(rows: Sequence[dict[str, Any]], title: str = "") -> None:
    """Show batches as a table, and below it refusals, columns left out, values read as missing, unusual columns."""
    repeated = any(row["attempt"] > 1 for row in rows)
    apart = {"reason", "unusual", "left_out", "missing", *([] if repeated else ["attempt"])}
    shown = [{SHORTER.get(name, name): row[name] for name in row if name not in apart} for row in rows]
    show_table(shown, title)
    for row in rows:
        if row["reason"]:
            reason = row["reason"].removeprefix(f"{row['object']!r}: ")
            say(f"{row['object']}: {row['state']}. {reason}")
        if row["left_out"]:
            say(f"{row['object']}: left out {row['left_out']}")
        if row["missing"]:
            say(f"{row['object']}: read as missing: {row['missing']}")
        if row["unusual"]:
            say(f"{row['object']}: unusual compared with earlier batches: {row['unusual']}")


def _show_skipped(left: "Sequence[SkippedObject]") -> None:
    """Show files in the source that were skipped; each is shown by one run only."""
    show_table([{"left": one.key, "why": one.why} for one in left[:SHOWN_LEFT]])
    if len(left) > SHOWN_LEFT:
        say(f"... and {len(left) - SHOWN_LEFT} more")


def _show(workspace: "Workspace", result: "IngestResult") -> None:
    """Show the ingested batches and the size of the pool."""
    if not result.batches:
        pattern = workspace.project.source.pattern
        say(f"Nothing new in {workspace.source} ({pattern}). The pool has {format_count(result.samples, 'sample')}.")
        return
    show_batches(result.rows)
    for batch in result.batches:
        for found in batch.statistics.get("anomalies", [])[:SHOWN_ANOMALIES]:
            say(f"  {found['why']}")
        if count := batch.statistics.get("contradicted"):
            subject = "1 sample has" if count == 1 else f"{count:,} samples have"
            say(f"{subject} two or more labels in this object: disputed, not trained on until adjudicated.")
    say(f"The pool has {format_count(result.samples, 'sample')}.")
    if any(batch.quarantined for batch in result.batches):
        say("Bad rows are kept with their reasons: tiltyard quarantine list")
