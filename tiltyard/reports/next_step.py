"""What to do next: the first step of the loop that has something to do."""

from dataclasses import dataclass

from tiltyard.reports.formatting import format_count
from tiltyard.schemas.records import Due


@dataclass(frozen=True, slots=True)
class LoopState:
    """Where a project stands.

    ``to_judge`` is a model's short id, ``to_promote`` and ``to_approve`` are a verdict's, ``refused`` are batches';
    ``question`` is what an undecided verdict leaves open, as a sentence.
    """

    arrived: int
    samples: int
    waiting: int
    training: Due
    to_judge: str | None
    to_promote: str | None
    refused: tuple[str, ...]
    incoming: str
    to_approve: str | None = None
    question: str = ""


@dataclass(frozen=True, slots=True)
class NextStep:
    """A command and why it is the next one."""

    command: str
    why: str


def next_step(now: LoopState) -> NextStep:
    """The next step, the one furthest along the loop first except that new data goes before all.

    >>> idle = LoopState(0, 0, 0, Due(False, ""), None, None, (), "incoming/")
    >>> next_step(idle).why
    'the pool is empty; put a file into incoming/'
    """
    if now.arrived:
        return NextStep("tiltyard ingest", f"{format_count(now.arrived, 'object')} arrived")
    if now.to_promote:
        return NextStep("tiltyard promote", f"verdict {now.to_promote} says promote")
    if now.to_approve:
        return NextStep("tiltyard approve --reason WHY", f"verdict {now.to_approve} says promote, if a person agrees")
    if now.to_judge:
        return NextStep("tiltyard judge", f"challenger {now.to_judge} awaits a verdict")
    if now.training:
        return NextStep("tiltyard train", now.training.why)
    return _about_labels(now)


def _about_labels(now: LoopState) -> NextStep:
    """The next step when only labels or data are wanted."""
    if now.waiting:
        why = f"open is {now.question}" if now.question else now.training.why
        return NextStep(
            "tiltyard label",
            f"{format_count(now.waiting, 'sample waits', 'samples wait')} for a label; {why}",
        )
    if now.refused and not now.samples:
        why = f"batch {now.refused[0]} is in quarantine; correct the project file, then 'tiltyard quarantine retry'"
        return NextStep(f"tiltyard quarantine show {now.refused[0]}", why)
    if not now.samples:
        return NextStep("tiltyard ingest", f"the pool is empty; put a file into {now.incoming}")
    return NextStep("tiltyard ask", "the queue is empty")
