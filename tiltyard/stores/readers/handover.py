"""What a reader hands over: rows in column batches and rows that could not be parsed, counted against the limits."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

BATCH_CELLS: Final = 250_000
"""Cells that a reader holds before it hands them over: it bounds the child's memory."""

RAW_CHARACTERS: Final = 2000
"""Characters of a row that could not be parsed which are kept; the landed object has them all."""

PLACES: Final = pa.schema([("row", pa.int64()), ("line", pa.int64())])
BLANKS: Final = " \t\r\n"
"""Cell contents that count as empty in a row without other content."""

UNREADABLE: Final = pa.schema(
    [("row", pa.int64()), ("line", pa.int64()), ("reasons", pa.large_string()), ("raw", pa.large_string())]
)


class Refusal(Exception):
    """The object cannot be read as it is; the message says why and becomes an ObjectError in the parent."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the parent asks of the child."""

    path: str
    format: str
    compression: str
    columns: list[str]
    only_columns: bool
    delimiter: str
    quote: str
    escape: str
    trim: bool
    max_bytes: int
    max_rows: int
    max_columns: int
    max_cells: int
    max_line_bytes: int
    memory_mb: int
    seconds: float
    folder: str


def kept_columns(header: list[str], request: Request) -> list[str]:
    """The columns to hand over, in the object's order.

    All of them where extra columns will have the object refused, so that its quarantine shows what was there.
    """
    wanted = [name for name in header if name in request.columns]
    return wanted if wanted and request.only_columns else list(dict.fromkeys(header))


class Handover:
    """The files in which a reader leaves its rows for the parent."""

    def __init__(self, request: Request) -> None:
        """Open the files in the request's folder."""
        self._request = request
        self._folder = Path(request.folder)
        self._cells: pa.RecordBatchFileWriter | None = None
        self._places = pa.ipc.new_file(str(self._folder / "places.arrow"), PLACES)
        self._unreadable = pa.ipc.new_file(str(self._folder / "unreadable.arrow"), UNREADABLE)
        self._width = 1
        self._rows = 0
        self._bad: list[tuple[int, int | None, str, str]] = []
        self.blank = 0
        """Rows without any cell are not counted as rows and get no number."""

    def check_width(self, columns: int) -> None:
        """Refuse an object of more columns than the limit; remembers how many cells a row has."""
        if columns > self._request.max_columns:
            raise Refusal(f"{columns:,} columns; limits.max_columns is {self._request.max_columns:,}")
        self._width = max(columns, 1)
        self.check_rows(self._rows)

    def check_rows(self, rows: int) -> None:
        """Refuse an object of more rows or cells than the limits."""
        if rows > self._request.max_rows:
            raise Refusal(f"more than {self._request.max_rows:,} rows (limits.max_rows)")
        if rows * self._width > self._request.max_cells:
            raise Refusal(f"more than {self._request.max_cells:,} cells (limits.max_cells)")

    @property
    def batch_rows(self) -> int:
        """How many rows a reader should gather before it hands them over."""
        return max(1, BATCH_CELLS // self._width)

    @property
    def read(self) -> int:
        """How many rows were numbered so far."""
        return self._rows

    def number(self) -> int:
        """The next row's number in the object, from 0."""
        self._rows += 1
        if self._rows % 4096 == 0:
            self.check_rows(self._rows)
        return self._rows - 1

    def numbers(self, count: int) -> range:
        """The next rows' numbers."""
        first = self._rows
        self._rows += count
        self.check_rows(self._rows)
        return range(first, self._rows)

    def take(self, batch: pa.RecordBatch, rows: Any, lines: Any) -> None:
        """Hand over rows that could be parsed, with their numbers and lines (sequences or arrays of integers)."""
        if self._cells is None:
            self._cells = pa.ipc.new_file(str(self._folder / "cells.arrow"), batch.schema)
        self._cells.write_batch(batch)
        self._places.write_batch(pa.record_batch([pa.array(rows, pa.int64()), pa.array(lines, pa.int64())], PLACES))

    def reject(self, row: int, line: int | None, fault: tuple[str, str], raw: str) -> None:
        """Hand over a row that could not be parsed: ``fault`` is what a sound row would be, and what this one is."""
        reasons = json.dumps(
            [{"check": fault[0], "column": "", "value": fault[1][:200]}], ensure_ascii=False, separators=(",", ":")
        )
        self._bad.append((row, line, _encodable(reasons), _encodable(_shown(raw))))
        if len(self._bad) >= 10_000:
            self._flush()

    def _flush(self) -> None:
        """Write the gathered unreadable rows."""
        columns: list[list[Any]] = [list(column) for column in zip(*self._bad, strict=True)] or [[], [], [], []]
        self._unreadable.write_batch(pa.record_batch([*map(pa.array, columns, UNREADABLE.types)], schema=UNREADABLE))
        self._bad.clear()

    def close(self) -> None:
        """Finish the files."""
        self.check_rows(self._rows)
        self._flush()
        for writer in (self._cells, self._places, self._unreadable):
            if writer is not None:
                writer.close()


def _shown(raw: str) -> str:
    """A row's text; a long text is shortened and says so."""
    return raw if len(raw) <= RAW_CHARACTERS else f"{raw[:RAW_CHARACTERS]} … ({len(raw)} characters)"


def _encodable(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates are shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
