"""What the demo shows: a status line and a growing table while it runs, a summary at the end."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from tiltyard.apps.cli.console import format_cell
from tiltyard.apps.cli.console.output import escape
from tiltyard.schemas.records import Batch, Interval, Verdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status
    from rich.table import Table

    from tiltyard.apps.cli.demo.invariants import Check
    from tiltyard.apps.cli.demo.outcome import DemoRun
    from tiltyard.examples.simulation import DayResult
    from tiltyard.workspace.workspace import Workspace

LINE: Final = "{day:>3}  {object:<15} {read:>5} {acc:>5} {quar:>5} {dup:>5} {labels:>7}  {verdict}"
HEAD: Final = {
    "day": "day",
    "object": "object",
    "read": "read",
    "acc": "acc.",
    "quar": "quar.",
    "dup": "dup.",
    "labels": "labels",
    "verdict": "challenger",
}
COUNTS: Final = ("read", "acc.", "quar.", "dup.")
LEGEND: Final = (
    "acc. = accepted into the pool, quar. = quarantined with reasons, dup. = duplicate; "
    "accuracy in % with its interval, on the same evaluation rows"
)


class Screen:
    """The demo's output: at a terminal with a status line, in a pipe the same lines without it."""

    def __init__(self, console: "Console") -> None:
        """Write on a console."""
        self.console = console
        self._status: Status | None = None
        self._began = False

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show the current step at the bottom of the screen."""
        if not self.console.is_terminal:
            yield
            return
        with self.console.status(what) as status:
            self._status = status
            yield
        self._status = None

    def doing(self, what: str) -> None:
        """Update the current step."""
        if self._status is not None:
            self._status.update(what)

    def say(self, text: str = "", style: str = "") -> None:
        """Write text."""
        self.console.print(escape(text), style=style or None)

    def day(self, result: "DayResult", workspace: "Workspace", notes: Iterable[str]) -> None:
        """Write one day's lines: a row for each batch, and below it everything unusual."""
        if not self._began:
            self._began = True
            self.say(LINE.format(**HEAD), "bold")
        keys = {landed.object_id: landed.key for landed in workspace.ledger.batches.objects()}
        rows = [_row(batch, keys) for batch in result.batches] or [dict.fromkeys(HEAD, "") | {"object": "-"}]
        rows[0] |= {"day": result.day.number}
        first, *others = [_verdict_text(one) for one in result.verdicts] or [""]
        rows[-1] |= {"labels": result.labels, "verdict": first}
        for row in rows + [dict.fromkeys(HEAD, "") | {"verdict": other} for other in others]:
            self.say(LINE.format(**row).rstrip())
        planted = [f"{one.key}: {one.note}" for one in result.day.deliveries if one.note]
        for note in [*planted, *filter(None, [result.fixed]), *notes]:
            self.aside(note, 5)

    def aside(self, text: str, indent: int) -> None:
        """Write a note, indented and wrapped."""
        from rich.padding import Padding

        self.console.print(Padding(escape(text), (0, 0, 0, indent)), style="dim")

    def end(self, run: "DemoRun") -> None:
        """Write the summary: batches, checks, label counts, and the report's path."""
        from tiltyard.apps.cli.demo.invariants import summarize_labels, summarize_trainings

        self.say("\nThe batches", "bold")
        self.console.print(_compact(batch_rows(run)))
        self.aside(LEGEND, 0)
        self.say("\nChecks", "bold")
        for check in run.checks:
            self.check(check)
        self.say("\nWere labels lost?", "bold")
        self.say(" ".join([summarize_labels(run.simulation), *summarize_trainings(run.simulation)]))
        failed = sum(not check.holds for check in run.checks)
        self.say(f"\nReport: {run.report}")
        self.say(f"Explore it: tiltyard status --project {run.simulation.folder}")
        verdict = f"{failed} of {len(run.checks)} checks FAILED" if failed else "All checks hold"
        self.say(f"{verdict}; {run.seconds:.0f} seconds.", "bold red" if failed else "bold green")

    def check(self, check: "Check") -> None:
        """Write one check and its numbers."""
        word, style = ("holds ", "green") if check.holds else ("BROKEN", "bold red")
        self.say(f"{word}  {check.name}: {check.title}", style)
        self.aside(check.sentence, 8)


