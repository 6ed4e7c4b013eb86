"""Label files: annotations as CSV, TSV or JSON, written whole and read line by line."""

import csv
import io
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from tiltyard.ingest.inference.csv_dialect import infer_delimiter
from tiltyard.labels.files.file_format import WHOLE, Line, Refused, cells_to_line, is_full_export, to_cells, to_line
from tiltyard.labels.files.strict_json import JsonError, find_json_error, read_json
from tiltyard.labels.files.unclosed_quotes import Table, describe_quote_error
from tiltyard.schemas.canonical import canonical_json
from tiltyard.schemas.errors import AnnotationError, NotFound, ObjectError
from tiltyard.schemas.records import Annotation
from tiltyard.stores.files.local import FileStore

Format = Literal["csv", "tsv", "jsonl", "json"]
FORMATS: Final[dict[str, Format]] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
}
DELIMITERS: Final = {"csv": ",", "tsv": "\t"}
SEPARATOR_LINE: Final = "sep="
"""What Excel writes into the first line to say what parts the cells."""


@dataclass(frozen=True, slots=True)
class LabelLines:
    """A label file's columns, its lines by number (from 1), and separately the lines that cannot be parsed.

    In a JSON file that is not JSON Lines, an entry's number is its place in the list. ``table`` says how rows are
    written.
    """

    names: list[str]
    lines: list[tuple[int, Line]]
    refused: list[Refused]
    table: Table | None = None


def write_labels(path: Path, annotations: Iterable[Annotation]) -> int:
    """Write annotations with every field into a file; how many. The file is there whole or not at all.

    Raises ObjectError for an ending that is none of a format that is written.
    """
    written = 0
    format_name = _format(path)
    if format_name == "json":
        raise ObjectError(f"{path.name!r}: .json is read, not written; end it in .jsonl")
    with FileStore(path.resolve().parent).being_written(path.name) as stream:
        for text in label_texts(annotations, format_name):
            stream.write(text.encode())
            written += 1
    return written - 1 if format_name in DELIMITERS else written


def read_labels(path: Path) -> LabelLines:
    """A file's lines.

    Raises NotFound when there is none, ObjectError when it is not CSV, TSV, JSON Lines or JSON in UTF-8.
    """
    if not path.is_file():
        raise NotFound(f"no file at {str(path)!r}")
    format_name = _format(path)
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = f"{error.reason} at byte {error.start} in line {line}"
        raise ObjectError(f"{path.name!r} is not UTF-8: {where}; convert it") from error
    try:
        return _read_table(text, format_name) if format_name in DELIMITERS else _read_json(text, format_name)
    except ValueError as error:
        raise ObjectError(f"{path.name!r}: {error}") from error


def label_texts(annotations: Iterable[Annotation], format_name: str) -> Iterator[str]:
    """The text of a label file, ``csv``, ``tsv`` or ``jsonl``, line by line."""
    if format_name == "jsonl":
        yield from (canonical_json(to_line(annotation)) + "\n" for annotation in annotations)
        return
    row = _Rows()
    # The line end must be CR LF: only then does Python 3.11 put quotes around a lone CR in a cell.
    writer = csv.writer(row, delimiter=DELIMITERS[format_name], lineterminator="\r\n")
    writer.writerow(WHOLE)
    yield row.text
    for annotation in annotations:
        writer.writerow(to_cells(to_line(annotation)))
        yield row.text


class _Rows:
    """What the CSV writer writes into: it keeps the last row's text."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        """Keep a row."""
        self.text = text
        return len(text)


class _Lines:
    """A text's lines as the CSV reader takes them, and those that it took since the last row began."""

    def __init__(self, text: str) -> None:
        self._stream = io.StringIO(text, newline="")
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        """The lines, each with its end."""
        return self

    def __next__(self) -> str:
        """The next line."""
        line = next(self._stream)
        self.taken.append(line)
        self.number += 1
        return line

    def begin_row(self) -> int:
        """Forget the lines of the row before; the number of the line that comes."""
        self.taken = []
        return self.number + 1


def _format(path: Path) -> Format:
    """A file's format by its ending."""
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise ObjectError(f"{path.name!r}: a label file ends in {', '.join(FORMATS)}")
    return found


