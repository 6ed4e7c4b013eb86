"""Immutable Parquet files: written whole and synced, read in chunks, checked page by page."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from typing import IO, Final, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tiltyard.schemas.records import StoredFile
from tiltyard.stores.files.local import Files

CHUNK_ROWS: Final = 65_536
WORTH_THREADS: Final = 10_000
"""Rows of a file whose columns are decoded side by side; for fewer, to hand them round takes longer than the work."""


class Hashing:
    """Hashes what passes into a stream, beside the writing of it: the SHA-256 is ready when the context has ended."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Write into a stream; nothing is hashed yet."""
        self._state = sha256()
        self._worker = ThreadPoolExecutor(1)
        self._stream = stream
        self.closed = False

    def write(self, content: bytes) -> int:
        """Write on, and hash in the background; one worker keeps the order."""
        self._worker.submit(self._state.update, content)
        return self._stream.write(content)

    def flush(self) -> None:
        """Nothing is held back here."""

    @property
    def sha256(self) -> str:
        """The SHA-256 of all that was written, 64 hex digits; only after the context has ended."""
        return self._state.hexdigest()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait until all is hashed."""
        self._worker.shutdown(wait=True)


class ParquetStore:
    """Parquet files in a folder or a bucket, each written once."""

    def __init__(self, files: Files) -> None:
        """Keep Parquet files in a place of immutable files."""
        self.files = files

    def keep(self, stem: str, frame: pl.DataFrame) -> StoredFile:
        """Put a frame in place under a name made of ``stem`` and of its content, ``STEM-SHA256.parquet``.

        Two processes that write other bytes for one stem have a file each, and the ledger says which one counts.
        """
        return self._write(frame, lambda content: f"{stem}-{content[:16]}.parquet")

    def write(self, name: str, frame: pl.DataFrame) -> StoredFile:
        """Put a frame in place as ``name``, for files that are found by their name alone."""
        return self._write(frame, lambda _content: name)

    def _write(self, frame: pl.DataFrame, named: Callable[[str], str]) -> StoredFile:
        """Put a frame in place; it is stored when this returns. The name may hang on the SHA-256 of the bytes.

        Pages carry checksums, and floats no dictionary (it costs half the disk again and three times the CPU).
        """
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        with self.files.being_written(lambda: named(hashing.sha256)) as stream, Hashing(stream) as hashing:
            pq.write_table(
                table,
                hashing,
                compression="zstd",
                compression_level=1,
                use_dictionary=_worth_a_dictionary(table.schema),
                write_page_checksum=True,
            )
        return StoredFile(named(hashing.sha256), hashing.sha256, frame.height)

    def read(self, stored: StoredFile, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """A whole file as a frame."""
        with self._open(stored) as parquet:
            frame = _frame(parquet.read(columns=columns, use_threads=stored.rows >= WORTH_THREADS))
        return frame.select(columns) if columns is not None else frame

    def scan(
        self, stored: Iterable[StoredFile], columns: Sequence[str] | None = None, chunk_rows: int = CHUNK_ROWS
    ) -> Iterator[pl.DataFrame]:
        """The files' rows in frames of at most ``chunk_rows``, file after file; memory is bounded by one frame."""
        for one in stored:
            with self._open(one) as parquet:
                beside = one.rows >= WORTH_THREADS
                for batch in parquet.iter_batches(batch_size=chunk_rows, columns=columns, use_threads=beside):
                    yield _frame(pa.Table.from_batches([batch]))

    def schema_of(self, stored: StoredFile) -> pl.Schema:
        """The names and types of a file's columns; only its footer is read."""
        with self._open(stored) as parquet:
            return _frame(parquet.schema_arrow.empty_table()).schema

    def is_intact(self, stored: StoredFile) -> bool:
        """Whether a file is there and its bytes are those that were written."""
        return self.files.exists(stored.name) and self.files.sha256(stored.name) == stored.sha256

    @contextmanager
    def _open(self, stored: StoredFile) -> Iterator[pq.ParquetFile]:
        """A file opened for reading with its checksums on; NotFound when it is missing."""
        with (
            self.files.at_hand(stored.name) as path,
            pq.ParquetFile(path, page_checksum_verification=True) as parquet,
        ):
            yield parquet


def _frame(table: pa.Table) -> pl.DataFrame:
    """An Arrow table as a polars frame."""
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _worth_a_dictionary(schema: pa.Schema) -> list[str]:
    """The columns that a dictionary makes smaller: text with repeated values, not ids and not floats."""
    return [field.name for field in schema if pa.types.is_large_string(field.type) and field.name != "sample_id"]
