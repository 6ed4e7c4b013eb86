"""Voices out of rows: as much of an annotation as decides over labels, quick to read at any number."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from tiltyard.labels.admission import uncounted_reason
from tiltyard.schemas.records import Vote


@dataclass(frozen=True, slots=True)
class SetAside:
    """An annotation that is stored and cannot count, and why; what it says stays in the ledger."""

    position: int
    annotation_id: str
    annotator: str
    why: str

    def __str__(self) -> str:
        """One sentence that says what to do."""
        return (
            f"annotation {self.annotation_id[:8]} at position {self.position} is set aside and counts nowhere: "
            f"{self.why}; say it again under a key of its own if it is right"
        )


def voices_of(rows: Iterable[Row[Any]]) -> Iterator[Vote]:
    """The voices that rows of their columns hold; those that cannot count are left out."""
    for row in rows:
        voice = voice_of(row)
        if uncounted_reason(voice) is None:
            yield voice


def set_aside_in(rows: Iterable[Row[Any]]) -> Iterator[SetAside]:
    """What :func:`voices_of` leaves out, and why."""
    for row in rows:
        voice = voice_of(row)
        why = uncounted_reason(voice)
        if why is not None:
            yield SetAside(voice.seq, voice.annotation_id, voice.annotator, why)


def voice_of(row: Row[Any]) -> Vote:
    """The voice that a row of its columns holds; its time is None where that is no time."""
    return Vote._make(row)._replace(said_at=_moment(row.said_at))  # type: ignore[arg-type]  # why_uncounted says so


def _moment(written: str) -> datetime | None:
    """A moment as it is stored."""
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None