def _read_table(text: str, format_name: str) -> LabelLines:
    """The lines of a CSV or TSV, with whichever delimiter its header has; ValueError for a header that is none."""
    csv.field_size_limit(sys.maxsize)
    lines = _Lines(text)
    first = next(lines, "")
    told = first.strip().strip('"').lower()
    if told.startswith(SEPARATOR_LINE) and len(told) <= len(SEPARATOR_LINE) + 1:
        delimiter = first.strip().strip('"')[len(SEPARATOR_LINE) :] or "\t"
    else:
        lines = _Lines(text)
        delimiter = "\t" if format_name == "tsv" and "\t" in first else infer_delimiter(first)
    rows = _rows(lines, delimiter)
    _, header = next(rows, (0, []))
    if isinstance(header, str):
        raise ValueError(f"the header cannot be read: {header}")
    names = [name.strip() for name in header]
    # Columns without a name are ignored, any number of them.
    twice = {name for name in names if name and names.count(name) > 1}
    if twice or not any(names):
        what = f"column {min(twice)!r} appears twice" if twice else "there is no header"
        raise ValueError(what)
    whole = is_full_export(names)
    return _parsed(names, _as_lines(rows, names, whole), None if whole else Table(names, delimiter))


def _rows(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Each row's first line and cells, or the line and what is wrong with it; rows without any content are none."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        start = lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            below, why = describe_quote_error("".join(lines.taken), delimiter)
            yield start + below, why
            continue
        if any(cell.strip() for cell in cells):
            yield start, cells


def _as_lines(
    rows: Iterator[tuple[int, list[str] | str]], names: list[str], whole: bool
) -> Iterator[tuple[int, Line | str]]:
    """The rows as lines by column, or what is wrong with them."""
    for number, row in rows:
        try:
            yield number, row if isinstance(row, str) else cells_to_line(names, row, whole=whole)
        except AnnotationError as error:
            yield number, str(error)


def _read_json(text: str, format_name: str) -> LabelLines:
    """The lines of JSON Lines, or the entries of one JSON list or object; the columns are all keys met.

    Raises ValueError for a text that begins as one list or object and is not.
    """
    begun = text.lstrip()[:1]
    if begun == "[" or (format_name == "json" and begun == "{"):
        entries = _entries(text, format_name)
        if entries is not None:
            return _named((number, _entry(one)) for number, one in enumerate(entries, start=1))
    return _named((number, _line(row)) for number, row in enumerate(text.split("\n"), start=1) if row.strip())


def _entries(text: str, format_name: str) -> list[Any] | None:
    """The entries of a text that is one JSON value; none where it is JSON Lines after all."""
    try:
        found = read_json(text)
    except ValueError:
        rows = [row for row in text.split("\n") if row.strip()]
        if format_name == "jsonl" or (len(rows) > 1 and all(row.lstrip()[:1] == "{" for row in rows)):
            return None
        raise
    if not isinstance(found, list):
        return [found]
    # A line of JSON Lines that is itself a list is not a list of entries.
    return found if format_name == "json" or any(isinstance(one, dict | JsonError) for one in found) else None


def _line(text: str) -> Line | str:
    """One line as an object, or what is wrong with it."""
    try:
        return _entry(read_json(text))
    except ValueError as error:
        return str(error)


def _entry(value: Any) -> Line | str:
    """A value as an object, or what is wrong with it."""
    if why := find_json_error(value):
        return why
    return value if isinstance(value, dict) else f"expected a JSON object, got {value!r:.40}"


def _named(rows: Iterable[tuple[int, Line | str]]) -> LabelLines:
    """The lines with all the names that they use."""
    found = list(rows)
    names = dict.fromkeys(name for _, row in found if isinstance(row, dict) for name in row)
    return _parsed(list(names), iter(found))


def _parsed(names: list[str], rows: Iterator[tuple[int, Line | str]], table: Table | None = None) -> LabelLines:
    """The lines that could be parsed and those that could not."""
    made = LabelLines(names, [], [], table)
    for number, row in rows:
        if isinstance(row, str):
            made.refused.append(Refused(number, row))
        else:
            made.lines.append((number, row))
    return made