def _row(batch: Batch, keys: dict[Any, str]) -> dict[str, Any]:
    """A batch as a live line."""
    return {
        "day": "",
        "object": _name(batch, keys),
        "read": batch.read,
        "acc": batch.accepted,
        "quar": batch.quarantined,
        "dup": batch.duplicate,
        "labels": "",
        "verdict": batch.state if batch.state != "accepted" else "",
    }


def _name(batch: Batch, keys: dict[Any, str]) -> str:
    """A batch's object key, with the number of a later attempt."""
    return keys[batch.object_id] + (f" ({batch.attempt})" if batch.attempt > 1 else "")


def _verdict_text(verdict: Verdict) -> str:
    """A verdict in a few characters."""
    return f"{format_percent(verdict.challenger)} {_decision(verdict)}"


def _decision(verdict: Verdict) -> str:
    """A decision in one or two words."""
    if verdict.decision == "promote":
        return "promoted"
    return "rejected" if verdict.champion_id else "not yet"


def format_percent(interval: Interval | None) -> str:
    """An accuracy with its interval in percent.

    >>> format_percent(Interval(0.9583, 0.9, 1.0))
    '95.8 90-100'
    """
    if interval is None:
        return "-"
    return f"{interval.value * 100:.3g} {interval.low * 100:.0f}-{interval.high * 100:.0f}"


def batch_rows(run: "DemoRun") -> list[dict[str, Any]]:
    """One row per batch: its row counts, the labels after its day, and the outcome of the day's challenger."""
    keys = {landed.object_id: landed.key for landed in run.simulation.workspace.ledger.batches.objects()}
    return [row for result in run.days for row in _day_rows(result, keys)]


def _day_rows(result: "DayResult", keys: dict[Any, str]) -> Iterator[dict[str, Any]]:
    """One day's batches; verdict and labels are in the last row, or in a separate one if there is no batch."""
    verdict = next(iter(result.verdicts), None)
    if not result.batches and verdict:
        yield {"object": "-"} | dict.fromkeys(COUNTS) | _judged(result, verdict) | {"verdict": _decision(verdict)}
    for number, batch in enumerate(result.batches, start=1):
        is_last = number == len(result.batches)
        yield {
            "object": _name(batch, keys),
            "read": batch.read,
            "acc.": batch.accepted,
            "quar.": batch.quarantined,
            "dup.": batch.duplicate,
            **_judged(result if is_last else None, verdict),
            "verdict": _outcome(batch, verdict if is_last else None),
        }


def _judged(result: "DayResult | None", verdict: Verdict | None) -> dict[str, Any]:
    """A day's labels and scores, for its last row; empty for the others."""
    if result is None or verdict is None:
        return {"labels": result.labels if result else None, "champion": "-", "challenger": "-"}
    return {
        "labels": result.labels,
        "champion": format_percent(verdict.champion),
        "challenger": format_percent(verdict.challenger),
    }


def _outcome(batch: Batch, verdict: Verdict | None) -> str:
    """The outcome of the batch, or of its day's challenger."""
    if batch.state != "accepted":
        return batch.state
    if batch.attempt > 1 and verdict is None:
        return "fixed"
    return _decision(verdict) if verdict else "-"


def _compact(rows: list[dict[str, Any]]) -> "Table":
    """The batches' table, narrow enough for 80 columns."""
    from rich.table import Table

    made = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name in rows[0]:
        made.add_column(name, justify="right" if name in {*COUNTS, "labels"} else "left", overflow="fold")
    for row in rows:
        made.add_row(*(format_cell(value) for value in row.values()))
    return made
