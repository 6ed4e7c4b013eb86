"""PostgreSQL roles with the fewest rights: exactly what the labeling server needs on a ledger."""

from typing import Final

from sqlalchemy import Connection, func, select, text

from tiltyard.schemas.errors import NotFound, SettingsError
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.engine import Database
from tiltyard.stores.ledger.database.immutability import LEASE_COLUMNS

APPENDS: Final = (
    tables.journal,
    tables.annotation,
    tables.query,
    tables.assignment,
    tables.gold_sample,
    tables.outbox,
    tables.segment,
    tables.head,
)
"""What answers, gold samples, notices and seals are written to: no object, batch, model, verdict or access."""


def grant_labeling(database: Database, role: str) -> None:
    """Let a role read the whole ledger, append what the labeling server appends, and change leases and notices.

    The role must be there already: who may make roles is the database's own affair. Said again, it takes back what
    the role had in this ledger's schema and grants it again, so that it fits the current tables.

    Raises SettingsError for an SQLite ledger, for the role that owns the tables, and where this process's own role
    does not own them; NotFound when there is no such role.
    """
    if database.is_sqlite:
        raise SettingsError("an SQLite ledger is a file, whose rights are the file's; roles are PostgreSQL's")
    with database.writing() as connection:
        _refuse_unfit(connection, role)
        names = database.engine.dialect.identifier_preparer
        to, schema = names.quote(role), names.quote(str(connection.scalar(select(func.current_schema()))))
        leases = ", ".join(sorted(LEASE_COLUMNS))
        appended = ", ".join(names.quote(table.name) for table in APPENDS)
        for statement in (
            f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {to}",
            f"GRANT USAGE ON SCHEMA {schema} TO {to}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {to}",
            f"GRANT INSERT ON {appended} TO {to}",
            f"GRANT UPDATE ({leases}) ON {names.quote(tables.assignment.name)} TO {to}",
            f"GRANT UPDATE ON {names.quote(tables.outbox.name)} TO {to}",
            f"GRANT UPDATE ON {names.quote(tables.head.name)} TO {to}",
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {to}",
        ):
            connection.execute(text(statement))


def _refuse_unfit(connection: Connection, role: str) -> None:
    """Raise where the role cannot be given less, or this process may not give anything."""
    roles = select(func.count()).select_from(text("pg_roles")).where(text("rolname = :role"))
    if not connection.scalar(roles, {"role": role}):
        raise NotFound(f"PostgreSQL has no role {role!r}; make it with 'CREATE ROLE ... LOGIN PASSWORD ...' first")
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = current_schema()"
    owner, ours = connection.scalar(text(owners)), connection.scalar(text("SELECT current_user"))
    if owner == role:
        raise SettingsError(f"{role!r} owns the ledger's tables and may do anything with them; name a role of its own")
    if owner != ours:
        raise SettingsError(f"the ledger's tables belong to {owner!r}, not to {ours!r}; log in as {owner!r} to grant")
