"""Outages of the ledger's database, told in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, OperationalError

from schemas.errors import Unavailable


@contextmanager
def answering() -> Iterator[None]:
    """Turn what a database says when it is away, full or locked into Unavailable: the same may work in a minute."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise Unavailable(f"the ledger's database does not answer: {reason}") from error
