"""CSV: every cell as text, strictly. What a lenient reader would mend or swallow is a bad row here."""

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from tiltyard.stores.reading.handover import Handover, Refusal, Request, kept_columns
from tiltyard.stores.reading.unquoted import longest_line, read_unquoted

Record = tuple[int, list[str] | csv.Error, list[str]]
"""Line where a record starts, its fields (or what is wrong), and its lines."""


def read_csv(path: Path, request: Request, handover: Handover) -> list[str]:
    """Hand over a CSV file's rows; the names in its header are the answer.

    A row has as many fields as the header, or it is bad. A quote that is not closed, or text after a closing quote,
    makes every line of that record a bad row of its own, so that no row is swallowed. Empty lines are no rows.
    """
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8-sig", newline="") as text:
        records = _records(text, request)
        header = _header(records)
        handover.check_width(len(header))
        kept, longest = kept_columns(header, request), longest_line(path, request)
        if longest is None:
            _hand_over(records, header, kept, handover)
        else:
            read_unquoted(path, longest, request, kept, handover)
    return header


def _records(text: TextIO, request: Request) -> Iterator[Record]:
    """The file's records, empty lines left out."""
    lines: list[str] = []
    reader = csv.reader(_kept(text, lines), delimiter=request.delimiter, quotechar=request.quote, strict=True)
    while True:
        start = reader.line_num + 1
        lines.clear()
        fields: list[str] | csv.Error
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fields = error
        if fields:
            yield start, fields, lines


def _kept(text: TextIO, lines: list[str]) -> Iterator[str]:
    """The file's lines, each also kept in ``lines``."""
    for line in text:
        lines.append(line)
        yield line


def _header(records: Iterator[Record]) -> list[str]:
    """The first record's fields as column names."""
    first = next(records, None)
    if first is None:
        raise Refusal("the object has no header: it holds only empty lines")
    header = first[1]
    if isinstance(header, csv.Error):
        raise Refusal(f"the header cannot be read: {header}")
    if any("\0" in name for name in header):
        raise Refusal("the header holds NUL bytes; is the file UTF-16? Convert it to UTF-8")
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise Refusal(f"columns that stand more than once: {', '.join(map(repr, twice[:10]))}")
    return header


def _hand_over(records: Iterator[Record], header: list[str], kept: list[str], handover: Handover) -> None:
    """Rows in batches; bad ones apart."""
    places = [(header.index(name), name) for name in kept]
    rows: list[list[str]] = []
    numbers: list[int] = []
    starts: list[int] = []
    batch_rows = handover.batch_rows
    for start, fields, lines in records:
        if isinstance(fields, csv.Error):
            _reject_lines(start, fields, lines, handover)
            continue
        number = handover.number()
        if len(fields) != len(header):
            _reject_ragged(number, (start, fields, lines), len(header), handover)
            continue
        rows.append(fields)
        numbers.append(number)
        starts.append(start)
        if len(rows) >= batch_rows:
            _flush(rows, places, numbers, starts, handover)
    _flush(rows, places, numbers, starts, handover)


def _reject_lines(start: int, error: csv.Error, lines: list[str], handover: Handover) -> None:
    """Each line of a record with broken quotes is a bad row: how many rows it was meant to be is not known."""
    for offset, line in enumerate(lines):
        fault = ("quotes that open and close", f"{error} (record that starts in line {start})")
        handover.reject(handover.number(), start + offset, fault, line.rstrip("\r\n"))


def _reject_ragged(number: int, record: Record, width: int, handover: Handover) -> None:
    """A row of more or fewer fields than the header."""
    start, fields, lines = record
    assert isinstance(fields, list)
    handover.reject(number, start, (f"{width} fields", f"{len(fields)} fields"), "".join(lines).rstrip("\r\n"))


def _flush(
    rows: list[list[str]], places: list[tuple[int, str]], numbers: list[int], starts: list[int], handover: Handover
) -> None:
    """Hand over the gathered rows, column by column."""
    across = list(zip(*rows, strict=True)) or [()] * (max((place for place, _ in places), default=0) + 1)
    columns = [pa.array(across[place], pa.large_string()) for place, _ in places]
    handover.take(pa.record_batch(columns, names=[name for _, name in places]), numbers, starts)
    for gathered in (rows, numbers, starts):
        gathered.clear()
