"""CSV: every cell as text, strictly. Where a lenient reader would repair or drop cells, this one reports a bad row."""

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final, TextIO

import pyarrow as pa

from tiltyard.ingest.column_names import match_header, quote_name
from tiltyard.stores.readers.csv_fast import longest_line, read_csv_fast
from tiltyard.stores.readers.handover import BLANKS, Handover, Refusal, Request, kept_columns

Record = tuple[int, list[str] | csv.Error, list[str]]
"""Line where a record starts, its fields (or what is wrong), and its lines."""

SEPARATOR: Final = re.compile(r'^"?sep=(?P<mark>[^"\r\n])"?[,;\t]*[\r\n]*$', re.IGNORECASE)
"""A first line that says the delimiter, as Excel reads it and many tools write it."""

SHOWN_PLACES: Final = 10


def read_csv(path: Path, request: Request, handover: Handover) -> list[str]:
    """Hand over a CSV file's rows; the names in its header are the answer.

    A row has as many fields as the header, or it is bad. A quote that is not closed, or text after a closing quote,
    makes every line of that record a bad row of its own, so that no row is swallowed. Lines that are empty or hold
    only delimiters are not rows. A first line ``sep=;`` names the delimiter.
    """
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8-sig", newline="") as text:
        first = text.readline()
        said = SEPARATOR.match(first)
        if said is not None:
            request = replace(request, delimiter=said["mark"])
        records = _records(chain([] if said else [first], text), request, 2 if said else 1)
        written = _header(records, request)
        header = match_header(written, request.columns)
        handover.check_width(len(header))
        kept = kept_columns(header, request)
        longest = None if said or _is_repeated(written) else longest_line(path, request)
        if longest is None:
            _hand_over(records, [(header.index(name), name) for name in kept], len(header), (request, handover))
        else:
            # Such a file has no quotes, and its first line is its header.
            stored = first.rstrip("\r\n").split(request.delimiter)
            names = {stored[header.index(name)]: name for name in kept}
            read_csv_fast(path, longest, request, names, handover)
    return header


def _is_repeated(header: Sequence[str]) -> bool:
    """Whether names stand twice, as those of columns without a name may."""
    return len(set(header)) < len(header)


def _records(text: Iterator[str] | TextIO, request: Request, first: int) -> Iterator[Record]:
    """The file's records, empty lines left out; ``first`` is the number of the first line."""
    lines: list[str] = []
    reader = csv.reader(
        _kept(text, lines, request, first),
        delimiter=request.delimiter,
        quotechar=request.quote,
        escapechar=request.escape or None,
        skipinitialspace=request.trim,
        strict=True,
    )
    while True:
        start = reader.line_num + first
        lines.clear()
        fields: list[str] | csv.Error
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fields = error
        if isinstance(fields, list) and request.trim:
            fields = [field.strip(" \t") for field in fields]
        if fields:
            yield start, fields, lines


def _kept(text: Iterator[str] | TextIO, lines: list[str], request: Request, number: int) -> Iterator[str]:
    """The file's lines, each also kept in ``lines``, which is emptied before each record.

    Raises Refusal when a record grows too long, before it is held as a whole.
    """
    size, begun = 0, number
    for number, line in enumerate(text, start=number):  # noqa: B020  # counted on from the first line's number
        size, begun = (size + len(line), begun) if lines else (len(line), number)
        if size > request.max_line_bytes:
            raise Refusal(
                f"the record that begins in line {begun} has more than {request.max_line_bytes:,} characters "
                "(limits.max_line_bytes); is a quote in it never closed?"
            )
        lines.append(line)
        yield _escaped(line, request) if request.escape else line


def _escaped(line: str, request: Request) -> str:
    r"""A line where the escape stands before quotes, delimiters and itself only; elsewhere it is text, as in ``\N``."""
    special = {request.quote, request.escape, request.delimiter}
    pair = re.compile(re.escape(request.escape) + r"(.?)", re.DOTALL)
    return pair.sub(lambda found: found[0] if found[1] in special else request.escape + found[0], line)


def _header(records: Iterator[Record], request: Request) -> list[str]:
    """The first record's fields as column names."""
    first = next(records, None)
    if first is None:
        raise Refusal("the object has no header: it holds only empty lines")
    line, header, _ = first
    if isinstance(header, csv.Error):
        raise Refusal(f"the header cannot be read: {header}")
    if any("\0" in name for name in header):
        raise Refusal("the header holds NUL bytes; is the file UTF-16? Convert it to UTF-8")
    if _is_blank(header):
        raise Refusal(f"the object has no header: line {line} names no column")
    counts = Counter(header)
    if counts[""] > 1 and (not request.only_columns or "" in request.columns):
        places = [str(place) for place, name in enumerate(header, start=1) if not name]
        raise Refusal(
            f"columns without a name: the {len(places)} at the places {', '.join(places[:SHOWN_PLACES])}; "
            "name them, or leave them out with 'columns.extra: ignore'"
        )
    twice = [name for name, count in counts.items() if count > 1 and name]
    if twice:
        raise Refusal(f"columns that stand more than once: {', '.join(map(quote_name, twice[:10]))}")
    return header


def _is_blank(fields: list[str]) -> bool:
    """Whether a row has no cell."""
    return not fields[0].strip(BLANKS) and not "".join(fields).strip(BLANKS)


def _hand_over(
    records: Iterator[Record], places: list[tuple[int, str]], width: int, to: tuple[Request, Handover]
) -> None:
    """Rows in batches; bad ones apart. ``places`` are those of the columns to hand over, by their names."""
    request, handover = to
    rows: list[list[str]] = []
    numbers: list[int] = []
    starts: list[int] = []
    batch_rows = handover.batch_rows
    for start, fields, lines in records:
        if isinstance(fields, csv.Error):
            _reject_lines(start, f"{fields}{_escape_hint(lines, request)}", lines, handover)
            continue
        # In an object of one column an empty cell is all that a row can be.
        if (width > 1 or len(fields) > 1) and _is_blank(fields):
            handover.blank += 1
            continue
        number = handover.number()
        if len(fields) != width:
            _reject_ragged(number, (start, fields, lines), width, handover)
            continue
        rows.append(fields)
        numbers.append(number)
        starts.append(start)
        if len(rows) >= batch_rows:
            _flush(rows, places, numbers, starts, handover)
    _flush(rows, places, numbers, starts, handover)


def _escape_hint(lines: list[str], request: Request) -> str:
    """A guess for the person who reads the reason: quotes inside a cell that a backslash marks."""
    is_marked = not request.escape and any(f"\\{request.quote}" in line for line in lines)
    return "; is source.csv.escape a backslash?" if is_marked else ""


def _reject_lines(start: int, error: str, lines: list[str], handover: Handover) -> None:
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
