"""The ledger's database: opened, migrated, and handed out as reading or writing transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """One ledger's database.

    SQLite runs in WAL with ``synchronous=FULL``, and a writing transaction takes the write lock at its start
    (``BEGIN IMMEDIATE``): with the default deferred BEGIN, two writers that read first fail with "database is
    locked" however long they wait.
    """

    def __init__(self, url: str) -> None:
        """Open the database at an SQLAlchemy URL and bring its tables up to date."""
        self.engine = _engine(url)
        with self.writing() as connection:
            _migrate(connection)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the ledger."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that alone may write; committed at its end, undone by an exception."""
        options = {"tiltyard_writes": True}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    """An engine whose SQLite connections begin their own transactions."""
    if not url.startswith("sqlite"):
        return create_engine(url)
    # A connection per transaction: SQLite connections are cheap and must not wander between threads.
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": 60})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    """Take transaction control from the driver and set durability."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Begin with the write lock when the transaction writes."""
    writes = connection.get_execution_options().get("tiltyard_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(connection: Connection) -> None:
    """Bring the tables up to date inside the caller's transaction."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
