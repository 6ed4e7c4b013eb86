"""The ledger's database: opened, migrated, and handed out as reading or writing transactions."""

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.pool import QueuePool
from sqlalchemy.schema import CreateSchema

from tiltyard.schemas.errors import SettingsError, Unavailable

MIGRATIONS = Path(__file__).parents[1] / "migrations"

INSUFFICIENT_PRIVILEGE: Final = "42501"
"""PostgreSQL's code for what a role may not do."""

SWITCHES: Final = 1000
"""How often, 10 ms apart, the first openers of one file try to have their turn."""


class Database:
    """One ledger's database.

    SQLite runs in WAL with ``synchronous=FULL``, and a writing transaction takes the write lock at its start
    (``BEGIN IMMEDIATE``): with the default deferred BEGIN, two writers that read first fail with "database is
    locked" however long they wait.
    """

    def __init__(self, url: str, schema: str | None = None) -> None:
        """Open the database at an SQLAlchemy URL and bring its tables up to date.

        On PostgreSQL the tables live in a schema of their own, made when it is not there: one ledger per project. A
        role that does not own them opens a ledger whose tables are of today; SettingsError when they are not.
        """
        self.engine = _sqlite_engine(url) if url.startswith("sqlite") else _postgresql_engine(url, schema)
        # SQLite's readers see one moment by themselves.
        level = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._snapshots = self.engine.execution_options(**level)
        self._turn = threading.Lock() if self.is_sqlite else nullcontext()
        # Who opened it may never close it: a workspace that nobody uses any more is simply forgotten.
        weakref.finalize(self, self.engine.dispose).atexit = False
        with _owning(), self.writing() as connection:
            if schema is not None and not self.is_sqlite:
                # While it does not exist, 'writing' has no current schema to lock by.
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(schema))))
                # IF NOT EXISTS would ask for the right to make it although it is there.
                if not connection.dialect.has_schema(connection, schema):
                    connection.execute(CreateSchema(schema))
            _migrate(connection)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the ledger."""
        with translate_errors(), self._snapshots.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that alone may append facts; committed at its end, undone by an exception.

        So a fact is never seen before one with a lower position, and a reader that goes on from the last
        position it saw misses none.
        """
        with self.leasing() as connection:
            if not self.is_sqlite:
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(func.current_schema()))))
            yield connection

    @contextmanager
    def leasing(self) -> Iterator[Connection]:
        """A transaction that changes leases only; beside others where the database locks rows (PostgreSQL)."""
        options = {"tiltyard_writes": True}
        # SQLite's own waiting is by polling and unfair: threads of one process take turns here instead.
        with (
            translate_errors(),
            self._turn,
            self.engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


@contextmanager
def _owning() -> Iterator[None]:
    """Tell a role that may not make or change tables who can."""
    try:
        yield
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != INSUFFICIENT_PRIVILEGE:
            raise
        raise SettingsError(
            "TILTYARD_LEDGER_URL: its role may not make or change the ledger's tables, and they are not those of this "
            "version; run 'tiltyard status' once as the role that owns them, then 'tiltyard grant ROLE'"
        ) from error


def _postgresql_engine(url: str, schema: str | None) -> Engine:
    """An engine whose connections look into one schema only."""
    engine = create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True)
    if schema is not None:
        quoted = engine.dialect.identifier_preparer.quote_identifier(schema)
        event.listen(engine, "connect", partial(_look_into, quoted))
    return engine


def _look_into(quoted_schema: str, connection: Any, _record: Any) -> None:
    """Set up a new connection, for good: its schema, and no compiling of queries."""
    connection.autocommit = True
    connection.execute(f"SET search_path TO {quoted_schema}")
    # Compiling a lease's query takes a hundred times as long as running it.
    connection.execute("SET jit = off")
    connection.autocommit = False


def _sqlite_engine(url: str) -> Engine:
    """An engine whose SQLite connections begin their own transactions."""
    # Connections are kept: closing the last one copies the write-ahead log back, which costs more than a commit.
    # They wander between threads one transaction at a time, which SQLite allows.
    settings = {"timeout": 60, "check_same_thread": False}
    _keep_to_owner(make_url(url).database)
    engine = create_engine(url, poolclass=QueuePool, pool_size=8, max_overflow=64, connect_args=settings)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _keep_to_owner(database: str | None) -> None:
    """Make a ledger's file, and let nobody but its owner read it: it holds names, labels and samples' values.

    SQLite gives its log the rights of the file. A file of somebody else, who lets us write, is left as it is.
    """
    path = Path(database or ":memory:")
    if path.name.startswith((":memory:", "file:")) or not path.parent.is_dir():
        return
    with suppress(PermissionError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        for one in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            if one.exists() and one.stat().st_mode & 0o077:
                one.chmod(0o600)


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    """Take transaction control from the driver and set durability."""
    connection.isolation_level = None
    write_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def write_ahead(connection: Any) -> None:
    """Switch to the write-ahead log.

    Of two that switch a new file in the same moment SQLite refuses one at once, regardless of its timeout, or they
    would wait for each other: that one tries again.
    """
    for _ in range(SWITCHES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            sleep(0.01)
    connection.execute("PRAGMA journal_mode=WAL")


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


CLOSED = ("readonly database", "unable to open database file")
"""What SQLite says where the rights to its file or folder are missing."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn what a database says when it is away, full or locked into Unavailable: the same may work in a minute."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        reason = str(error.orig).strip().splitlines()[0]
        if any(word in reason for word in CLOSED):
            raise Unavailable(f"the ledger's file: {reason}; let this user write the workspace folder") from error
        raise Unavailable(f"the ledger's database does not answer: {reason}") from error
