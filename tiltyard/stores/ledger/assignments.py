"""The queue: samples wanted from annotators, each with a lease on its own row."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, update

from schemas.records import Assignment, Purpose, Query, SampleId
from tiltyard.stores.ledger import tables
from tiltyard.stores.ledger.database import Database
from tiltyard.stores.ledger.facts import all_of, append, find, records

QUERY, ASSIGNMENT, ANNOTATION = tables.query, tables.assignment, tables.annotation
LEASE = timedelta(minutes=15)


class Assignments:
    """The part of the ledger about queries and the assignments they made."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def ask(self, query: Query, assignments: Sequence[Assignment]) -> Query:
        """Record a query and its assignments together, once; samples that were asked for meanwhile stay out."""
        with self._database.writing() as connection:
            known = find(connection, Query, QUERY.c.query_id == query.query_id)
            if known is not None:
                return known
            append(connection, query)
            taken = set(connection.scalars(select(ASSIGNMENT.c.sample_id)))
            for assignment in assignments:
                if assignment.sample_id not in taken:
                    append(connection, assignment)
        return query

    def queries(self) -> list[Query]:
        """All queries, in the ledger's order."""
        with self._database.reading() as connection:
            return all_of(connection, Query)

    def waiting(self) -> list[Assignment]:
        """Assignments that still want an answer, the most wanted first."""
        statement = select(ASSIGNMENT).where(ASSIGNMENT.c.state == "open").order_by(*_most_wanted_first())
        with self._database.reading() as connection:
            return records(connection, Assignment, statement)

    def waiting_count(self, purpose: Purpose | None = None) -> int:
        """How many assignments still want an answer, of one purpose or of all."""
        conditions = [ASSIGNMENT.c.state == "open"]
        if purpose is not None:
            conditions.append(ASSIGNMENT.c.purpose == purpose)
        with self._database.reading() as connection:
            return int(connection.scalar(select(func.count()).select_from(ASSIGNMENT).where(*conditions)) or 0)

    def asked(self) -> set[SampleId]:
        """Every sample that was ever assigned or annotated; none of them is chosen again."""
        with self._database.reading() as connection:
            assigned = connection.scalars(select(ASSIGNMENT.c.sample_id)).all()
            annotated = connection.scalars(select(ANNOTATION.c.sample_id)).all()
        return {SampleId(sample) for sample in (*assigned, *annotated)}

    def lease(self, annotator: str, now: datetime, count: int = 1) -> list[Assignment]:
        """The assignments that an annotator is to answer next, at most ``count``, held for fifteen minutes.

        What the annotator holds already comes first, its lease renewed, so that asking again after a crash
        gives the same ones. The lease is on the assignment's own row: a lease table beside it hands one sample
        to two people.
        """
        with self._database.writing() as connection:
            held = _renew(connection, annotator, now)[:count]
            for _ in range(count - len(held)):
                fresh = _lease_next(connection, annotator, now)
                if fresh is None:
                    break
                held.append(fresh)
            return held

    def release(self, annotator: str) -> int:
        """Give back what an annotator holds unanswered; returns how many."""
        held = and_(ASSIGNMENT.c.holder == annotator, ASSIGNMENT.c.state == "open")
        with self._database.writing() as connection:
            return connection.execute(update(ASSIGNMENT).where(held).values(holder=None, lease_until="")).rowcount


def _renew(connection: Connection, annotator: str, now: datetime) -> list[Assignment]:
    """What an annotator holds unanswered, its lease running on from now."""
    held = and_(ASSIGNMENT.c.holder == annotator, ASSIGNMENT.c.state == "open")
    connection.execute(update(ASSIGNMENT).where(held).values(lease_until=_moment(now + LEASE)))
    return records(connection, Assignment, select(ASSIGNMENT).where(held).order_by(*_most_wanted_first()))


def _lease_next(connection: Connection, annotator: str, now: datetime) -> Assignment | None:
    """Lease the most wanted free assignment of a sample that this annotator has not touched."""
    other = ASSIGNMENT.alias()
    mine = select(other.c.sample_id).where(other.c.holder == annotator)
    answered = _answered_by(annotator)
    statement = (
        select(ASSIGNMENT)
        .where(_is_free(now), ASSIGNMENT.c.sample_id.not_in(mine), ASSIGNMENT.c.sample_id.not_in(answered))
        .order_by(*_most_wanted_first())
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = records(connection, Assignment, statement)
    if not found:
        return None
    lease = {"holder": annotator, "lease_until": _moment(now + LEASE)}
    connection.execute(update(ASSIGNMENT).where(ASSIGNMENT.c.assignment_id == found[0].assignment_id).values(**lease))
    return found[0]


def _answered_by(annotator: str) -> Select[tuple[str]]:
    """The samples that an annotator has answered: a flag is no answer, and what was withdrawn counts no more."""
    withdrawn = select(ANNOTATION.c.supersedes).where(ANNOTATION.c.supersedes.is_not(None))
    return select(ANNOTATION.c.sample_id).where(
        ANNOTATION.c.annotator == annotator,
        ANNOTATION.c.act.not_in(["flag", "withdraw"]),
        ANNOTATION.c.annotation_id.not_in(withdrawn),
    )


def _is_free(now: datetime) -> ColumnElement[bool]:
    """Open and held by nobody whose lease still runs."""
    return and_(
        ASSIGNMENT.c.state == "open", or_(ASSIGNMENT.c.holder.is_(None), ASSIGNMENT.c.lease_until < _moment(now))
    )


def _most_wanted_first() -> tuple[ColumnElement[float], ColumnElement[str]]:
    """The queue's order."""
    return ASSIGNMENT.c.priority.desc(), ASSIGNMENT.c.assignment_id.asc()


def _moment(moment: datetime) -> str:
    """A moment as text that sorts by time."""
    return moment.isoformat(timespec="microseconds")
