"""Inserting annotations into the ledger: many at a time, in order, each as if it came alone.

The state of a chunk is read first (annotations by client key, assignments with their leases). Each annotation is
checked against it and changes it; then the annotations are written, then the leases. A hundred thousand annotations
from a file cost as little each as a hundred, and one from a page costs a handful of statements.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, bindparam, select, update

from tiltyard.labels.adjudication import needs_tiebreak
from tiltyard.labels.admission import refuse_invalid, trusted_time
from tiltyard.labels.annotations import (
    annotation_id,
    refuse_changed_content,
    refuse_foreign_supersedes,
    refuse_tampered,
)
from tiltyard.samples.identity import payload_hash
from tiltyard.schemas.canonical import sha256_of
from tiltyard.schemas.errors import AnnotationError
from tiltyard.schemas.project import Labeling
from tiltyard.schemas.records import Annotation, Assignment, AssignmentId, NewAnnotation, SampleId, Vote
from tiltyard.stores.ledger.assignments import moment
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.records import append_all, from_row, voices_of

ANNOTATION, ASSIGNMENT = tables.annotation, tables.assignment
REMARKS = frozenset({"flag", "propose"})
"""Acts that leave the assignment open."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Under what annotations are stored: the contract, the moment, the evaluation set's samples, the queue's rules."""

    contract_hash: str
    now: datetime
    marked: frozenset[SampleId]
    labeling: Labeling


@dataclass(slots=True)
class Lease:
    """The part of an assignment that changes."""

    state: str
    holder: str | None
    lease_until: str


@dataclass(slots=True)
class ChunkState:
    """What the ledger has on the samples of a chunk of annotations, kept up to date while they are inserted."""

    known: dict[str, Annotation]
    slots: dict[SampleId, list[Assignment]]
    assignments: dict[AssignmentId, Assignment]
    leases: dict[AssignmentId, Lease]
    superseded: dict[str, Annotation]
    skips: dict[SampleId, set[str]]
    changed: set[AssignmentId]


def insert_annotations(connection: Connection, new: Sequence[NewAnnotation], when: Circumstances) -> list[Annotation]:
    """Store a chunk of annotations, in order, and settle their assignments; as they are kept.

    Raises AnnotationError if one of them is not valid; then the caller must not commit.
    """
    _refuse_invalid(new)
    state = _read_state(connection, new)
    fresh: dict[str, Annotation] = {}
    for one in new:
        if one.client_key in state.known:
            refuse_changed_content(state.known[one.client_key], one)
            continue
        annotation = _complete(one, state, when)
        fresh[one.client_key] = state.known[one.client_key] = annotation
        state.superseded[annotation.annotation_id] = annotation
        _settle(annotation, state, when)
    positions = append_all(connection, list(fresh.values()))
    placed = {key: replace(one, seq=seq) for (key, one), seq in zip(fresh.items(), positions, strict=True)}
    _write_leases(connection, state)
    ask_once_more(connection, _slots_answered(fresh.values(), state), when.labeling.most_annotators)
    return [placed.get(one.client_key) or state.known[one.client_key] for one in new]


def restore_annotations(connection: Connection, annotations: Sequence[Annotation]) -> int:
    """Store annotations as another ledger kept them; how many were new here."""
    _refuse_invalid(annotations)
    state = _read_state(connection, annotations)
    fresh: dict[str, Annotation] = {}
    for annotation in annotations:
        refuse_tampered(annotation)
        if annotation.client_key in state.known:
            refuse_changed_content(state.known[annotation.client_key], annotation)
            continue
        fresh[annotation.client_key] = state.known[annotation.client_key] = annotation
        state.superseded[annotation.annotation_id] = annotation
        _close_or_open(annotation, state, annotation.recorded_at)
    append_all(connection, list(fresh.values()))
    _write_leases(connection, state)
    return len(fresh)


def _refuse_invalid(chunk: Sequence[NewAnnotation | Annotation]) -> None:
    """Refuse invalid annotations before any lookup; nothing else writes annotations."""
    for one in chunk:
        refuse_invalid(one)


def _read_state(connection: Connection, chunk: Sequence[NewAnnotation | Annotation]) -> ChunkState:
    """The state before a chunk is inserted."""
    state = ChunkState({}, defaultdict(list), {}, {}, {}, {}, set())
    for row in connection.execute(BY_KEY, {"some": [one.client_key for one in chunk]}).mappings():
        state.known[row["client_key"]] = from_row(Annotation, dict(row))
    if named := [one.supersedes for one in chunk if one.supersedes]:
        for row in connection.execute(BY_ID, {"some": named}).mappings():
            state.superseded[row["annotation_id"]] = from_row(Annotation, dict(row))
    for row in connection.execute(SLOTS, {"some": list({one.sample_id for one in chunk})}).mappings():
        assignment = from_row(Assignment, dict(row))
        state.slots[assignment.sample_id].append(assignment)
        state.assignments[assignment.assignment_id] = assignment
        state.leases[assignment.assignment_id] = Lease(row["state"], row["holder"], row["lease_until"])
    state.skips = _skips(connection, [one.sample_id for one in chunk if one.act == "skip"])
    return state


