"""Overlap: when the annotators of one sample disagree, another one is asked."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from tiltyard.labels.adjudication import needs_tiebreak
from tiltyard.schemas.canonical import sha256_of
from tiltyard.schemas.records import Assignment, AssignmentId, SampleId, Vote
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.records import append_all
from tiltyard.stores.ledger.database.voices import voices_of

ANNOTATION = tables.annotation
FIRST_OF_ALL = 2.0
"""The priority of a sample that is asked once more: above every chosen one, whose priorities end at 1."""


def ask_once_more(connection: Connection, answered: Sequence[Sequence[Assignment]], most: int) -> None:
    """Append an assignment of each sample whose answers do not agree.

    ``answered`` are all the assignments of some samples, every one of them answered, gold left out; at most
    ``most`` annotators are asked about a sample.
    """
    shared = {slots[0].sample_id: slots for slots in answered if 1 < len(slots) < most}
    voices = _voices(connection, list(shared))
    append_all(
        connection,
        [_another(slots) for sample, slots in shared.items() if needs_tiebreak(voices[sample], len(slots), most)],
    )


def _voices(connection: Connection, samples: Sequence[SampleId]) -> dict[SampleId, list[Vote]]:
    """The voices of some samples."""
    voices: dict[SampleId, list[Vote]] = {sample: [] for sample in samples}
    if samples:
        columns = [ANNOTATION.c[name] for name in Vote._fields]
        for voice in voices_of(connection.execute(select(*columns).where(ANNOTATION.c.sample_id.in_(samples)))):
            voices[voice.sample_id].append(voice)
    return voices


def _another(slots: Sequence[Assignment]) -> Assignment:
    """An assignment of the same sample for one more annotator."""
    last = max(slots, key=lambda one: one.slot)
    identity = sha256_of(f"{last.query_id} {last.sample_id} {last.slot + 1}")[:32]
    return replace(last, assignment_id=AssignmentId(identity), slot=last.slot + 1, priority=FIRST_OF_ALL)
