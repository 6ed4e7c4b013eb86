"""Writing and reading facts: a frozen record becomes one row, its digest one row of the journal."""

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Connection, Select, Table, insert, select

from schemas.canonical import canonical_json, parse_json, sha256_of
from schemas.records import (
    Annotation,
    Assignment,
    Batch,
    LabeledSet,
    LandedObject,
    Model,
    ProjectVersion,
    Promotion,
    Query,
    Verdict,
)
from tiltyard.stores.ledger import tables

Record = TypeVar("Record")
Row = dict[str, Any]

TABLES: dict[type, Table] = {
    ProjectVersion: tables.project_version,
    LandedObject: tables.landed_object,
    Batch: tables.batch,
    Query: tables.query,
    Assignment: tables.assignment,
    Annotation: tables.annotation,
    LabeledSet: tables.labeled_set,
    Model: tables.model,
    Verdict: tables.verdict,
    Promotion: tables.promotion,
}


def append(connection: Connection, record: object) -> int:
    """Write a record as a fact and return its ledger position."""
    table = TABLES[type(record)]
    row = to_row(record)
    row.pop("seq", None)
    key = next(iter(table.primary_key.columns)).name
    entry = {"kind": table.name, "record_id": str(row[key]), "digest": row_digest(row)}
    position = connection.execute(insert(tables.journal).values(entry).returning(tables.journal.c.seq)).scalar_one()
    connection.execute(insert(table).values(seq=position, **row))
    return int(position)


def find(connection: Connection, kind: type[Record], *conditions: Any) -> Record | None:
    """The first record that fits the conditions, in the ledger's order, or none."""
    found = all_of(connection, kind, *conditions, limit=1)
    return found[0] if found else None


def all_of(connection: Connection, kind: type[Record], *conditions: Any, limit: int | None = None) -> list[Record]:
    """The records that fit the conditions, in the ledger's order."""
    table = TABLES[kind]
    return records(connection, kind, select(table).where(*conditions).order_by(table.c.seq).limit(limit))


def records(connection: Connection, kind: type[Record], statement: Select[Any]) -> list[Record]:
    """The records that a SELECT over their table gives."""
    return [from_row(kind, dict(row)) for row in connection.execute(statement).mappings()]


def to_row(record: object) -> Row:
    """A record as a row of text, whole numbers and floats; nested values as canonical JSON."""
    plain = ADAPTERS[type(record)].dump_python(record, mode="json")
    return {name: _flat(value) for name, value in plain.items()}


def from_row(kind: type[Record], row: Row) -> Record:
    """The record that a row came from."""
    nested = NESTED[kind]
    values = {name: parse_json(value) if name in nested and value else value for name, value in row.items()}
    found: Record = ADAPTERS[kind].validate_python(values)
    return found


def row_digest(row: Row) -> str:
    """The SHA-256 of a fact's own columns: lease and position aside, alike on every database."""
    own = {name: value for name, value in row.items() if name != "seq" and name not in tables.LEASE_COLUMNS}
    return sha256_of(canonical_json(own))


def _flat(value: Any) -> Any:
    """A JSON value as the database keeps it."""
    if isinstance(value, bool):
        return int(value)
    return canonical_json(value) if isinstance(value, dict | list) else value


def _is_nested(rule: dict[str, Any]) -> bool:
    """Whether a field's JSON Schema speaks of an object or an array."""
    choices: Iterable[dict[str, Any]] = rule.get("anyOf", [rule])
    return any("$ref" in choice or choice.get("type") in {"object", "array"} for choice in choices)


def _nested_fields(kind: type) -> frozenset[str]:
    """The fields of a record that are kept as JSON."""
    properties = ADAPTERS[kind].json_schema(mode="serialization")["properties"]
    return frozenset(name for name, rule in properties.items() if _is_nested(rule))


ADAPTERS: dict[type, TypeAdapter[Any]] = {kind: TypeAdapter(kind) for kind in TABLES}
NESTED: dict[type, frozenset[str]] = {kind: _nested_fields(kind) for kind in TABLES}
