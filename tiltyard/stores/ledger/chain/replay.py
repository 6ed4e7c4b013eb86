"""Replay: a lost ledger is rebuilt from its segments into an empty one.

The segments hold every fact up to the last seal, each with its digest. They lack what is not a fact (who has leased
which sample, notices that wait) and what came after the last seal.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from tiltyard.schemas.canonical import sha256_of
from tiltyard.schemas.errors import LedgerError
from tiltyard.stores.files import Files
from tiltyard.stores.ledger.annotation_writer import REMARKS
from tiltyard.stores.ledger.chain.heads import Head, move_head, number_of, sha256_in, write_head
from tiltyard.stores.ledger.chain.segments import FIRST, lines_in
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.records import digests_of, lease_of
from tiltyard.stores.ledger.ledger import Ledger

AT_ONCE: Final = 500
"""Rows written by one statement."""

NOT_RESTORED: Final = (
    "what was stored after the last seal (label files and Label Studio may have it still: import or pull again)",
    "who held which sample: open samples are assigned again",
    "notices that waited for their receivers",
)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was brought back: facts by kind, and from how many segments; ``lost`` says what cannot be."""

    segments: int
    facts: Mapping[str, int]
    lost: tuple[str, ...] = NOT_RESTORED


@dataclass(frozen=True, slots=True)
class Link:
    """A segment's file: which number it has, and which segment it follows."""

    file: str
    number: int
    previous: str
    facts: int


def replay(ledger: Ledger, skips: int, now: datetime) -> Replayed:
    """Bring every fact of the sealed segments back into an empty ledger, under its own position; all or none.

    ``skips`` is how many annotators give up a sample together. Raises LedgerError where the ledger is not empty, where
    there are no segments, or where one of them is missing or was changed: what follows it cannot be believed.
    """
    position = ledger.position()
    if position:
        raise LedgerError(
            f"the ledger holds {position:,} facts, and only an empty one is restored; if it is the wrong one, move it "
            "away (ledger.db with its -wal and -shm, or the schema) and say 'tiltyard restore' again"
        )
    files, heads = ledger.segments.files, ledger.segments.heads
    chain = read_chain(files)
    _refuse_lost(chain, files, heads)
    counts: dict[str, int] = defaultdict(int)
    with ledger.database.writing() as connection:
        for link in chain:
            lines = lines_in(files.read(link.file))[1:]
            _tell(connection, link, lines, now)
            for line in lines:
                counts[line["kind"]] += 1
        _settle(connection, skips)
        _remember_sightings(connection)
        head = Head(len(chain), sum(link.facts for link in chain), sha256_in(chain[-1].file))
        move_head(connection, head, chain[-1].previous, now)
    write_head(heads, head)
    return Replayed(len(chain), dict(sorted(counts.items())))


def read_chain(files: Files) -> list[Link]:
    """The longest chain of sound segments from the first one on.

    A crash while sealing leaves a file that another one of the same number has taken the place of.
    """
    followers: dict[tuple[int, str], list[Link]] = defaultdict(list)
    for link in _links(files):
        followers[link.number, link.previous].append(link)
    reach: dict[str, tuple[int, int]] = {}
    for link in sorted((one for some in followers.values() for one in some), key=lambda one: -one.number):
        after = followers.get((link.number + 1, sha256_in(link.file)), [])
        length, facts = max((reach[one.file] for one in after), default=(0, 0))
        reach[link.file] = (length + 1, facts + link.facts)
    chain: list[Link] = []
    previous = FIRST
    while following := followers.get((len(chain) + 1, previous)):
        chain.append(max(following, key=lambda one: (reach[one.file], one.file)))
        previous = sha256_in(chain[-1].file)
    return chain


def _links(files: Files) -> Iterator[Link]:
    """The segment files whose bytes are those that they are named for."""
    for file in files.names():
        if not number_of(file):
            continue
        content = files.read(file)
        if sha256_of(content) == sha256_in(file):
            header, *lines = lines_in(content)
            yield Link(file, number_of(file), str(header["previous"]), len(lines))


