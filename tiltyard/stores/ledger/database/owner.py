"""Whose ledger an SQLite file is: one project's, so that two that are given the same file do not mix their facts."""

from zlib import crc32

from sqlalchemy import text

from tiltyard.stores.ledger.database.engine import Database


def claim_ledger(database: Database, project: str) -> bool:
    """Mark an SQLite ledger as a project's, if it has no mark yet; whether it is this project's.

    The mark is a hash of the name in the file's own header (``PRAGMA application_id``), where no fact is touched. On
    PostgreSQL each project has a schema of its own.
    """
    if not database.is_sqlite:
        return True
    mark = crc32(project.encode()) & 0x7FFFFFFF or 1
    with database.reading() as connection:
        found = connection.scalar(text("PRAGMA application_id"))
    if found == 0:
        with database.writing() as connection:
            found = connection.scalar(text("PRAGMA application_id")) or mark
            connection.execute(text(f"PRAGMA application_id = {found}"))
    return bool(found == mark)
