"""What the database itself refuses: changing or deleting a fact, by any route, whoever asks.

On SQLite an ``INSERT OR REPLACE`` deletes without firing a DELETE trigger, so an insert over an existing key
is refused too. On PostgreSQL the triggers are ENABLE ALWAYS, so that a replication session cannot step around
them, and TRUNCATE has a trigger of its own.
"""

from collections.abc import Iterator

from sqlalchemy import Table, UniqueConstraint

from tiltyard.stores.ledger.tables import FACTS, LEASE_COLUMNS, assignment, journal, segment

APPEND_ONLY = tuple(table for table in (journal, *FACTS, segment) if table is not assignment)


def guard_statements(dialect: str) -> Iterator[str]:
    """The DDL statements that put the guards on all tables of the ledger."""
    if dialect == "sqlite":
        yield from _sqlite_guards()
    else:
        yield from _postgresql_guards()


def _sqlite_guards() -> Iterator[str]:
    for table in APPEND_ONLY:
        for act in ("UPDATE", "DELETE"):
            yield _sqlite_refusal(table, act, "")
        yield _sqlite_refusal(table, "INSERT", f" WHEN {_exists_already(table)}")
    yield _sqlite_refusal(assignment, "DELETE", "")
    yield _sqlite_refusal(assignment, "INSERT", f" WHEN {_exists_already(assignment)}")
    yield _sqlite_refusal(assignment, "UPDATE", f" WHEN {_changes_more_than_the_lease()}")


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


def _changes_more_than_the_lease() -> str:
    """An SQL condition: an assignment is changed beyond its lease."""
    fixed = [column.name for column in assignment.columns if column.name not in LEASE_COLUMNS]
    return " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in fixed)


def _postgresql_guards() -> Iterator[str]:
    yield (
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP; END $$"
    )
    for table in (*APPEND_ONLY, assignment):
        acts = "DELETE" if table is assignment else "UPDATE OR DELETE"
        yield from _postgresql_trigger(table, "change", f"BEFORE {acts} ON {table.name} FOR EACH ROW")
        yield from _postgresql_trigger(table, "truncate", f"BEFORE TRUNCATE ON {table.name} FOR EACH STATEMENT")
    fixed = [column.name for column in assignment.columns if column.name not in LEASE_COLUMNS]
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in fixed)
    yield from _postgresql_trigger(
        assignment, "update", f"BEFORE UPDATE ON {assignment.name} FOR EACH ROW WHEN ({changed})"
    )


def _postgresql_trigger(table: Table, what: str, event: str) -> Iterator[str]:
    """One trigger, and its promotion to ALWAYS."""
    name = f"{table.name}_refuses_{what}"
    yield f"CREATE TRIGGER {name} {event} EXECUTE FUNCTION refuse_change()"
    yield f"ALTER TABLE {table.name} ENABLE ALWAYS TRIGGER {name}"
