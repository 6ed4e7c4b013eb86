"""Reading and writing facts: a frozen record becomes one row, its digest one row of the journal.

:class:`Voice` is the short form of an annotation: only the fields that decide the label, fast to read in bulk.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Connection, Select, Table, func, insert, select
from sqlalchemy import Row as SelectedRow

from tiltyard.labels.admission import uncounted_reason
from tiltyard.schemas.canonical import canonical_json, parse_json, sha256_of
from tiltyard.schemas.errors import LedgerError
from tiltyard.schemas.records import (
    Access,
    Annotation,
    Approval,
    Assignment,
    Batch,
    GoldSample,
    LabeledSet,
    LandedObject,
    Model,
    ProjectVersion,
    Promotion,
    Query,
    Verdict,
    Vote,
)
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.immutability import LEASE_COLUMNS, LEASED

WIDEST: Final = 2**63
"""Whole numbers on both databases have 64 bits."""

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
    Access: tables.access,
    GoldSample: tables.gold_sample,
    Approval: tables.approval,
}


def append(connection: Connection, record: object) -> int:
    """Write a record as a fact and return its ledger position."""
    return append_all(connection, [record])[0]


def append_all(connection: Connection, added: Sequence[object]) -> list[int]:
    """Write records as facts, in their order, and return their ledger positions.

    The positions are counted here and not by the database, whose sequences leave gaps when a transaction is
    undone: who writes holds the ledger's write lock, and a gap means that a fact was taken out.
    """
    if not added:
        return []
    first = int(connection.scalar(select(func.max(tables.journal.c.seq))) or 0) + 1
    positions = list(range(first, first + len(added)))
    rows: dict[Table, list[Row]] = defaultdict(list)
    journal = []
    for position, record in zip(positions, added, strict=True):
        table = TABLES[type(record)]
        row = {**to_row(record), "seq": position}
        journal.append({"seq": position, **_entry(table, row)})
        rows[table].append(row)
    connection.execute(insert(tables.journal), journal)
    for table, own in rows.items():
        connection.execute(insert(table), own)
    return positions


def _entry(table: Table, row: Row) -> Row:
    """What the journal says of a fact."""
    key = next(iter(table.primary_key.columns)).name
    return {"kind": table.name, "record_id": str(row[key]), "digest": row_digest(table, row)}


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
    return {name: _flat(name, value) for name, value in plain.items()}


def from_row(kind: type[Record], row: Row) -> Record:
    """The record that a row came from."""
    nested = NESTED[kind]
    values = {name: parse_json(value) if name in nested and value else value for name, value in row.items()}
    found: Record = ADAPTERS[kind].validate_python(values)
    return found


def row_digest(table: Table, row: Row) -> str:
    """The SHA-256 of a fact's own columns: its lease and position aside, alike on every database.

    A column that was added to the table later counts only where it holds something, so that the digests of the
    facts written before stay what they are.
    """
    return _digest_without(table, row, lease_of(table))


def digests_of(table: Table, row: Row) -> set[str]:
    """The digests that a fact may have: older facts left out every column that is named like part of a lease, such as
    a batch's state.
    """
    return {row_digest(table, row), _digest_without(table, row, LEASE_COLUMNS)}


def lease_of(table: Table) -> frozenset[str]:
    """The columns of a table that may change and are not part of the fact: those of an assignment's lease."""
    return LEASE_COLUMNS if table.name == LEASED else frozenset()


def _digest_without(table: Table, row: Row, lease: frozenset[str]) -> str:
    """The SHA-256 of a row without its lease, its position, and what is empty and came later."""
    aside = lease | {"seq"} | {name for name in _later_columns(table) if row.get(name) is None}
    return sha256_of(canonical_json({name: value for name, value in row.items() if name not in aside}))


@cache
def _later_columns(table: Table) -> frozenset[str]:
    """The columns that a table did not have from the start."""
    return frozenset(column.name for column in table.columns if column.info.get("later"))


def _flat(name: str, value: Any) -> Any:
    """A JSON value as the database keeps it; LedgerError for a number that no database keeps as it is."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and not -WIDEST <= value < WIDEST:
        raise LedgerError(f"{name} is {value:.3e}, but the ledger keeps whole numbers of 64 bits, below 2**63")
    return canonical_json(value) if isinstance(value, dict | list) else value


def _is_nested(rule: dict[str, Any]) -> bool:
    """Whether a field's JSON Schema describes an object or an array."""
    choices: Iterable[dict[str, Any]] = rule.get("anyOf", [rule])
    return any("$ref" in choice or choice.get("type") in {"object", "array"} for choice in choices)


def _nested_fields(kind: type) -> frozenset[str]:
    """The fields of a record that are kept as JSON."""
    properties = ADAPTERS[kind].json_schema(mode="serialization")["properties"]
    return frozenset(name for name, rule in properties.items() if _is_nested(rule))


ADAPTERS: dict[type, TypeAdapter[Any]] = {kind: TypeAdapter(kind) for kind in TABLES}
NESTED: dict[type, frozenset[str]] = {kind: _nested_fields(kind) for kind in TABLES}


@dataclass(frozen=True, slots=True)
class SetAside:
    """An annotation that is stored and cannot count, and why; what it says stays in the ledger."""

    position: int
    annotation_id: str
    annotator: str
    why: str

    def __str__(self) -> str:
        """One sentence that says what to do."""
        return (
            f"annotation {self.annotation_id[:8]} at position {self.position} is set aside and counts nowhere: "
            f"{self.why}; say it again under a key of its own if it is right"
        )


def voices_of(rows: Iterable[SelectedRow[Any]]) -> Iterator[Vote]:
    """The voices that rows of their columns hold; those that cannot count are left out."""
    for row in rows:
        voice = voice_of(row)
        if uncounted_reason(voice) is None:
            yield voice


def set_aside_in(rows: Iterable[SelectedRow[Any]]) -> Iterator[SetAside]:
    """What :func:`voices_of` leaves out, and why."""
    for row in rows:
        voice = voice_of(row)
        why = uncounted_reason(voice)
        if why is not None:
            yield SetAside(voice.seq, voice.annotation_id, voice.annotator, why)


def voice_of(row: SelectedRow[Any]) -> Vote:
    """The voice in a row of its columns; its time is None if the stored text is not a time."""
    return Vote._make(row)._replace(said_at=_moment(row.said_at))  # type: ignore[arg-type]  # why_uncounted says so


def _moment(written: str) -> datetime | None:
    """A moment as it is stored."""
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None
