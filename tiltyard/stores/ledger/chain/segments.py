"""Segments: the ledger mirrored as immutable files, each holding the hash of the one before.

A segment is evidence outside the database: a fact that is changed, removed or slipped in afterwards no longer
agrees with its file, and a file that is changed no longer agrees with the next one. The acknowledgement of an
annotation is its SQL commit, never its segment.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from tiltyard.schemas.canonical import canonical_json, parse_json, sha256_of
from tiltyard.schemas.errors import LedgerError
from tiltyard.stores.files import Files
from tiltyard.stores.ledger.chain.heads import Head, known_head, move_head, write_head
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.engine import Database
from tiltyard.stores.ledger.database.locks import advisory_lock
from tiltyard.stores.ledger.database.records import lease_of

JOURNAL, SEGMENT = tables.journal, tables.segment
FIRST = "0" * 64
LARGEST = 10_000


@dataclass(frozen=True, slots=True)
class Segment:
    """One sealed stretch of the journal."""

    number: int
    first_seq: int
    last_seq: int
    previous: str
    file: str
    recorded_at: str

    @property
    def sha256(self) -> str:
        """What the file's bytes must hash to: its name says it."""
        return self.file.rsplit("-", 1)[-1].removesuffix(".jsonl")


class Segments:
    """The part of the ledger that lives outside its database."""

    def __init__(self, database: Database, files: Files, heads: Files | None = None) -> None:
        """Mirror an open database into a store of immutable files, and keep the chain's head in another."""
        self._database = database
        self.files = files
        self.heads = heads

    def all(self) -> list[Segment]:
        """The sealed segments, first to last."""
        with self._database.reading() as connection:
            rows = connection.execute(select(SEGMENT).order_by(SEGMENT.c.number))
            return [Segment(**row) for row in rows.mappings()]

    def seal(self, now: datetime) -> int:
        """Mirror what came since the last segment; returns how many facts were sealed.

        The file is written first and is named by its content, so a crash between file and row leaves a file
        that the next call writes again, byte for byte. One process seals at a time: the chain has no forks.
        """
        sealed = 0
        with advisory_lock(self._database.engine, "seal"):
            while stretch := self._unsealed():
                self._seal(stretch, now)
                sealed += len(stretch)
            self._anchor(now)
        return sealed

    def head(self) -> Head | None:
        """How far the chain has come, as the ledger has it; none before the first seal."""
        with self._database.reading() as connection:
            return known_head(connection)

    def _anchor(self, now: datetime) -> None:
        """Give a chain of before a head."""
        if self.head() is not None or not (chain := self.all()):
            return
        head = Head(len(chain), chain[-1].last_seq, chain[-1].sha256)
        write_head(self.heads, head)
        with self._database.writing() as connection:
            move_head(connection, head, chain[-1].previous, now)

    def lines(self, segment: Segment) -> Iterator[dict[str, Any]]:
        """The facts that a segment's file holds, header left out."""
        yield from lines_in(self.files.read(segment.file))[1:]

    def is_intact(self, segment: Segment) -> bool:
        """Whether a segment's file is there and its bytes are those that were written."""
        return self.files.exists(segment.file) and sha256_of(self.files.read(segment.file)) == segment.sha256

    def _unsealed(self) -> list[dict[str, Any]]:
        """The next facts to seal, with their rows."""
        with self._database.reading() as connection:
            last = connection.scalar(select(SEGMENT.c.last_seq).order_by(SEGMENT.c.number.desc()).limit(1)) or 0
            entries = connection.execute(
                select(JOURNAL).where(JOURNAL.c.seq > last).order_by(JOURNAL.c.seq).limit(LARGEST)
            ).all()
            return list(_lines(connection, entries))

    def _seal(self, stretch: list[dict[str, Any]], now: datetime) -> None:
        """Write one segment's file, then its row."""
        before = self.all()
        previous = before[-1].sha256 if before else FIRST
        number = len(before) + 1
        first = {"segment": number, "previous": previous}
        content = "".join(canonical_json(line) + "\n" for line in [first, *stretch]).encode()
        name = f"{number:06d}-{sha256_of(content)}.jsonl"
        self.files.write(name, content)
        row = Segment(number, stretch[0]["seq"], stretch[-1]["seq"], previous, name, now.isoformat())
        head = Head(number, row.last_seq, row.sha256)
        write_head(self.heads, head)
        with self._database.writing() as connection:
            if connection.scalar(select(SEGMENT.c.number).where(SEGMENT.c.number == number)) is None:
                values = {field: getattr(row, field) for field in SEGMENT.columns.keys()}  # noqa: SIM118 - a collection
                connection.execute(insert(SEGMENT).values(**values))
                move_head(connection, head, previous, now)


def _lines(connection: Connection, entries: Sequence[Row[Any]]) -> Iterator[dict[str, Any]]:
    """Journal entries, each with the fact that it stands for, its lease left out; one query per kind of fact."""
    if not entries:
        return
    facts: dict[int, dict[str, Any]] = {}
    for kind in sorted({entry.kind for entry in entries}):
        table = tables.metadata.tables[kind]
        own = [column for column in table.columns if column.name not in lease_of(table)]
        between = table.c.seq.between(entries[0].seq, entries[-1].seq)
        facts |= {row["seq"]: dict(row) for row in connection.execute(select(*own).where(between)).mappings()}
    for entry in entries:
        known = {"seq": entry.seq, "kind": entry.kind, "id": entry.record_id, "digest": entry.digest}
        if entry.seq not in facts:
            raise LedgerError(f"{entry.kind} {entry.record_id} is missing from the ledger; 'tiltyard verify' says more")
        yield {**known, "fact": facts[entry.seq]}


def lines_in(content: bytes) -> list[dict[str, Any]]:
    """The lines of a segment's file, its header first.

    They end at line feeds only: a text may hold other characters at which Python would end a line.
    """
    return [parse_json(line) for line in content.decode().split("\n") if line]
