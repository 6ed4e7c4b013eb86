"""The head of the chain: how many segments and facts there are, kept apart from the segments themselves.

A hash chain reveals a changed link, not that its newest links are missing. So its head is stored in two more places: a
row of the ledger and a small file beside the segments, written before the segment's row is. Someone who removes the
newest segments away has to find and change all of them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from tiltyard.schemas.canonical import canonical_json
from tiltyard.stores.files import Files
from tiltyard.stores.ledger.database import tables

HEAD = tables.head
CHAIN: Final = "segments"
"""The one chain that there is."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain has come: segments, facts in them, and the newest one's SHA-256."""

    segments: int
    facts: int
    sha256: str

    @property
    def file(self) -> str:
        """The name of the file that says so."""
        return f"{self.segments:06d}-{self.sha256}.json"


def number_of(file: str) -> int:
    """The number of the segment that a file of segments or heads is named for; 0 where it is named otherwise.

    >>> number_of("000012-ab.jsonl"), number_of("notes.txt")
    (12, 0)
    """
    number = file.partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0


def sha256_in(file: str) -> str:
    """The SHA-256 in such a name.

    >>> sha256_in("000012-ab.jsonl")
    'ab'
    """
    return file.rsplit("-", 1)[-1].partition(".")[0]


def known_head(connection: Connection) -> Head | None:
    """The head as the ledger has it; none in a ledger that was last sealed before there were heads."""
    row = connection.execute(select(HEAD).where(HEAD.c.chain == CHAIN)).first()
    return None if row is None else Head(row.segments, row.facts, row.sha256)


def move_head(connection: Connection, head: Head, previous: str, now: datetime) -> None:
    """Keep the head in the ledger, if it follows on the one that is there.

    Otherwise the head stays where it was: a chain that lost its end is still reported after the next seals.
    """
    values = {"segments": head.segments, "facts": head.facts, "sha256": head.sha256, "recorded_at": now.isoformat()}
    known = known_head(connection)
    if known is None:
        connection.execute(insert(HEAD).values(chain=CHAIN, **values))
    elif (known.segments + 1, known.sha256) == (head.segments, previous):
        connection.execute(update(HEAD).where(HEAD.c.chain == CHAIN).values(**values))


def write_head(files: Files | None, head: Head) -> None:
    """Keep the head in a file, where there is a place for it."""
    if files is not None and not files.exists(head.file):
        said = {"segments": head.segments, "facts": head.facts, "sha256": head.sha256}
        files.write(head.file, canonical_json(said).encode())
