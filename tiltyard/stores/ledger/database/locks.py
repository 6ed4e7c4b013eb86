"""Turns: of several processes that want to do one thing for a project, one does it at a time.

PostgreSQL keeps a turn as an advisory lock of the session, SQLite's is a lock on a file beside the database. Both
end with the process that holds them, however it ends, so that no crash leaves a turn taken.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from tiltyard.schemas.errors import Unavailable
from tiltyard.stores.ledger.database.engine import translate_errors

PATIENCE: Final = 3600.0
"""Seconds to wait for a turn: longer than a training takes."""

LONGEST_NAP: Final = 1.0


@contextmanager
def advisory_lock(engine: Engine, name: str, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the turn of a name (``train``, say) while the context lasts; others wait for it.

    Raises Unavailable when it was not to be had for ``patience`` seconds.
    """
    held = _on_a_file if engine.dialect.name == "sqlite" else _on_the_server
    with held(engine, name, patience):
        yield


@contextmanager
def _on_a_file(engine: Engine, name: str, patience: float) -> Iterator[None]:
    """A turn among the processes of one machine."""
    file = os.open(f"{engine.url.database}.{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait(lambda: _locked(file), name, patience)
        yield
    finally:
        os.close(file)  # and the lock with it


def _locked(file: int) -> bool:
    """Whether a file's lock is ours now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _on_the_server(engine: Engine, name: str, patience: float) -> Iterator[None]:
    """A turn among all processes that work on one schema; the connection is kept for it alone."""
    key = (func.hashtext(func.current_schema()), func.hashtext(name))
    with translate_errors():
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with connection:
        _wait(lambda: _is_true(connection, func.pg_try_advisory_lock(*key)), name, patience)
        try:
            yield
        finally:
            _give_back(connection, key)


def _give_back(connection: Connection, key: tuple[ColumnElement[int], ColumnElement[int]]) -> None:
    """Unlock; a connection that broke in the meantime took the lock with it."""
    with suppress(DBAPIError):
        connection.execute(select(func.pg_advisory_unlock(*key)))


def _is_true(connection: Connection, asked: ColumnElement[bool]) -> bool:
    """What the database answers."""
    with translate_errors():
        return bool(connection.scalar(select(asked)))


def _wait(is_ours: Callable[[], bool], name: str, patience: float) -> None:
    """Ask for a turn, ever more rarely, until it is ours or patience ends."""
    end, nap = time.monotonic() + patience, 0.01
    while not is_ours():
        if time.monotonic() > end:
            raise Unavailable(f"another run is at {name!r} for {patience:.0f} s already; run again when it is done")
        time.sleep(nap)
        nap = min(LONGEST_NAP, nap * 1.5)
