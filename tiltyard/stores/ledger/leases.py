"""Leases: who is to answer which assignment, for how long.

The lease is on the assignment's own row: a lease table beside it hands one sample to two people. An assignment
whose lease has run out is free by the query itself, so nothing has to sweep. The statements are made once,
because this is what every expert waits for after every answer.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    ScalarSelect,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)

from tiltyard.schemas.records import Assignment
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.records import from_row

ASSIGNMENT, ANNOTATION = tables.assignment, tables.annotation
WANTED, OTHER = ASSIGNMENT.alias("wanted"), ASSIGNMENT.alias("other")
SAID, LATER = ANNOTATION.alias("said"), ANNOTATION.alias("later")
WHO: Final[BindParameter[Any]] = bindparam("who")
MOMENT: Final[BindParameter[Any]] = bindparam("moment")
UNTIL: Final[BindParameter[Any]] = bindparam("until")
REMARKS: Final = ("flag", "propose", "withdraw")
"""Acts that are no answer: who did nothing else may still be asked."""


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
    """What an annotator holds unanswered; the leases run on, written anew when half of one has passed."""
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
    # A flag is no answer, and what was withdrawn counts no more.
    answered = _count(
        SAID.c.sample_id == table.c.sample_id,
        SAID.c.annotator == annotator,
        SAID.c.act.not_in(REMARKS),
        _count(LATER.c.supersedes == SAID.c.annotation_id) == 0,
    )
    return and_(held == 0, answered == 0)


def _count(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """How many rows fit conditions that speak of a row outside."""
    return select(func.count()).where(*conditions).scalar_subquery()


def moment(at: datetime) -> str:
    """A moment as text that sorts by time."""
    return at.isoformat(timespec="microseconds")


ALONE: Final = select(
    # One person in two tabs: what the one has just taken must be seen by the other.
    func.pg_advisory_xact_lock(func.hashtext(WHO)),
    # The queue is read in the order of its index, whatever the statistics say of its length.
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
