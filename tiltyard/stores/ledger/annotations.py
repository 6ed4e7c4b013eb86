"""Annotations: facts about samples, kept for ever, whatever happens to any model."""

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import datetime

import polars as pl
from sqlalchemy import Connection, func, select, true, update

from schemas.errors import AnnotationError
from schemas.records import Annotation, Assignment, NewAnnotation, SampleId, Voice
from tiltyard.rules.annotating import annotation_id, refuse_another, refuse_tampered
from tiltyard.rules.identity import payload_hash
from tiltyard.stores.ledger import tables
from tiltyard.stores.ledger.database import Database
from tiltyard.stores.ledger.facts import all_of, append, find, records

ANNOTATION, ASSIGNMENT = tables.annotation, tables.assignment


class Annotations:
    """The part of the ledger that is never lost."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def submit(
        self, new: Iterable[NewAnnotation], *, contract_hash: str, now: datetime, marked: Iterable[SampleId] = ()
    ) -> list[Annotation]:
        """Store annotations and return them as kept; when this returns, they are on disk.

        A client key that is known gives the annotation stored first, so a client may send again until it is
        answered; a known key with another content is refused. ``marked`` names samples of the evaluation set
        among those that come without an assignment. All of the call's annotations are stored, or none.
        """
        evaluation = set(marked)
        with self._database.writing() as connection:
            return [_store(connection, one, contract_hash, now, one.sample_id in evaluation) for one in new]

    def restore(self, known: Iterable[Annotation]) -> int:
        """Store annotations as another ledger kept them, each with all that was known of it; how many were new.

        Only the position is given anew, in the order in which they come. What is stored already stays; a client
        key or a payload that says otherwise than before is refused with AnnotationError, and then nothing is stored.
        """
        with self._database.writing() as connection:
            return sum(_restore(connection, annotation) for annotation in known)

    def until(self, position: int | None = None) -> list[Annotation]:
        """Every annotation up to a ledger position, in the ledger's order."""
        conditions = [] if position is None else [ANNOTATION.c.seq <= position]
        with self._database.reading() as connection:
            return all_of(connection, Annotation, *conditions)

    def voices(self, position: int | None = None) -> list[Voice]:
        """What decides over labels, of every annotation up to a ledger position: quick to read at any number."""
        until = true() if position is None else ANNOTATION.c.seq <= position
        statement = select(*(ANNOTATION.c[name] for name in Voice._fields)).where(until).order_by(ANNOTATION.c.seq)
        with self._database.reading() as connection:
            rows = connection.execute(statement).all()
        return [Voice._make([*row[:-1], datetime.fromisoformat(row[-1])]) for row in rows]

    def payloads(self, position: int | None = None) -> pl.DataFrame:
        """One payload per annotated sample up to a ledger position, sorted by sample id.

        Columns: ``sample_id``, ``payload`` (JSON text) and ``payload_hash``. Should a sample have been
        annotated with two payloads, the one with the lower hash stands for it, in whatever order they came.
        """
        until = true() if position is None else ANNOTATION.c.seq <= position
        columns = ("sample_id", "payload", "payload_hash")
        with self._database.reading() as connection:
            rows = connection.execute(select(*(ANNOTATION.c[name] for name in columns)).where(until)).all()
        frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
        return frame.sort("sample_id", "payload_hash").unique("sample_id", keep="first", maintain_order=True)

    def of_sample(self, sample_id: SampleId) -> list[Annotation]:
        """The history of one sample."""
        with self._database.reading() as connection:
            return all_of(connection, Annotation, ANNOTATION.c.sample_id == sample_id)

    def of_annotator(self, annotator: str, last: int) -> list[Annotation]:
        """An annotator's last annotations, newest first."""
        statement = select(ANNOTATION).where(ANNOTATION.c.annotator == annotator)
        with self._database.reading() as connection:
            return records(connection, Annotation, statement.order_by(ANNOTATION.c.seq.desc()).limit(last))

    def count(self, since: int = 0) -> int:
        """How many annotations were stored after a ledger position."""
        statement = select(func.count()).select_from(ANNOTATION).where(ANNOTATION.c.seq > since)
        with self._database.reading() as connection:
            return int(connection.scalar(statement) or 0)


