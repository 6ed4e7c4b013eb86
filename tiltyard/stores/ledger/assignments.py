"""The queue: samples wanted from annotators, each with a lease on its own row."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    ScalarSelect,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from tiltyard.schemas.canonical import parse_json
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import Assignment, AssignmentId, Purpose, Query, QueryId, SampleId, VerdictId, Vote
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.engine import Database
from tiltyard.stores.ledger.database.records import all_of, append, append_all, find, from_row, records

QUERY, ASSIGNMENT, ANNOTATION = tables.query, tables.assignment, tables.annotation
LEASE: Final = timedelta(minutes=15)


class QueryProgress(NamedTuple):
    """How far the assignments of one query are."""

    query_id: QueryId
    asked: int
    answered: int


class ToEvaluate(NamedTuple):
    """One assignment of the evaluation set: why it was made, for which verdict if for one, and its state."""

    sample_id: SampleId
    strategy: str
    verdict_id: VerdictId | None
    state: str


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

    def to_evaluate(self) -> list[ToEvaluate]:
        """Every assignment of the evaluation set, in the ledger's order."""
        columns = (ASSIGNMENT.c.sample_id, ASSIGNMENT.c.strategy, QUERY.c.verdict_id, ASSIGNMENT.c.state)
        statement = select(*columns).join(QUERY, QUERY.c.query_id == ASSIGNMENT.c.query_id)
        with self._database.reading() as connection:
            rows = connection.execute(statement.where(ASSIGNMENT.c.purpose == "evaluation").order_by(ASSIGNMENT.c.seq))
            return [ToEvaluate(*row) for row in rows]

    def suggested(self, voices: Iterable[Vote]) -> dict[SampleId, Mapping[str, float]]:
        """The probabilities that a model gave for the samples of some voices, where one had spoken."""
        wanted = {voice.sample_id for voice in voices}
        statement = select(ASSIGNMENT.c.sample_id, ASSIGNMENT.c.suggestion).where(ASSIGNMENT.c.suggestion.is_not(None))
        with self._database.reading() as connection:
            spoken = connection.execute(statement.order_by(ASSIGNMENT.c.seq)).all()
        said = {SampleId(sample): parse_json(text)["probabilities"] for sample, text in spoken if sample in wanted}
        return {sample: probabilities for sample, probabilities in said.items() if probabilities}

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
        either = or_(held, and_(is_free(ASSIGNMENT, moment(now)), is_new_to(ASSIGNMENT, annotator)))
        with self._database.reading() as connection:
            some = select(ASSIGNMENT.c.assignment_id).where(either).limit(most).subquery()
            return int(connection.scalar(select(func.count()).select_from(some)) or 0)

    def holders(self, now: datetime) -> dict[str, int]:
        """Who holds unanswered assignments under a running lease, and how many."""
        held = (
            ASSIGNMENT.c.state == "open",
            ASSIGNMENT.c.holder.is_not(None),
            ASSIGNMENT.c.lease_until >= moment(now),
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

    def lease(self, annotator: str, now: datetime, count: int = 1, term: timedelta = LEASE) -> list[Assignment]:
        """The assignments that an annotator is to answer next, at most ``count``, held for a while.

        What the annotator holds already comes first, its lease renewed, so that asking again after a crash
        gives the same ones.
        """
        return self.lease_all({annotator: count}, now, term)[annotator]

    def lease_all(
        self, counts: Mapping[str, int], now: datetime, term: timedelta = LEASE
    ) -> dict[str, list[Assignment]]:
        """:meth:`lease` for several annotators in one transaction: what each of them is to answer next."""
        with self._database.leasing() as connection:
            return {who: lease_for(connection, who, count, now, term) for who, count in sorted(counts.items())}

    def release(self, annotator: str, only: Collection[AssignmentId] | None = None) -> int:
        """Give back what an annotator holds unanswered, all or some of it; returns how many."""
        held = [ASSIGNMENT.c.holder == annotator, ASSIGNMENT.c.state == "open"]
        if only is not None:
            held.append(ASSIGNMENT.c.assignment_id.in_(only))
        with self._database.leasing() as connection:
            return connection.execute(update(ASSIGNMENT).where(*held).values(holder=None, lease_until="")).rowcount


def _most_wanted_first() -> tuple[ColumnElement[float], ColumnElement[str]]:
    """The queue's order."""
    return ASSIGNMENT.c.priority.desc(), ASSIGNMENT.c.assignment_id.asc()


ASSIGNMENT, ANNOTATION = tables.assignment, tables.annotation
WANTED, OTHER = ASSIGNMENT.alias("wanted"), ASSIGNMENT.alias("other")
SAID, LATER = ANNOTATION.alias("said"), ANNOTATION.alias("later")
WHO: Final[BindParameter[Any]] = bindparam("who")
MOMENT: Final[BindParameter[Any]] = bindparam("moment")
UNTIL: Final[BindParameter[Any]] = bindparam("until")
REMARKS: Final = ("flag", "propose", "withdraw")
"""Acts that are not answers: an annotator who did nothing else may still get the sample."""


def lease_for(connection: Connection, annotator: str, count: int, now: datetime, term: timedelta) -> list[Assignment]:
    """What an annotator is to answer next, at most ``count``: what they hold, renewed, then the most wanted."""
    if connection.dialect.name == "postgresql":
        connection.execute(ALONE, {"who": f"lease {annotator}"})
    told = {"who": annotator, "moment": moment(now), "until": moment(now + term)}
    held = _renewed(connection, told, moment(now + term / 2))[:count]
    while len(held) < count:
        row = connection.execute(TAKE, told).mappings().first()
        if row is None:
            break
        held.append(from_row(Assignment, dict(row)))
    return held


def _renewed(connection: Connection, told: dict[str, Any], soon: str) -> list[Assignment]:
    """The unanswered assignments of an annotator; leases are renewed once half of one has passed."""
    rows = [dict(row) for row in connection.execute(HELD, {"who": told["who"]}).mappings()]
    if any(row["lease_until"] < soon for row in rows):
        connection.execute(RENEW, {"who": told["who"], "until": told["until"]})
    # Sorted here: asked to sort, SQLite would walk the whole queue in its order.
    return sorted((from_row(Assignment, row) for row in rows), key=lambda one: (-one.priority, one.assignment_id))


def is_free(table: FromClause, at: Any) -> ColumnElement[bool]:
    """Open and held by nobody whose lease still runs at a moment."""
    return and_(table.c.state == "open", or_(table.c.holder.is_(None), table.c.lease_until < at))


def is_new_to(table: FromClause, annotator: Any) -> ColumnElement[bool]:
    """The annotator holds no other assignment of the sample, and has no answer on it that stands.

    Said by counting: an EXISTS becomes a join on PostgreSQL, and without fresh statistics one over everything that
    the annotator ever said.
    """
    same = OTHER.c.sample_id == table.c.sample_id
    held = _count(same, OTHER.c.holder == annotator, OTHER.c.state == "open")
    # A flag is not an answer, and a withdrawn answer does not count.
    answered = _count(
        SAID.c.sample_id == table.c.sample_id,
        SAID.c.annotator == annotator,
        SAID.c.act.not_in(REMARKS),
        _count(LATER.c.supersedes == SAID.c.annotation_id) == 0,
    )
    return and_(held == 0, answered == 0)


def _count(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """How many rows fit conditions that refer to an outer row."""
    return select(func.count()).where(*conditions).scalar_subquery()


def moment(at: datetime) -> str:
    """A moment as text that sorts by time."""
    return at.isoformat(timespec="microseconds")


ALONE: Final = select(
    # One person in two tabs: what the one has just taken must be seen by the other.
    func.pg_advisory_xact_lock(func.hashtext(WHO)),
    # The queue is read in the order of its index; table statistics may be stale.
    func.set_config("enable_sort", "off", True),
    func.set_config("enable_bitmapscan", "off", True),
)
IS_HELD: Final = and_(ASSIGNMENT.c.holder == WHO, ASSIGNMENT.c.state == "open")
HELD: Final = select(ASSIGNMENT).where(IS_HELD)
RENEW: Final = update(ASSIGNMENT).where(IS_HELD).values(lease_until=UNTIL)
NEXT: Final = (
    select(WANTED.c.assignment_id)
    .where(is_free(WANTED, MOMENT), is_new_to(WANTED, WHO))
    .order_by(WANTED.c.priority.desc(), WANTED.c.assignment_id.asc())
    .limit(1)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
TAKE: Final = (
    update(ASSIGNMENT)
    .where(ASSIGNMENT.c.assignment_id == NEXT)
    .values(holder=WHO, lease_until=UNTIL)
    .returning(*ASSIGNMENT.columns)
)
