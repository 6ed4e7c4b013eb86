"""Label files: annotations as CSV or JSON Lines, written whole and read line by line."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from schemas.canonical import canonical_json
from schemas.errors import AnnotationError, NotFound, ObjectError
from schemas.records import Annotation
from tiltyard.rules.guessing import guess_delimiter
from tiltyard.rules.label_files import WHOLE, Line, Refused, cells_of, line_of, line_of_cells
from tiltyard.stores.files import FileStore

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

FORMATS: Final[dict[str, Literal["csv", "jsonl"]]] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@dataclass(frozen=True, slots=True)
class LabelLines:
    """A label file's columns, and its lines by their number in the file from 1; those that cannot be parsed apart."""

    names: list[str]
    lines: list[tuple[int, Line]]
    refused: list[Refused]


def write_labels(path: Path, annotations: Iterable[Annotation]) -> int:
    """Write annotations with every field into a file; how many. The file is there whole or not at all."""
    written = 0
    format_name = _format(path)
    with FileStore(path.resolve().parent).being_written(path.name) as stream:
        for text in label_texts(annotations, format_name):
            stream.write(text.encode())
            written += 1
    return written - 1 if format_name == "csv" else written


def read_labels(path: Path) -> LabelLines:
    """A file's lines. Raises NotFound when there is none, ObjectError when it is not CSV or JSON Lines in UTF-8."""
    if not path.is_file():
        raise NotFound(f"no file at {str(path)!r}")
    format_name = _format(path)
    try:
        return _read_csv(path) if format_name == "csv" else _read_jsonl(path)
    except UnicodeDecodeError as error:
        raise ObjectError(f"{path.name!r} is not UTF-8: {error.reason} at byte {error.start}; convert it") from error


def _format(path: Path) -> Literal["csv", "jsonl"]:
    """A file's format by its ending."""
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise ObjectError(f"{path.name!r}: a label file ends in {', '.join(FORMATS)}")
    return found


class _Rows:
    """What the CSV writer writes into: it keeps the last row's text."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        """Keep a row."""
        self.text = text
        return len(text)


def label_texts(annotations: Iterable[Annotation], format_name: str) -> Iterator[str]:
    """The text of a label file, ``csv`` or ``jsonl``, line by line."""
    if format_name == "jsonl":
        yield from (canonical_json(line_of(annotation)) + "\n" for annotation in annotations)
        return
    row = _Rows()
    # The line end must be CR LF: only then does Python 3.11 put quotes around a lone CR in a cell.
    writer = csv.writer(row, lineterminator="\r\n")
    writer.writerow(WHOLE)
    yield row.text
    for annotation in annotations:
        writer.writerow(cells_of(line_of(annotation)))
        yield row.text


def _read_csv(path: Path) -> LabelLines:
    """The lines of a CSV, with whichever delimiter its header has."""
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        delimiter = guess_delimiter(stream.readline())
        stream.seek(0)
        reader = csv.reader(stream, delimiter=delimiter)
        names = next(reader, [])
        twice = {name for name in names if names.count(name) > 1}
        if twice or not names:
            what = f"column {min(twice)!r} stands twice" if twice else "there is no header"
            raise ObjectError(f"{path.name!r}: {what}")
        return _parsed(names, _csv_rows(reader, names))


def _csv_rows(reader: "CsvReader", names: list[str]) -> Iterator[tuple[int, Line | str]]:
    """Each row's first line and content, or what is wrong with it; empty lines are no rows."""
    start = reader.line_num + 1
    for cells in reader:
        if cells:
            try:
                yield start, line_of_cells(names, cells)
            except AnnotationError as error:
                yield start, str(error)
        start = reader.line_num + 1


def _read_jsonl(path: Path) -> LabelLines:
    """The lines of JSON Lines; the columns are all keys met."""
    with path.open(encoding="utf-8-sig", newline="\n") as stream:
        rows = [(number, _json_line(text)) for number, text in enumerate(stream, start=1) if text.strip()]
    names = dict.fromkeys(name for _, row in rows if isinstance(row, dict) for name in row)
    return _parsed(list(names), iter(rows))


def _json_line(text: str) -> Line | str:
    """One line as an object, or what is wrong with it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return value if isinstance(value, dict) else f"a JSON object is wanted, this is {text.strip():.40}"


def _parsed(names: list[str], rows: Iterator[tuple[int, Line | str]]) -> LabelLines:
    """The lines that could be parsed and those that could not."""
    made = LabelLines(names, [], [])
    for number, row in rows:
        if isinstance(row, str):
            made.refused.append(Refused(number, row))
        else:
            made.lines.append((number, row))
    return made
