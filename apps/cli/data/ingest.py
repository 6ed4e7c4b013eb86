"""``tiltyard ingest``: take in what arrived."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.project.results import IngestResult
    from tiltyard.stores.files import SkippedObject
    from tiltyard.workspace.workspace import Workspace

SHOWN_ANOMALIES = 5
"""So many of a batch's unusual columns are explained; the report lists the others."""

SHOWN_LEFT = 20
"""So many things that are no batches are shown; all are in the answer to --json."""

SHORTER = {"attempt": "try"}
"""A batch's line with all its numbers and an object's name fits into 80 columns."""


def ingest(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Land what arrived, check its rows, pool the good ones.

    Every object in the project's incoming folder is copied byte for byte first. Each of its rows then ends in exactly
    one place: pool, quarantine (with the reasons) or duplicate. What was taken in before is left alone, so this may
    be run at any time and as often as you like.
    """
    from tiltyard.project.opening import open as open_project

    opened = open_project(project)
    result = opened.ingest()
    if as_json:
        left = [{"object": one.key, "why": one.why} for one in result.left]
        show_json({"batches": result.rows, "samples": result.samples, "left": left})
    else:
        _tell_left(result.left)
        _tell(opened.workspace, result)


def tell_batches(rows: Sequence[dict[str, Any]], title: str = "") -> None:
    """Show batches as a table; below it, why any was refused, what was left out, which columns are unusual."""
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
            say(f"{row['object']}: taken as missing: {row['missing']}")
        if row["unusual"]:
            say(f"{row['object']}: unusual beside the batches before: {row['unusual']}")


def _tell_left(left: "Sequence[SkippedObject]") -> None:
    """Show what lies among the objects and was left alone; each is shown by one run only."""
    show_table([{"left": one.key, "why": one.why} for one in left[:SHOWN_LEFT]])
    if len(left) > SHOWN_LEFT:
        say(f"... and {len(left) - SHOWN_LEFT} more")


def _tell(workspace: "Workspace", result: "IngestResult") -> None:
    """Show what was taken in."""
    if not result.batches:
        pattern = workspace.project.source.pattern
        say(f"Nothing new in {workspace.source} ({pattern}). The pool holds {result.samples:,} samples.")
        return
    tell_batches(result.rows)
    for batch in result.batches:
        for found in batch.statistics.get("anomalies", [])[:SHOWN_ANOMALIES]:
            say(f"  {found['why']}")
        if count := batch.statistics.get("contradicted"):
            say(
                f"{count:,} samples come with two labels or more in this object: no coin decides, they wait as "
                "disputes for a ruling and are not trained on."
            )
    say(f"The pool holds {result.samples:,} samples.")
    if any(batch.quarantined for batch in result.batches):
        say("Bad rows are kept with their reasons: tiltyard quarantine list")
