"""What the demo shows: a status line and a growing table while it runs, the whole story at the end."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from tiltyard.apps.cli.console.output import cell, shown
from tiltyard.schemas.records import Batch, Interval, Verdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status
    from rich.table import Table

    from tiltyard.apps.cli.demo.invariants import Check
    from tiltyard.apps.cli.demo.outcome import DemoRun
    from tiltyard.examples.telling import Told
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
    """The terminal, or a pipe: there it writes the same lines without the status."""

    def __init__(self, console: "Console") -> None:
        """Write on a console."""
        self.console = console
        self._status: Status | None = None
        self._began = False

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show what is being done, at the bottom of the screen."""
        if not self.console.is_terminal:
            yield
            return
        with self.console.status(what) as status:
            self._status = status
            yield
        self._status = None

    def doing(self, what: str) -> None:
        """Say what is being done now."""
        if self._status is not None:
            self._status.update(what)

    def say(self, text: str = "", style: str = "") -> None:
        """Write sentences."""
        self.console.print(shown(text), style=style or None)

    def day(self, told: "Told", workspace: "Workspace", notes: Iterable[str]) -> None:
        """Write one day's lines: a row for each batch, and below it what was out of the ordinary."""
        if not self._began:
            self._began = True
            self.say(LINE.format(**HEAD), "bold")
        keys = {landed.object_id: landed.key for landed in workspace.ledger.batches.objects()}
        rows = [_row(batch, keys) for batch in told.batches] or [dict.fromkeys(HEAD, "") | {"object": "-"}]
        rows[0] |= {"day": told.day.number}
        first, *others = [_verdict_text(one) for one in told.verdicts] or [""]
        rows[-1] |= {"labels": told.labels, "verdict": first}
        for row in rows + [dict.fromkeys(HEAD, "") | {"verdict": other} for other in others]:
            self.say(LINE.format(**row).rstrip())
        planted = [f"{one.key}: {one.note}" for one in told.day.deliveries if one.note]
        for note in [*planted, *filter(None, [told.mended]), *notes]:
            self.aside(note, 5)

    def aside(self, text: str, indent: int) -> None:
        """Write a remark, indented and wrapped."""
        from rich.padding import Padding

        self.console.print(Padding(shown(text), (0, 0, 0, indent)), style="dim")

    def end(self, story: "DemoRun") -> None:
        """Write the whole story: batches, checks, the answer about labels, and where the report is."""
        from tiltyard.apps.cli.demo.invariants import after_events, labels_answer

        self.say("\nThe batches", "bold")
        self.console.print(_compact(batch_story(story)))
        self.aside(LEGEND, 0)
        self.say("\nWhat was checked", "bold")
        for check in story.checks:
            self.check(check)
        self.say("\nWere labels lost?", "bold")
        self.say(" ".join([labels_answer(story.telling), *after_events(story.telling)]))
        failed = sum(not check.holds for check in story.checks)
        self.say(f"\nReport: {story.report}")
        self.say(f"Look around: tiltyard status --project {story.telling.folder}")
        verdict = f"{failed} of {len(story.checks)} checks FAILED" if failed else "Every check holds"
        self.say(f"{verdict}; {story.seconds:.0f} seconds.", "bold red" if failed else "bold green")

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
    """A batch by its object's key; a later attempt says so."""
    return keys[batch.object_id] + (f" ({batch.attempt})" if batch.attempt > 1 else "")


def _verdict_text(verdict: Verdict) -> str:
    """A verdict in a few characters."""
    return f"{percent(verdict.challenger)} {_decision(verdict)}"


def _decision(verdict: Verdict) -> str:
    """What was decided, as the loop's words say it."""
    if verdict.decision == "promote":
        return "promoted"
    return "rejected" if verdict.champion_id else "not yet"


def percent(interval: Interval | None) -> str:
    """An accuracy with its interval in percent.

    >>> percent(Interval(0.9583, 0.9, 1.0))
    '95.8 90-100'
    """
    if interval is None:
        return "-"
    return f"{interval.value * 100:.3g} {interval.low * 100:.0f}-{interval.high * 100:.0f}"


def batch_story(story: "DemoRun") -> list[dict[str, Any]]:
    """One row per batch: its rows, the labels after its day, and what the day's challenger came to."""
    keys = {landed.object_id: landed.key for landed in story.telling.workspace.ledger.batches.objects()}
    return [row for told in story.days for row in _day_rows(told, keys)]


def _day_rows(told: "Told", keys: dict[Any, str]) -> Iterator[dict[str, Any]]:
    """One day's batches; verdict and labels stand on the last of them, or on a row of their own."""
    verdict = next(iter(told.verdicts), None)
    if not told.batches and verdict:
        yield {"object": "-"} | dict.fromkeys(COUNTS) | _judged(told, verdict) | {"verdict": _decision(verdict)}
    for number, batch in enumerate(told.batches, start=1):
        is_last = number == len(told.batches)
        yield {
            "object": _name(batch, keys),
            "read": batch.read,
            "acc.": batch.accepted,
            "quar.": batch.quarantined,
            "dup.": batch.duplicate,
            **_judged(told if is_last else None, verdict),
            "verdict": _outcome(batch, verdict if is_last else None),
        }


def _judged(told: "Told | None", verdict: Verdict | None) -> dict[str, Any]:
    """What a day's last row says of labels and challenger; the others say nothing."""
    if told is None or verdict is None:
        return {"labels": told.labels if told else None, "champion": "-", "challenger": "-"}
    return {
        "labels": told.labels,
        "champion": percent(verdict.champion),
        "challenger": percent(verdict.challenger),
    }


def _outcome(batch: Batch, verdict: Verdict | None) -> str:
    """What became of the batch, or of the challenger of its day."""
    if batch.state != "accepted":
        return batch.state
    if batch.attempt > 1 and verdict is None:
        return "mended"
    return _decision(verdict) if verdict else "-"


def _compact(rows: list[dict[str, Any]]) -> "Table":
    """The batches' table, as narrow as 80 columns ask."""
    from rich.table import Table

    made = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name in rows[0]:
        made.add_column(name, justify="right" if name in {*COUNTS, "labels"} else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell(value) for value in row.values()))
    return made
