"""The queue: samples wanted from annotators, each with a lease on its own row."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update

from tiltyard.schemas.canonical import parse_json
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import Assignment, AssignmentId, Purpose, Query, QueryId, SampleId, VerdictId, Vote
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.engine import Database
from tiltyard.stores.ledger.database.records import all_of, append, append_all, find, records
from tiltyard.stores.ledger.leases import is_free, is_new_to, lease_for, moment

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
