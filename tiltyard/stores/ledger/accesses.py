"""Accesses: who may do what in a project, as facts that supersede each other."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, func, select

from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import Access, AccessId
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.engine import Database
from tiltyard.stores.ledger.database.records import append, find, records

ACCESS = tables.access
LATER = ACCESS.alias()


class Accesses:
    """The part of the ledger about annotators' rights. What was said last of an annotator holds."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def grant(self, access: Access) -> Access:
        """Record an access, once; it takes the place of what the annotator had before."""
        with self._database.writing() as connection:
            known = find(connection, Access, ACCESS.c.access_id == access.access_id)
            if known is None:
                append(connection, access)
            return known or access

    def revoke(self, annotator: str, decided_by: str, now: datetime) -> Access:
        """Take an annotator's access away; what they have answered stays. NotFound when they have none."""
        with self._database.writing() as connection:
            standing = _standing(connection, ACCESS.c.annotator == annotator)
            if not standing:
                raise NotFound(f"{annotator!r} has no access; 'tiltyard annotators list' names those who have")
            revoked = Access(AccessId(uuid4().hex), annotator, standing[0].role, "revoke", None, decided_by, now)
            append(connection, revoked)
        return revoked

    def current(self) -> list[Access]:
        """The standing access of each annotator who has one, by name."""
        with self._database.reading() as connection:
            return _standing(connection)

    def of(self, annotator: str) -> Access | None:
        """An annotator's standing access."""
        return self._one(ACCESS.c.annotator == annotator)

    def by_id(self, access_id: str) -> Access | None:
        """The access of that id, if it still stands."""
        return self._one(ACCESS.c.access_id == access_id)

    def by_token_hash(self, token_hash: str) -> Access | None:
        """The access whose token has that SHA-256, if it still stands."""
        return self._one(ACCESS.c.token_hash == token_hash)

    def _one(self, condition: ColumnElement[bool]) -> Access | None:
        """The standing access that fits a condition."""
        with self._database.reading() as connection:
            found = _standing(connection, condition)
        return found[0] if found else None


def _standing(connection: Connection, *conditions: ColumnElement[bool]) -> list[Access]:
    """The grants that fit the conditions and that nothing said later has replaced."""
    newest = select(func.max(LATER.c.seq)).where(LATER.c.annotator == ACCESS.c.annotator).scalar_subquery()
    stands = (ACCESS.c.act == "grant", ACCESS.c.seq == newest)
    return records(connection, Access, select(ACCESS).where(*conditions, *stands).order_by(ACCESS.c.annotator))