def _store(connection: Connection, new: NewAnnotation, contract_hash: str, now: datetime, marked: bool) -> Annotation:
    """Store one annotation and settle the assignment that it answers."""
    known = find(connection, Annotation, ANNOTATION.c.client_key == new.client_key)
    if known is not None:
        return _same(known, new)
    annotation = _complete(new, _assignment_of(connection, new), contract_hash, now, marked)
    late = _needs_a_lease(new) and not _holds(connection, new, now)
    position = append(connection, replace(annotation, late=late))
    _settle(connection, new)
    return replace(annotation, late=late, seq=position)


def _restore(connection: Connection, annotation: Annotation) -> bool:
    """Store one annotation as it was; whether it was new here."""
    refuse_tampered(annotation)
    known = find(connection, Annotation, ANNOTATION.c.client_key == annotation.client_key)
    if known is not None:
        refuse_another(known, annotation)
        return False
    append(connection, annotation)
    _settle(connection, annotation)
    return True


def _same(known: Annotation, new: NewAnnotation) -> Annotation:
    """The stored annotation, when the repeated submission says the same."""
    refuse_another(known, new)
    return known


def _needs_a_lease(new: NewAnnotation) -> bool:
    """Whether an answer should come under a lease: not a correction of one that did, not what a file brings."""
    return new.assignment_id is not None and new.supersedes is None and new.origin != "import"


def _assignment_of(connection: Connection, new: NewAnnotation) -> Assignment | None:
    """The assignment that is answered, if any; it must be of the same sample."""
    if new.assignment_id is None:
        return None
    found = find(connection, Assignment, ASSIGNMENT.c.assignment_id == new.assignment_id)
    if found is None or found.sample_id != new.sample_id:
        raise AnnotationError(f"annotation {new.client_key!r}: no assignment {new.assignment_id!r} of {new.sample_id}")
    return found


def _holds(connection: Connection, new: NewAnnotation, now: datetime) -> bool:
    """Whether the annotator's lease on the assignment still runs; a late answer is stored and marked."""
    lease = select(ASSIGNMENT.c.holder, ASSIGNMENT.c.lease_until, ASSIGNMENT.c.state)
    row = connection.execute(lease.where(ASSIGNMENT.c.assignment_id == new.assignment_id)).one()
    running = row.lease_until >= now.isoformat(timespec="microseconds")
    return bool(row.state == "open" and row.holder == new.annotator and running)


def _complete(
    new: NewAnnotation, assignment: Assignment | None, contract_hash: str, now: datetime, marked: bool
) -> Annotation:
    """The annotation with what the ledger knows about it: why the sample was chosen, by which model."""
    submitted = {field.name: getattr(new, field.name) for field in fields(new)}
    return Annotation(
        **submitted,
        seq=0,
        annotation_id=annotation_id(new.client_key),
        purpose=assignment.purpose if assignment else "evaluation" if marked else "import",
        strategy=assignment.strategy if assignment else "",
        score=assignment.score if assignment else None,
        probability=assignment.probability if assignment else None,
        model_id=assignment.model_id if assignment else None,
        payload_hash=payload_hash(new.payload),
        contract_hash=contract_hash,
        late=False,
        recorded_at=now,
    )


def _settle(connection: Connection, new: NewAnnotation | Annotation) -> None:
    """Close the assignment that was answered; open the one whose answer was withdrawn."""
    assignment_id, state = new.assignment_id, "answered"
    if new.act == "withdraw":
        withdrawn = ANNOTATION.c.annotation_id == new.supersedes
        assignment_id, state = connection.scalar(select(ANNOTATION.c.assignment_id).where(withdrawn)), "open"
    if assignment_id is None or new.act == "flag":
        return
    settled = update(ASSIGNMENT).where(ASSIGNMENT.c.assignment_id == assignment_id)
    connection.execute(settled.values(state=state, holder=None, lease_until=""))
