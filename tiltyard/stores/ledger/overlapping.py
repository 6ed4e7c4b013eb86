"""Overlap: when the annotators of one sample disagree, another one is asked."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from schemas.canonical import sha256_of
from schemas.records import Assignment, AssignmentId, SampleId, Voice
from tiltyard.rules.disputes import another_is_wanted
from tiltyard.stores.ledger import tables
from tiltyard.stores.ledger.facts import append_all
from tiltyard.stores.ledger.voices import voice_of

ANNOTATION, ASSIGNMENT = tables.annotation, tables.assignment
FIRST_OF_ALL = 2.0
"""The priority of a sample that is asked once more: above every chosen one, whose priorities end at 1."""


def ask_once_more(connection: Connection, answered: Sequence[Assignment], most: int) -> None:
    """Append an assignment of each sample whose every slot is answered and whose answers do not agree.

    ``answered`` are assignments that were answered in this transaction; at most ``most`` annotators are asked.
    """
    last = {one.sample_id: one for one in answered if one.purpose != "gold"}
    if not last or most < 2:
        return
    slots = _slots(connection, list(last))
    shared = [sample for sample, states in slots.items() if len(states) > 1 and "open" not in states.values()]
    voices = _voices(connection, shared)
    wanted = [sample for sample in shared if another_is_wanted(voices[sample], len(slots[sample]), most)]
    append_all(connection, [_another(last[sample], max(slots[sample]) + 1) for sample in wanted])


def _slots(connection: Connection, samples: Sequence[SampleId]) -> dict[SampleId, dict[int, str]]:
    """The state of each slot of some samples, gold samples left out."""
    statement = select(ASSIGNMENT.c.sample_id, ASSIGNMENT.c.slot, ASSIGNMENT.c.state)
    slots: dict[SampleId, dict[int, str]] = defaultdict(dict)
    of_these = (ASSIGNMENT.c.sample_id.in_(samples), ASSIGNMENT.c.purpose != "gold")
    for sample, slot, state in connection.execute(statement.where(*of_these)):
        slots[sample][slot] = state
    return slots


def _voices(connection: Connection, samples: Sequence[SampleId]) -> dict[SampleId, list[Voice]]:
    """The voices of some samples."""
    voices: dict[SampleId, list[Voice]] = {sample: [] for sample in samples}
    if samples:
        columns = [ANNOTATION.c[name] for name in Voice._fields]
        for row in connection.execute(select(*columns).where(ANNOTATION.c.sample_id.in_(samples))):
            voices[row.sample_id].append(voice_of(row))
    return voices


def _another(answered: Assignment, slot: int) -> Assignment:
    """An assignment of the same sample for one more annotator."""
    identity = sha256_of(f"{answered.query_id} {answered.sample_id} {slot}")[:32]
    return replace(answered, assignment_id=AssignmentId(identity), slot=slot, priority=FIRST_OF_ALL)
