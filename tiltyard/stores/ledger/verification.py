"""Whether the ledger is still what was written: every fact against its digest, every segment against the chain."""

from collections.abc import Iterator

from sqlalchemy import Connection, Table, select
from sqlalchemy.exc import DatabaseError

from tiltyard.stores.ledger import tables
from tiltyard.stores.ledger.facts import row_digest
from tiltyard.stores.ledger.ledger import Ledger
from tiltyard.stores.ledger.segments import FIRST, Segment


def verify_ledger(ledger: Ledger) -> list[str]:
    """What is wrong with the ledger, a sentence each; empty when nothing is."""
    try:
        return [*_damage(ledger), *_changed_facts(ledger), *_broken_chain(ledger)]
    except (DatabaseError, ValueError) as error:
        reason = str(error).splitlines()[0]
        return [f"the ledger's database cannot be read: {reason}; restore it and replay the segments"]


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
        for seq, *fact in (fact for table in tables.FACTS for fact in _facts(connection, table)):
            entry = journal.pop(seq, None)
            if entry is None or [entry.kind, entry.record_id, entry.digest] != fact:
                yield f"{fact[0]} {fact[1]} at position {seq} is not what was written"
    for entry in journal.values():
        yield f"{entry.kind} {entry.record_id} at position {entry.seq} is missing"


def _facts(connection: Connection, table: Table) -> Iterator[tuple[int, str, str, str]]:
    """Each fact of a table: its position, its kind, its id, the digest of its row as it is now."""
    key = next(iter(table.primary_key.columns)).name
    for row in connection.execute(select(table)).mappings():
        values = dict(row)
        yield values["seq"], table.name, str(values[key]), row_digest(table, values)


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
