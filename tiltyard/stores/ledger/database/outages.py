"""Outages of the ledger's database, told in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, OperationalError

from tiltyard.schemas.errors import Unavailable

CLOSED = ("readonly database", "unable to open database file")
"""What SQLite says where the rights to its file or folder are missing."""


@contextmanager
def answering() -> Iterator[None]:
    """Turn what a database says when it is away, full or locked into Unavailable: the same may work in a minute."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        reason = str(error.orig).strip().splitlines()[0]
        if any(word in reason for word in CLOSED):
            raise Unavailable(f"the ledger's file: {reason}; let this user write the workspace folder") from error
        raise Unavailable(f"the ledger's database does not answer: {reason}") from error
