"""Immutable Parquet files: written whole and synced, read in chunks, checked page by page."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import IO, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import NotFound
from schemas.records import StoredFile
from tiltyard.stores.files import FileStore


class Hashing:
    """Hashes what passes into a stream, beside the writing of it: the SHA-256 is ready when the file is."""

    def __init__(self) -> None:
        """Begin with nothing hashed."""
        self._state = sha256()
        self._worker = ThreadPoolExecutor(1)
        self._stream: IO[bytes] | None = None
        self.closed = False

    def of(self, stream: IO[bytes]) -> Self:
        """This, as a file that writes into a stream."""
        self._stream = stream
        return self

    def write(self, content: bytes) -> int:
        """Write on, and hash in the background; one worker keeps the order."""
        assert self._stream is not None
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
    """A folder of Parquet files, each written once."""

    def __init__(self, root: Path) -> None:
        """Open a folder, making it if it is not there."""
        self.files = FileStore(root)

    def write(self, name: str, frame: pl.DataFrame) -> StoredFile:
        """Put a frame in place as ``name``; it is on disk when this returns.

        Pages carry checksums, and floats no dictionary (it costs half the disk again and three times the CPU).
        """
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        with Hashing() as hashing, self.files.being_written(name) as stream:
            pq.write_table(
                table,
                hashing.of(stream),
                compression="zstd",
                compression_level=1,
                use_dictionary=_worth_a_dictionary(table.schema),
                write_page_checksum=True,
            )
        return StoredFile(name, hashing.sha256, frame.height)

    def read(self, stored: StoredFile, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """A whole file as a frame."""
        return pl.concat([self._empty(stored, columns), *self.scan([stored], columns)])

    def scan(
        self, stored: Iterable[StoredFile], columns: Sequence[str] | None = None, chunk_rows: int = 65_536
    ) -> Iterator[pl.DataFrame]:
        """The files' rows in frames of at most ``chunk_rows``, file after file; memory is bounded by one frame."""
        for one in stored:
            with self._open(one) as parquet:
                for batch in parquet.iter_batches(batch_size=chunk_rows, columns=columns):
                    yield _frame(pa.Table.from_batches([batch]))

    def is_intact(self, stored: StoredFile) -> bool:
        """Whether a file is there and its bytes are those that were written."""
        return self.files.exists(stored.name) and self.files.sha256(stored.name) == stored.sha256

    def _open(self, stored: StoredFile) -> pq.ParquetFile:
        """A file opened for reading with its checksums on; NotFound when it is missing."""
        if not self.files.exists(stored.name):
            raise NotFound(f"file {stored.name!r} is missing from {self.files.root.name}/; restore it from a backup")
        return pq.ParquetFile(self.files.path(stored.name), page_checksum_verification=True)

    def _empty(self, stored: StoredFile, columns: Sequence[str] | None) -> pl.DataFrame:
        """A frame of a file's columns without rows, so that an empty file has its types."""
        with self._open(stored) as parquet:
            frame = _frame(parquet.schema_arrow.empty_table())
        return frame.select(columns) if columns is not None else frame


def _frame(table: pa.Table) -> pl.DataFrame:
    """An Arrow table as a polars frame."""
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _worth_a_dictionary(schema: pa.Schema) -> list[str]:
    """The columns that a dictionary makes smaller: text with repeated values, not ids and not floats."""
    return [field.name for field in schema if pa.types.is_large_string(field.type) and field.name != "sample_id"]
