"""Attempts at one object: which rows a later attempt reads, and where the object's rows are after all of them.

A row's number means the same row only while the object is read in the same way. Where anything changed that numbers
rows, a later attempt reads the whole object again.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from tiltyard.schemas.canonical import digest
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Batch, Conservation

READER: Final = 2
"""Raised whenever a reader numbers rows in another way than before; since 2 blank rows take no number."""

NOT_NUMBERING: Final = {"missing", "decimal", "thousands"}
"""Options of CSV that change cells, never which row is which."""


def row_numbering(key: str, project: Project) -> str:
    """What numbers the rows of the object with this key: its name, the format and the reader's options; 32 hex digits.

    An option that is added later counts, unless ``NOT_NUMBERING`` says that it does not.
    """
    options = project.source.csv.model_dump(mode="json", exclude=NOT_NUMBERING)
    return digest([READER, key, project.source.format, options])[:32]


def rows_to_read(attempts: Sequence[Batch], numbering: str) -> Batch | None:
    """The attempt whose quarantine has all rows that are left to read; None where the whole object must be read.

    ``attempts`` are those at one object, first to last.
    """
    last = attempts[-1] if attempts else None
    if last is None or last.quarantine_file is None:
        return None
    return last if last.statistics.get("numbering") == numbering else None


def read_whole_object(batch: Batch, earlier: Sequence[Batch]) -> bool:
    """Whether an attempt read the whole object; attempts from before this was recorded did so the first time."""
    recorded = batch.statistics.get("whole")
    if recorded is not None:
        return bool(recorded)
    return batch.state != "unreadable" and all(one.state == "unreadable" for one in earlier)


def conservation(attempts: Iterable[Sequence[Batch]]) -> Conservation:
    """Where every row ever read is now: law 2 in five numbers, from each object's attempts, first to last.

    An object is read whole once, or again after its row numbers changed. Of a reading that another one followed,
    the rows that waited in quarantine at its end are not counted: they were read again.
    """
    totals = Conservation(0, 0, 0, 0, 0)
    for of_object in attempts:
        read = 0
        for place, batch in enumerate(of_object):
            if read_whole_object(batch, of_object[:place]):
                read += batch.read - (of_object[place - 1].quarantined if place else 0)
        totals = Conservation(
            objects=totals.objects + 1,
            read=totals.read + read,
            accepted=totals.accepted + sum(batch.accepted for batch in of_object),
            quarantined=totals.quarantined + of_object[-1].quarantined,
            duplicate=totals.duplicate + sum(batch.duplicate for batch in of_object),
        )
    return totals
