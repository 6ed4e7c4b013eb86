"""Whether the ledger is still what was written: every fact against its digest, every segment against the chain."""

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import Connection, Table, select
from sqlalchemy.exc import DatabaseError

from tiltyard.schemas.canonical import sha256_of
from tiltyard.stores.ledger.chain.heads import number_of, sha256_in
from tiltyard.stores.ledger.chain.segments import FIRST, Segment, lines_in
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.immutability import POSTGRESQL_REFUSAL, guard_statements
from tiltyard.stores.ledger.database.records import digests_of
from tiltyard.stores.ledger.ledger import Ledger

READ_ERRORS: Final = (DatabaseError, ValueError)
"""What reading a damaged ledger raises."""


def verify_ledger(ledger: Ledger) -> list[str]:
    """What is wrong with the ledger, a sentence each; empty when nothing is."""
    try:
        return [
            *_damage(ledger),
            *_changed_facts(ledger),
            *_gaps(ledger),
            *_broken_chain(ledger),
            *_loose_segments(ledger),
            *_another_head(ledger),
        ]
    except READ_ERRORS as error:
        reason = str(error).splitlines()[0]
        remedy = "restore it from a backup, or move it away and say 'tiltyard restore'"
        return [f"the ledger's database cannot be read: {reason}; {remedy}"]


def _damage(ledger: Ledger) -> Iterator[str]:
    """What SQLite itself finds wrong with its file."""
    if not ledger.database.is_sqlite:
        return
    with ledger.database.reading() as connection:
        for (finding,) in connection.exec_driver_sql("PRAGMA integrity_check"):
            if finding != "ok":
                yield f"the ledger's database file is damaged: {finding}"


def _changed_facts(ledger: Ledger) -> Iterator[str]:
    """Facts that differ from their digest, that are missing, or that the journal does not know."""
    with ledger.database.reading() as connection:
        journal = {entry.seq: entry for entry in connection.execute(select(tables.journal))}
        for seq, kind, name, digests in (fact for table in tables.FACTS for fact in _facts(connection, table)):
            entry = journal.pop(seq, None)
            if entry is None or (entry.kind, entry.record_id) != (kind, name) or entry.digest not in digests:
                yield f"{kind} {name} at position {seq} is not what was written"
    for entry in journal.values():
        yield f"{entry.kind} {entry.record_id} at position {entry.seq} is missing"


def _gaps(ledger: Ledger) -> Iterator[str]:
    """Positions that no fact has: they are counted without gaps, so somebody took facts out, journal and all."""
    with ledger.database.reading() as connection:
        positions = list(connection.scalars(select(tables.journal.c.seq).order_by(tables.journal.c.seq)))
        highest = _highest_ever(connection) if ledger.database.is_sqlite else 0
    before = 0
    for position in positions:
        if position != before + 1:
            yield f"{_stretch(before + 1, position - 1)} missing from the ledger: positions have no gaps"
        before = position
    if before < highest:
        yield f"{_stretch(before + 1, highest)} missing from the ledger's end"


def _stretch(first: int, last: int) -> str:
    """Some positions, in words."""
    return f"position {first} is" if first == last else f"positions {first} to {last} are"


def _highest_ever(connection: Connection) -> int:
    """The highest position that SQLite ever assigned, even if its row was deleted."""
    seq = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'journal'").scalar()
    return int(seq or 0)


def _facts(connection: Connection, table: Table) -> Iterator[tuple[int, str, str, set[str]]]:
    """Each fact of a table: its position, its kind, its id, the digests that its row as it is now may have."""
    key = next(iter(table.primary_key.columns)).name
    for row in connection.execute(select(table)).mappings():
        values = dict(row)
        yield values["seq"], table.name, str(values[key]), digests_of(table, values)


def _broken_chain(ledger: Ledger) -> Iterator[str]:
    """Segments that changed, do not follow on, or tell another story than the database."""
    previous, expected = FIRST, 1
    for number, segment in enumerate(ledger.segments.all(), start=1):
        if not ledger.segments.is_intact(segment):
            yield f"segment {segment.number} is missing or its bytes were changed"
        elif (segment.number, segment.previous, segment.first_seq) != (number, previous, expected):
            yield f"segment {segment.number} does not follow on segment {number - 1}"
        else:
            yield from _other_story(ledger, segment)
        previous, expected = segment.sha256, segment.last_seq + 1


def _other_story(ledger: Ledger, segment: Segment) -> Iterator[str]:
    """Facts of a segment whose journal entry says something else."""
    between = tables.journal.c.seq.between(segment.first_seq, segment.last_seq)
    with ledger.database.reading() as connection:
        entries = connection.execute(select(tables.journal).where(between))
        known = {(entry.seq, entry.kind, entry.record_id, entry.digest) for entry in entries}
    told = {(line["seq"], line["kind"], line["id"], line["digest"]) for line in ledger.segments.lines(segment)}
    for seq, kind, record_id, _digest in sorted(told ^ known):
        yield f"{kind} {record_id} at position {seq} differs from segment {segment.number}"


