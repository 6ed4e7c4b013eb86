"""Triggers by which the database itself refuses to change or delete a fact, by any route and for any user.

On SQLite an ``INSERT OR REPLACE`` deletes without firing a DELETE trigger, so an insert over an existing key
is refused too. On PostgreSQL the triggers are ENABLE ALWAYS, so that a replication session cannot step around
them, and TRUNCATE has a trigger of its own.

The statements are built from the tables as they are in the database, so that a migration guards exactly the
columns of its own revision.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import Table, UniqueConstraint

LEASED = "assignment"
"""The one table of which a part may change: an assignment's lease."""

LEASE_COLUMNS = frozenset({"state", "holder", "lease_until", "lease_token"})

POSTGRESQL_REFUSAL = (
    "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP; END $$"
)


def guard_statements(dialect: str, tables: Iterable[Table]) -> Iterator[str]:
    """The DDL statements that put the guards on some tables of the ledger."""
    for table in tables:
        yield from _sqlite_guards(table) if dialect == "sqlite" else _postgresql_guards(table)


def unguard_statements(dialect: str, table: Table) -> Iterator[str]:
    """The DDL statements that take a table's guards off, for a migration that alters it."""
    for what in ("update", "delete", "insert") if dialect == "sqlite" else ("change", "truncate", "update"):
        name = f"{table.name}_refuses_{what}"
        yield f"DROP TRIGGER IF EXISTS {name}" + ("" if dialect == "sqlite" else f" ON {table.name}")


def _sqlite_guards(table: Table) -> Iterator[str]:
    changes = f" WHEN {_changes_more_than_the_lease(table, 'IS NOT')}" if table.name == LEASED else ""
    yield _sqlite_refusal(table, "UPDATE", changes)
    yield _sqlite_refusal(table, "DELETE", "")
    yield _sqlite_refusal(table, "INSERT", f" WHEN {_exists_already(table)}")


def _sqlite_refusal(table: Table, act: str, when: str) -> str:
    """One trigger that refuses an act on a table."""
    return (
        f"CREATE TRIGGER {table.name}_refuses_{act.lower()} BEFORE {act} ON {table.name}{when} "
        f"BEGIN SELECT RAISE(ABORT, '{table.name} is append-only: {act} refused'); END"
    )


def _exists_already(table: Table) -> str:
    """An SQL condition: a row with one of the new row's keys is there."""
    matches = " OR ".join("(" + " AND ".join(f"{name} = NEW.{name}" for name in key) + ")" for key in _keys(table))
    return f"EXISTS (SELECT 1 FROM {table.name} WHERE {matches})"  # noqa: S608 - names of our own tables


def _keys(table: Table) -> list[tuple[str, ...]]:
    """Each set of columns that is unique in a table."""
    keys = [tuple(column.name for column in table.primary_key.columns)]
    keys += [(column.name,) for column in table.columns if column.unique]
    uniques = [rule for rule in table.constraints if isinstance(rule, UniqueConstraint)]
    return keys + [tuple(column.name for column in rule.columns) for rule in uniques]


def _changes_more_than_the_lease(table: Table, differs: str) -> str:
    """An SQL condition: an assignment is changed beyond its lease."""
    fixed = [column.name for column in table.columns if column.name not in LEASE_COLUMNS]
    return " OR ".join(f"NEW.{name} {differs} OLD.{name}" for name in fixed)


def _postgresql_guards(table: Table) -> Iterator[str]:
    acts = "DELETE" if table.name == LEASED else "UPDATE OR DELETE"
    yield from _postgresql_trigger(table, "change", f"BEFORE {acts} ON {table.name} FOR EACH ROW")
    yield from _postgresql_trigger(table, "truncate", f"BEFORE TRUNCATE ON {table.name} FOR EACH STATEMENT")
    if table.name == LEASED:
        changed = _changes_more_than_the_lease(table, "IS DISTINCT FROM")
        yield from _postgresql_trigger(table, "update", f"BEFORE UPDATE ON {table.name} FOR EACH ROW WHEN ({changed})")


def _postgresql_trigger(table: Table, what: str, event: str) -> Iterator[str]:
    """One trigger, and its promotion to ALWAYS."""
    name = f"{table.name}_refuses_{what}"
    yield f"CREATE TRIGGER {name} {event} EXECUTE FUNCTION refuse_change()"
    yield f"ALTER TABLE {table.name} ENABLE ALWAYS TRIGGER {name}"
