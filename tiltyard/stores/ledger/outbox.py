"""The outbox: notices to other systems, kept until they are delivered.

A notice is written once per key, is tried again with growing pauses, and is given up after a while; nothing in
the loop waits for it, and the ledger alone is the truth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert, not_, select, update

from tiltyard.schemas.canonical import canonical_json, parse_json
from tiltyard.stores.ledger.assignments import moment
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.engine import Database

OUTBOX = tables.outbox
HELD: Final = timedelta(minutes=1)
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(hours=1)
MOST_ATTEMPTS: Final = 20
STATES: Final = ("waiting", "delivered", "given_up")
"""Those of notices; the table keeps other messages too (ended_sessions.py)."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message: its key, the event, the payload, and the state of its delivery."""

    notice_id: str
    event: str
    body: Mapping[str, Any]
    state: str
    attempts: int
    next_at: datetime
    problem: str
    recorded_at: datetime


class Outbox:
    """The notices of one ledger."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def post(self, event: str, key: str, body: Mapping[str, Any], now: datetime) -> bool:
        """Put a notice into the outbox, once per key; whether it was new."""
        with self._database.leasing() as connection:
            if connection.scalar(select(OUTBOX.c.notice_id).where(OUTBOX.c.notice_id == key)) is not None:
                return False
            row = {"notice_id": key, "event": event, "body": canonical_json(body), "state": "waiting"}
            written = moment(now)
            connection.execute(
                insert(OUTBOX).values(**row, attempts=0, next_at=written, problem="", recorded_at=written)
            )
        return True

    def due(self, now: datetime, count: int = 20, *, of: str | None = None, but: Sequence[str] = ()) -> list[Notice]:
        """The notices to try now; nobody else is given them for a minute.

        ``of`` names a receiver, with whose name the keys of its notices end; ``but`` those whose notices are left.
        """
        whose = [OUTBOX.c.notice_id.endswith(f"-{name}", autoescape=True) for name in ([of] if of else but)]
        with self._database.leasing() as connection:
            ready = [OUTBOX.c.state == "waiting", OUTBOX.c.next_at <= moment(now)]
            ready += whose if of else [not_(one) for one in whose]
            statement = select(OUTBOX).where(*ready).order_by(OUTBOX.c.next_at, OUTBOX.c.notice_id).limit(count)
            found = [
                _notice(dict(row)) for row in connection.execute(statement.with_for_update(skip_locked=True)).mappings()
            ]
            for notice in found:
                _set(connection, notice.notice_id, next_at=moment(now + HELD), attempts=notice.attempts + 1)
        return found

    def delivered(self, notice: Notice) -> None:
        """Note that a notice has arrived."""
        with self._database.leasing() as connection:
            _set(connection, notice.notice_id, state="delivered", problem="")

    def failed(self, notice: Notice, why: str, now: datetime) -> None:
        """Note that a notice did not arrive; it is tried again after a pause that doubles, and given up in the end."""
        attempts = notice.attempts + 1
        pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)
        state = "given_up" if attempts >= MOST_ATTEMPTS else "waiting"
        with self._database.leasing() as connection:
            _set(connection, notice.notice_id, state=state, problem=why[:500], next_at=moment(now + pause))

    def all(self, limit: int = 100) -> list[Notice]:
        """The newest notices."""
        is_notice = OUTBOX.c.state.in_(STATES)
        newest = (OUTBOX.c.recorded_at.desc(), OUTBOX.c.notice_id)
        statement = select(OUTBOX).where(is_notice).order_by(*newest).limit(limit)
        with self._database.reading() as connection:
            return [_notice(dict(row)) for row in connection.execute(statement).mappings()]


def _set(connection: Connection, notice_id: str, **values: Any) -> None:
    """Change the delivery of one notice."""
    connection.execute(update(OUTBOX).where(OUTBOX.c.notice_id == notice_id).values(**values))


def _notice(row: dict[str, Any]) -> Notice:
    """The notice that a row holds."""
    moments = {name: datetime.fromisoformat(row[name]) for name in ("next_at", "recorded_at")}
    return Notice(**{**row, **moments, "body": parse_json(row["body"])})