def _skips(connection: Connection, samples: Sequence[SampleId]) -> dict[SampleId, set[str]]:
    """Who has skipped each of some samples before."""
    skips: dict[SampleId, set[str]] = {sample: set() for sample in samples}
    if samples:
        skipped = (ANNOTATION.c.sample_id.in_(samples), ANNOTATION.c.act == "skip")
        for sample, annotator in connection.execute(
            select(ANNOTATION.c.sample_id, ANNOTATION.c.annotator).where(*skipped)
        ):
            skips[sample].add(annotator)
    return skips


def _complete(new: NewAnnotation, state: ChunkState, when: Circumstances) -> Annotation:
    """The annotation with what the ledger knows about it: why the sample was chosen, by which model."""
    assignment = _assignment_of(new, state)
    refuse_foreign_supersedes(new, state.superseded.get(str(new.supersedes)))
    evaluation = new.sample_id in when.marked
    said_at, claimed = trusted_time(new.said_at, when.now)
    return Annotation(
        **{field.name: getattr(new, field.name) for field in fields(new)} | {"said_at": said_at},
        claimed_at=claimed,
        seq=0,
        annotation_id=annotation_id(new.client_key),
        purpose=assignment.purpose if assignment else "evaluation" if evaluation else "import",
        strategy=assignment.strategy if assignment else "",
        score=assignment.score if assignment else None,
        probability=assignment.probability if assignment else None,
        model_id=assignment.model_id if assignment else None,
        payload_hash=payload_hash(new.payload),
        contract_hash=when.contract_hash,
        late=_is_late(new, state, when.now),
        recorded_at=when.now,
    )


def _assignment_of(new: NewAnnotation, state: ChunkState) -> Assignment | None:
    """The assignment that is answered, if any; it must be of the same sample."""
    if new.assignment_id is None:
        return None
    found = state.assignments.get(new.assignment_id)
    if found is None or found.sample_id != new.sample_id:
        raise AnnotationError(f"annotation {new.client_key!r}: no assignment {new.assignment_id!r} of {new.sample_id}")
    return found


def _is_late(new: NewAnnotation, state: ChunkState, now: datetime) -> bool:
    """Whether an answer comes without a running lease; it is stored all the same, and marked.

    A correction of an answer needs no lease, nor does what a file brings. What experts answer in another tool, that
    tool holds for them all under the name of the origin.
    """
    if new.assignment_id is None or new.supersedes is not None or new.origin == "import":
        return False
    lease = state.leases[new.assignment_id]
    held = lease.state == "open" and lease.holder in {new.annotator, new.origin}
    return not (held and lease.lease_until >= moment(now))


def _settle(annotation: Annotation, state: ChunkState, when: Circumstances) -> None:
    """Close the assignment that was answered; open it again when others are to answer what one has skipped."""
    _close_or_open(annotation, state, when.now + timedelta(minutes=when.labeling.lease_minutes))
    if annotation.act == "skip" and annotation.assignment_id:
        skipped = state.skips[annotation.sample_id]
        skipped.add(annotation.annotator)
        if len(skipped) < when.labeling.skips:
            state.leases[annotation.assignment_id] = Lease("open", None, "")


def _close_or_open(annotation: Annotation, state: ChunkState, until: datetime) -> None:
    """Close the assignment that was answered; give the one whose answer was withdrawn back to who withdrew it."""
    assignment_id, lease = annotation.assignment_id, Lease("answered", None, "")
    if annotation.act == "withdraw":
        withdrawn = state.superseded.get(str(annotation.supersedes))
        assignment_id = withdrawn.assignment_id if withdrawn else None
        lease = Lease("open", annotation.annotator, moment(until))
    if assignment_id is None or assignment_id not in state.leases or annotation.act in REMARKS:
        return
    state.leases[assignment_id] = lease
    state.changed.add(assignment_id)


def _write_leases(connection: Connection, state: ChunkState) -> None:
    """Write the leases that changed."""
    if not state.changed:
        return
    leases = {one: state.leases[one] for one in sorted(state.changed)}
    rows: list[dict[str, Any]] = [
        {"which": one, "state": lease.state, "holder": lease.holder, "lease_until": lease.lease_until}
        for one, lease in leases.items()
    ]
    connection.execute(SETTLE, rows)


def _slots_answered(fresh: Iterable[Annotation], state: ChunkState) -> list[list[Assignment]]:
    """The assignments of each sample that these annotations labelled and whose last open one they closed."""
    labelled = {one.sample_id for one in fresh if one.act == "label" and one.assignment_id}
    slots = [[one for one in state.slots[sample] if one.purpose != "gold"] for sample in sorted(labelled)]
    return [own for own in slots if all(state.leases[one.assignment_id].state != "open" for one in own)]


SOME: Final[BindParameter[Any]] = bindparam("some", expanding=True)
BY_KEY: Final = select(ANNOTATION).where(ANNOTATION.c.client_key.in_(SOME))
BY_ID: Final = select(ANNOTATION).where(ANNOTATION.c.annotation_id.in_(SOME))
SLOTS: Final = select(ASSIGNMENT).where(ASSIGNMENT.c.sample_id.in_(SOME)).order_by(ASSIGNMENT.c.slot)
SETTLE: Final = (
    update(ASSIGNMENT)
    .where(ASSIGNMENT.c.assignment_id == bindparam("which"))
    .values(state=bindparam("state"), holder=bindparam("holder"), lease_until=bindparam("lease_until"))
)


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
