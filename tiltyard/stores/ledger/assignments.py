"""The queue: samples wanted from annotators, each with a lease on its own row."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select, update

from schemas.errors import NotFound
from schemas.records import Assignment, AssignmentId, Purpose, Query, QueryId, SampleId
from tiltyard.stores.ledger import tables
from tiltyard.stores.ledger.database import Database
from tiltyard.stores.ledger.facts import all_of, append, append_all, find, records

QUERY, ASSIGNMENT, ANNOTATION = tables.query, tables.assignment, tables.annotation
OTHER, SAID, LATER = ASSIGNMENT.alias(), ANNOTATION.alias(), ANNOTATION.alias()
LEASE: Final = timedelta(minutes=15)


class QueryProgress(NamedTuple):
    """How far the assignments of one query are."""

    query_id: QueryId
    asked: int
    answered: int


class Standing(NamedTuple):
    """Where one assignment stands: whether it is open, and who holds it until when."""

    assignment_id: AssignmentId
    slot: int
    purpose: Purpose
    strategy: str
    state: str
    holder: str | None
    lease_until: str


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
            append_all(connection, [assignment for assignment in assignments if assignment.sample_id not in taken])
        return query

    def queries(self) -> list[Query]:
        """All queries, in the ledger's order."""
        with self._database.reading() as connection:
            return all_of(connection, Query)

    def per_query(self) -> list[QueryProgress]:
        """How many samples each query asked for and how many of these are settled, in the ledger's order."""
        answered = func.sum(case((ASSIGNMENT.c.state == "open", 0), else_=1))
        statement = (
            select(ASSIGNMENT.c.query_id, func.count(), answered)
            .join(QUERY, QUERY.c.query_id == ASSIGNMENT.c.query_id)
            .group_by(ASSIGNMENT.c.query_id, QUERY.c.seq)
            .order_by(QUERY.c.seq)
        )
        with self._database.reading() as connection:
            return [QueryProgress(QueryId(row[0]), int(row[1]), int(row[2])) for row in connection.execute(statement)]

    def get(self, assignment_id: str) -> Assignment:
        """One assignment; NotFound when there is none."""
        with self._database.reading() as connection:
            found = find(connection, Assignment, ASSIGNMENT.c.assignment_id == assignment_id)
        if found is None:
            raise NotFound(f"no assignment {assignment_id!r}")
        return found

    def of_sample(self, sample_id: SampleId) -> list[Assignment]:
        """The assignments of one sample, in the ledger's order."""
        with self._database.reading() as connection:
            return all_of(connection, Assignment, ASSIGNMENT.c.sample_id == sample_id)

    def standing(self, sample_id: SampleId) -> list[Standing]:
        """Where the assignments of one sample stand, by slot."""
        statement = select(*(ASSIGNMENT.c[name] for name in Standing._fields)).where(
            ASSIGNMENT.c.sample_id == sample_id
        )
        with self._database.reading() as connection:
            return [Standing(*row) for row in connection.execute(statement.order_by(ASSIGNMENT.c.slot))]

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

    def waiting_for(self, annotator: str, now: datetime, most: int = 1_000) -> int:
        """How many assignments an annotator could answer now, theirs and free ones; counted up to ``most``."""
        held = and_(ASSIGNMENT.c.holder == annotator, ASSIGNMENT.c.state == "open")
        either = or_(held, and_(_is_free(now), *_is_new_to(annotator)))
        with self._database.reading() as connection:
            some = select(ASSIGNMENT.c.assignment_id).where(either).limit(most).subquery()
            return int(connection.scalar(select(func.count()).select_from(some)) or 0)

    def holders(self, now: datetime) -> dict[str, int]:
        """Who holds unanswered assignments under a running lease, and how many."""
        held = (
            ASSIGNMENT.c.state == "open",
            ASSIGNMENT.c.holder.is_not(None),
            ASSIGNMENT.c.lease_until >= _moment(now),
        )
        statement = select(ASSIGNMENT.c.holder, func.count()).where(*held).group_by(ASSIGNMENT.c.holder)
        with self._database.reading() as connection:
            return {str(holder): int(count) for holder, count in sorted(connection.execute(statement).all())}

    def asked(self) -> set[SampleId]:
        """Every sample that was ever assigned or annotated; none of them is chosen again."""
        with self._database.reading() as connection:
            assigned = connection.scalars(select(ASSIGNMENT.c.sample_id)).all()
            annotated = connection.scalars(select(ANNOTATION.c.sample_id)).all()
        return {SampleId(sample) for sample in (*assigned, *annotated)}

    def lease(self, annotator: str, now: datetime, count: int = 1, lease_for: timedelta = LEASE) -> list[Assignment]:
        """The assignments that an annotator is to answer next, at most ``count``, held for a while.

        What the annotator holds already comes first, its lease renewed, so that asking again after a crash
        gives the same ones. The lease is on the assignment's own row: a lease table beside it hands one sample
        to two people.
        """
        until = _moment(now + lease_for)
        with self._database.leasing() as connection:
            if not self._database.is_sqlite:
                # One person in two tabs: what the one has just taken must be seen by the other.
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"lease {annotator}"))))
            held = _renew(connection, annotator, until)[:count]
            while len(held) < count:
                fresh = _take_free(connection, annotator, now, until, count - len(held))
                held += fresh
                if not fresh:
                    break
            return held

    def release(self, annotator: str, only: Collection[AssignmentId] | None = None) -> int:
        """Give back what an annotator holds unanswered, all or some of it; returns how many."""
        held = [ASSIGNMENT.c.holder == annotator, ASSIGNMENT.c.state == "open"]
        if only is not None:
            held.append(ASSIGNMENT.c.assignment_id.in_(only))
        with self._database.leasing() as connection:
            return connection.execute(update(ASSIGNMENT).where(*held).values(holder=None, lease_until="")).rowcount