def _loose_segments(ledger: Ledger) -> Iterator[str]:
    """Segment files that the ledger does not name and that hold what it lacks.

    A crash between a segment's file and its row leaves a file that nobody names; its facts are in the journal.
    """
    named = {segment.file for segment in ledger.segments.all()}
    for file in ledger.segments.files.names():
        if file in named or not number_of(file):
            continue
        content = ledger.segments.files.read(file)
        if sha256_of(content) != sha256_in(file):
            yield f"segment file {file} belongs to no segment, and its bytes were changed"
            continue
        told = {(line["seq"], line["kind"], line["id"], line["digest"]) for line in lines_in(content)[1:]}
        lacking = told - _journal_at(ledger, [one[0] for one in told])
        if lacking:
            yield (
                f"segment file {file} holds {len(lacking)} facts that the ledger lacks: they were sealed and are gone; "
                "if the ledger was lost, 'tiltyard restore' brings them back into an empty one"
            )


def _journal_at(ledger: Ledger, positions: list[int]) -> set[tuple[int, str, str, str]]:
    """What the journal says of the positions from the lowest to the highest."""
    if not positions:
        return set()
    between = tables.journal.c.seq.between(min(positions), max(positions))
    with ledger.database.reading() as connection:
        entries = connection.execute(select(tables.journal).where(between)).all()
    return {(entry.seq, entry.kind, entry.record_id, entry.digest) for entry in entries}


def _another_head(ledger: Ledger) -> Iterator[str]:
    """Where the chain ends otherwise than its head says, in the ledger or in the files beside the segments."""
    chain, head = ledger.segments.all(), ledger.segments.head()
    last = chain[-1] if chain else None
    have = f"the ledger has {len(chain)}"
    if head is not None and (last is None or (head.segments, head.sha256) != (last.number, last.sha256)):
        yield f"the head of the chain says {head.segments} segments with {head.facts} facts, {have}"
    files = ledger.segments.heads
    if files is None:
        return
    if head is not None and not files.exists(head.file):
        yield f"the head's file {head.file} is missing from {files.name}"
    heads = [file for file in files.names() if number_of(file)]
    if heads and head is None:
        yield f"there are {len(heads)} files of heads, but the ledger has lost its head"
    for file in heads:
        segment = f"{file.removesuffix('.json')}.jsonl"
        if not ledger.segments.files.exists(segment):
            yield f"segment {segment} is missing: {files.name} says that it was sealed, {have} segments"


def missing_guards(ledger: Ledger) -> list[str]:
    """The names of the guards that were taken off the ledger's tables, or put out of force."""
    dialect = ledger.database.engine.dialect.name
    found = guard_statements(dialect, (tables.journal, tables.segment, *tables.FACTS))
    wanted = {statement.split()[2]: statement for statement in found if statement.startswith("CREATE TRIGGER")}
    with ledger.database.reading() as connection:
        there = _sqlite_triggers(connection, wanted) if dialect == "sqlite" else _postgresql_triggers(connection)
    return sorted(wanted.keys() - there)


def describe_guards(missing: list[str]) -> list[str]:
    """What to say of guards that are gone, in one sentence if there are any."""
    if not missing:
        return []
    return [
        f"{len(missing)} guards of the database are gone or changed ({', '.join(missing)}): facts could be changed; "
        "find out who took them off, and go on with a ledger from a backup or from 'tiltyard restore'"
    ]


def _sqlite_triggers(connection: Connection, wanted: Mapping[str, str]) -> set[str]:
    """The guards that refuse something still."""
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
    # A condition lists columns and keys, in an order that the migration found them in.
    return {
        name
        for name, sql in rows
        if name in wanted and (sql == wanted[name] or (" WHEN " in wanted[name] and _refuses(sql, wanted[name])))
    }


def _refuses(sql: str, wanted: str) -> bool:
    """Whether a guard with a condition begins and ends as it was made."""
    first, last = wanted.index(" WHEN "), wanted.index(" BEGIN ")
    return sql.startswith(wanted[: first + 6]) and sql.endswith(wanted[last:])


def _postgresql_triggers(connection: Connection) -> set[str]:
    """The guards that are active in every session, if the function that they call still refuses."""
    body = connection.exec_driver_sql(
        "SELECT prosrc FROM pg_proc WHERE proname = 'refuse_change' AND pronamespace = current_schema()::regnamespace"
    ).scalar()
    if body is None or body.strip() not in POSTGRESQL_REFUSAL:
        return set()
    names = connection.exec_driver_sql(
        "SELECT tgname FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid JOIN pg_proc ON tgfoid = pg_proc.oid "
        "WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal AND tgenabled = 'A' "
        "AND proname = 'refuse_change'"
    )
    return set(names.scalars())
