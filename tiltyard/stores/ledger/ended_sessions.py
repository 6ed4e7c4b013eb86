"""Ended sessions of browsers: kept until they would have ended by themselves.

They are rows of the outbox table without a recipient: it is the one table of the ledger whose rows are not facts
and may be forgotten, and every replica of a server reads it.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import insert, select

from tiltyard.schemas.canonical import canonical_json
from tiltyard.stores.ledger.assignments import moment
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.engine import Database

OUTBOX = tables.outbox
EVENT: Final = "tiltyard.session.ended"
STATE: Final = "kept"
PREFIX: Final = "session-ended-"


class EndedSessions:
    """The sessions of one project's pages that ended before their time."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def end(self, digest: str, until: datetime, now: datetime) -> None:
        """Note that a session ended, by the hash of its nonce; ``until`` is when it would have ended by itself."""
        key = f"{PREFIX}{digest}"
        with self._database.leasing() as connection:
            if connection.scalar(select(OUTBOX.c.notice_id).where(OUTBOX.c.notice_id == key)) is not None:
                return
            row = {"notice_id": key, "event": EVENT, "body": canonical_json({}), "state": STATE, "problem": ""}
            connection.execute(insert(OUTBOX).values(**row, attempts=0, next_at=moment(until), recorded_at=moment(now)))

    def standing(self, now: datetime) -> set[str]:
        """The hashes of all sessions that ended and would still last."""
        is_ours = (OUTBOX.c.state == STATE, OUTBOX.c.event == EVENT, OUTBOX.c.next_at > moment(now))
        with self._database.reading() as connection:
            return {key.removeprefix(PREFIX) for key in connection.scalars(select(OUTBOX.c.notice_id).where(*is_ours))}