def _renew(connection: Connection, annotator: str, until: str) -> list[Assignment]:
    """What an annotator holds unanswered, its lease running on."""
    held = and_(ASSIGNMENT.c.holder == annotator, ASSIGNMENT.c.state == "open")
    # Sorted here: asked to sort, SQLite would walk the whole queue in its order.
    found = records(connection, Assignment, select(ASSIGNMENT).where(held))
    if found:
        connection.execute(update(ASSIGNMENT).where(held).values(lease_until=until))
    return sorted(found, key=lambda one: (-one.priority, one.assignment_id))


def _take_free(connection: Connection, annotator: str, now: datetime, until: str, count: int) -> list[Assignment]:
    """Lease the most wanted free assignments of samples that are new to this annotator, one per sample."""
    statement = (
        select(ASSIGNMENT)
        .where(_is_free(now), *_is_new_to(annotator))
        .order_by(*_most_wanted_first())
        .limit(count)
        .with_for_update(skip_locked=True)
    )
    found: dict[SampleId, Assignment] = {}
    for assignment in records(connection, Assignment, statement):
        found.setdefault(assignment.sample_id, assignment)
    ids = [assignment.assignment_id for assignment in found.values()]
    taken = update(ASSIGNMENT).where(ASSIGNMENT.c.assignment_id.in_(ids))
    if ids:
        connection.execute(taken.values(holder=annotator, lease_until=until))
    return list(found.values())


def _is_new_to(annotator: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The annotator holds no other assignment of the sample, and has no answer on it that stands."""
    holds = exists().where(
        OTHER.c.sample_id == ASSIGNMENT.c.sample_id, OTHER.c.holder == annotator, OTHER.c.state == "open"
    )
    # A flag is no answer, and what was withdrawn counts no more.
    answered = exists().where(
        SAID.c.sample_id == ASSIGNMENT.c.sample_id,
        SAID.c.annotator == annotator,
        SAID.c.act.not_in(["flag", "propose", "withdraw"]),
        ~exists().where(LATER.c.supersedes == SAID.c.annotation_id),
    )
    return ~holds, ~answered


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
