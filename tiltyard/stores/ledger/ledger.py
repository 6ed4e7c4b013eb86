"""The ledger as a whole: one database, opened once, seen part by part."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime

from sqlalchemy import func, select

from tiltyard.stores.files import Files
from tiltyard.stores.ledger.accesses import Accesses
from tiltyard.stores.ledger.annotations import Annotations
from tiltyard.stores.ledger.assignments import Assignments
from tiltyard.stores.ledger.batches import Batches
from tiltyard.stores.ledger.chain.segments import Segments
from tiltyard.stores.ledger.database import records as facts
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.engine import Database
from tiltyard.stores.ledger.database.locks import advisory_lock
from tiltyard.stores.ledger.database.roles import grant_labeling
from tiltyard.stores.ledger.ended_sessions import EndedSessions
from tiltyard.stores.ledger.gold import Gold
from tiltyard.stores.ledger.models import Models
from tiltyard.stores.ledger.outbox import Outbox
from tiltyard.stores.ledger.promotions import Promotions


class Ledger:
    """The append-only record of one project, part by part.

    ``batches``, ``assignments``, ``annotations``, ``access``, ``gold``, ``models``, ``champions``, ``outbox`` and
    ``segments`` are views of one database; each of their methods is one transaction.
    """

    def __init__(self, url: str, segments: Files, schema: str | None = None, heads: Files | None = None) -> None:
        """Open the ledger at an SQLAlchemy URL, its segments in a store of files, and their heads in another.

        ``schema`` holds its tables on PostgreSQL, so that one database holds many ledgers.
        """
        self.database = Database(url, schema)
        self.batches = Batches(self.database)
        self.assignments = Assignments(self.database)
        self.annotations = Annotations(self.database)
        self.access = Accesses(self.database)
        self.gold = Gold(self.database)
        self.models = Models(self.database)
        self.champions = Promotions(self.database)
        self.outbox, self.ended_sessions = Outbox(self.database), EndedSessions(self.database)
        self.segments = Segments(self.database, segments, heads)

    def turn(self, name: str) -> AbstractContextManager[None]:
        """A context in which this process alone does what the name says for this project; others wait.

        Raises Unavailable when another process holds it for an hour.
        """
        return advisory_lock(self.database.engine, name)

    def position(self) -> int:
        """The position of the last fact; everything up to it is a fixed version of the project."""
        with self.database.reading() as connection:
            return int(connection.scalar(select(func.max(tables.journal.c.seq))) or 0)

    def position_at(self, moment: datetime) -> int:
        """The position of the last fact that was recorded up to a moment (with its time zone); 0 before the first."""
        text = moment.astimezone(UTC).isoformat()
        with self.database.reading() as connection:
            return max(
                int(connection.scalar(select(func.max(table.c.seq)).where(column <= text)) or 0)
                for table in facts.TABLES.values()
                for column in table.columns
                if column.name in {"recorded_at", "landed_at"}
            )

    def grant_labeling(self, role: str) -> None:
        """Let a PostgreSQL role do what the labeling server needs and no more; see :mod:`.roles` for what it raises."""
        grant_labeling(self.database, role)

    def close(self) -> None:
        """Give the database back."""
        self.database.close()