def _refuse_lost(chain: list[Link], files: Files, heads: Files | None) -> None:
    """Raise LedgerError if segments or heads name more than the chain holds."""
    highest = max((number_of(file) for file in files.names()), default=0)
    told = max((number_of(file) for file in heads.names()), default=0) if heads is not None else 0
    if not highest:
        raise LedgerError(f"there are no segments in {files.name}: nothing can be restored from them")
    if len(chain) < max(highest, told):
        lost = len(chain) + 1
        raise LedgerError(
            f"segment {lost} of {max(highest, told)} is missing from {files.name}, or its bytes were changed; put it "
            f"back from a backup, or move the files from {lost:06d} on out of segments/ and heads/ to restore what is "
            "before it"
        )


def _tell(connection: Connection, link: Link, lines: list[dict[str, Any]], now: datetime) -> None:
    """Write one segment's facts and its own row."""
    journal = [
        {"seq": line["seq"], "kind": line["kind"], "record_id": line["id"], "digest": line["digest"]} for line in lines
    ]
    _write(connection, tables.journal, journal)
    for kind, some in groupby(lines, key=lambda line: str(line["kind"])):
        table = tables.metadata.tables.get(kind)
        if table is None or table not in tables.FACTS:
            raise LedgerError(
                f"segment {link.number} holds a fact of kind {kind!r}: a newer version of Tiltyard wrote it"
            )
        _write(connection, table, [_row(table, line, link) for line in some])
    first, last = (lines[0]["seq"], lines[-1]["seq"]) if lines else (0, 0)
    row = {"number": link.number, "first_seq": first, "last_seq": last, "previous": link.previous}
    connection.execute(insert(tables.segment).values(**row, file=link.file, recorded_at=now.isoformat()))


def _row(table: Table, line: Mapping[str, Any], link: Link) -> dict[str, Any]:
    """A fact's row; LedgerError where it is not the one that its digest was made of."""
    fact = dict(line["fact"])
    names = {column.name for column in table.columns} - lease_of(table)
    where = f"segment {link.number}: {table.name} {line['id']} at position {line['seq']}"
    if unknown := sorted(fact.keys() - names):
        raise LedgerError(f"{where} has a {unknown[0]!r}, which this version does not know; use the one that wrote it")
    row = dict.fromkeys(names) | fact
    if table is tables.batch and "state" not in fact:
        row["state"] = _state_of(fact)
    if row["seq"] != line["seq"] or line["digest"] not in digests_of(table, row):
        raise LedgerError(f"{where} is not what its digest was made of")
    return row


def _state_of(batch: Mapping[str, Any]) -> str:
    """The outcome of a batch whose segment was sealed before segments recorded it."""
    if not batch["reason"]:
        return "accepted"
    return "refused" if batch["read"] else "unreadable"


def _write(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, some at a time."""
    for start in range(0, len(rows), AT_ONCE):
        connection.execute(insert(table), rows[start : start + AT_ONCE])


def _settle(connection: Connection, skips: int) -> None:
    """Close the assignments that were answered, as the answers did when they came."""
    columns = ("annotation_id", "annotator", "act", "sample_id", "assignment_id", "supersedes")
    table = tables.annotation
    answers = connection.execute(select(*(table.c[name] for name in columns)).order_by(table.c.seq)).all()
    asked_by = {one.annotation_id: one.assignment_id for one in answers}
    settled: dict[str, str] = {}
    skipped: dict[str, set[str]] = defaultdict(set)
    for one in answers:
        if one.act == "withdraw":
            settled[str(asked_by.get(one.supersedes))] = "open"
        elif one.assignment_id and one.act not in REMARKS:
            settled[one.assignment_id] = "answered"
        if one.act == "skip":
            skipped[one.sample_id].add(one.annotator)
            if len(skipped[one.sample_id]) < skips and one.assignment_id:
                settled[one.assignment_id] = "open"
    closed = [{"which": name} for name, state in sorted(settled.items()) if state == "answered"]
    if closed:
        assignment = tables.assignment
        connection.execute(
            update(assignment).where(assignment.c.assignment_id == bindparam("which")).values(state="answered"), closed
        )


def _remember_sightings(connection: Connection) -> None:
    """What the listing said of each object when it landed, so that it is not copied again."""
    landed = tables.landed_object
    names = ("source", "key", "version", "stamp", "object_id")
    rows: Iterable[Any] = connection.execute(select(*(landed.c[name] for name in names)).order_by(landed.c.seq))
    newest = {tuple(row[:4]): row._asdict() for row in rows}
    _write(connection, tables.sighting, list(newest.values()))
