"""Gold samples: their labels are known; annotators get one now and then without knowing which."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, exists, func, select, update

from tiltyard.samples.hashing import hash_uniform
from tiltyard.schemas.canonical import sha256_of
from tiltyard.schemas.records import Assignment, AssignmentId, GoldSample, Query, QueryId, SampleId
from tiltyard.stores.ledger.assignments import moment
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.engine import Database
from tiltyard.stores.ledger.database.records import append, find, records

GOLD, ASSIGNMENT, ANNOTATION = tables.gold_sample, tables.assignment, tables.annotation
FIRST_SLOT = 1_000
"""Slots of gold assignments begin here, so that they never meet those of overlap."""
FOR_ITS_ANNOTATOR = 1.5
"""The priority of a gold assignment: next for the one who holds it."""


class Gold:
    """The part of the ledger about gold samples. What was said last of a sample holds."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def record(self, gold: GoldSample) -> GoldSample:
        """Record that a sample is gold, or is so no longer, once."""
        with self._database.writing() as connection:
            known = find(connection, GoldSample, GOLD.c.gold_id == gold.gold_id)
            if known is None:
                append(connection, gold)
            return known or gold

    def current(self) -> list[GoldSample]:
        """Today's gold samples, by sample id."""
        with self._database.reading() as connection:
            return _current(connection)

    def ask_if_due(
        self, annotator: str, now: datetime, share: float, seed: int, classes: Collection[str] | None = None
    ) -> AssignmentId | None:
        """Lease one gold sample to an annotator when chance says that it is time; its assignment, else none.

        Chance is drawn once per answer: from the seed, the annotator and how much they have answered, so that
        asking again does not draw again. A gold sample is asked of each annotator once, and never of those who
        answered it before it was gold. Where ``classes`` are named, only gold of one of them is asked: nobody could
        give the answer of a class that there is no more.
        """
        if share <= 0 or not self.current():
            return None
        with self._database.reading() as connection:
            # Nearly always it is not time, and who finds that out must not wait for those who write.
            if hash_uniform(seed, f"gold {annotator} {_answered(connection, annotator)}") >= share:
                return None
        with self._database.writing() as connection:
            answered = _answered(connection, annotator)
            if hash_uniform(seed, f"gold {annotator} {answered}") >= share or _holds_gold(connection, annotator):
                return None
            chance = hash_uniform(seed, f"which gold {annotator} {answered}")
            wanted = _next_for(connection, annotator, chance, classes)
            return _ask(connection, annotator, wanted, now) if wanted else None


def _current(connection: Connection) -> list[GoldSample]:
    """Today's gold samples, by sample id."""
    later = GOLD.alias()
    newest = select(func.max(later.c.seq)).where(later.c.sample_id == GOLD.c.sample_id).scalar_subquery()
    statement = select(GOLD).where(GOLD.c.act == "add", GOLD.c.seq == newest)
    return records(connection, GoldSample, statement.order_by(GOLD.c.sample_id))


def _answered(connection: Connection, annotator: str) -> int:
    """How much an annotator has said so far."""
    own = ANNOTATION.c.annotator == annotator
    return int(connection.scalar(select(func.count()).select_from(ANNOTATION).where(own)) or 0)


def _holds_gold(connection: Connection, annotator: str) -> bool:
    """Whether an annotator holds a gold assignment unanswered."""
    held = (ASSIGNMENT.c.holder == annotator, ASSIGNMENT.c.state == "open", ASSIGNMENT.c.purpose == "gold")
    return bool(connection.scalar(select(exists().where(*held))))


def _next_for(
    connection: Connection, annotator: str, chance: float, classes: Collection[str] | None
) -> GoldSample | None:
    """A random gold sample that the annotator was never assigned, did not hold and did not answer."""
    gold = [one for one in _current(connection) if classes is None or one.label in classes]
    said = set(connection.scalars(select(ANNOTATION.c.sample_id).where(ANNOTATION.c.annotator == annotator)))
    asked = ASSIGNMENT.c.assignment_id.in_([_id(annotator, one.sample_id) for one in gold])
    said |= set(connection.scalars(select(ASSIGNMENT.c.sample_id).where(asked)))
    said |= set(connection.scalars(select(ASSIGNMENT.c.sample_id).where(ASSIGNMENT.c.holder == annotator)))
    left = [one for one in gold if one.sample_id not in said]
    return left[int(chance * len(left))] if left else None


def _ask(connection: Connection, annotator: str, gold: GoldSample, now: datetime) -> AssignmentId:
    """Append the assignment of a gold sample and hold it for the annotator; the caller's lease gives it a term."""
    query = _query(connection, now)
    slots = select(func.max(ASSIGNMENT.c.slot)).where(ASSIGNMENT.c.sample_id == gold.sample_id)
    slot = max(int(connection.scalar(slots) or 0) + 1, FIRST_SLOT)
    assignment = Assignment(
        assignment_id=_id(annotator, gold.sample_id),
        query_id=query.query_id,
        sample_id=gold.sample_id,
        slot=slot,
        purpose="gold",
        strategy="gold",
        score=None,
        probability=None,
        model_id=None,
        payload=gold.payload,
        priority=FOR_ITS_ANNOTATOR,
    )
    append(connection, assignment)
    held = update(ASSIGNMENT).where(ASSIGNMENT.c.assignment_id == assignment.assignment_id)
    connection.execute(held.values(holder=annotator, lease_until=moment(now)))
    return assignment.assignment_id


def _query(connection: Connection, now: datetime) -> Query:
    """The query that all gold assignments belong to, made with the first of them."""
    query_id = QueryId(sha256_of("gold")[:32])
    known = find(connection, Query, tables.query.c.query_id == query_id)
    query = known or Query(query_id, "gold", None, 0, 0, "samples whose answers are known", now)
    if known is None:
        append(connection, query)
    return query


def _id(annotator: str, sample_id: SampleId) -> AssignmentId:
    """The assignment of one gold sample to one annotator."""
    return AssignmentId(sha256_of(f"gold {annotator} {sample_id}")[:32])
