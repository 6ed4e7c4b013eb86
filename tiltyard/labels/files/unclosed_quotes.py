"""Quotes in a table that were opened and not closed where they should be: the rows after them would be lost unseen."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tiltyard.labels.files.values import match_class_name
from tiltyard.schemas.errors import AnnotationError
from tiltyard.schemas.project import Project

BREAK: Final = re.compile(r"\r\n|\r|\n")
QUOTED: Final = re.compile(r'"[^"]*(?:""[^"]*)*"')


@dataclass(frozen=True, slots=True)
class Table:
    """How the rows of a table are written: its columns, and what parts the cells."""

    names: Sequence[str]
    delimiter: str


def describe_quote_error(text: str, delimiter: str) -> tuple[int, str]:
    r"""What is wrong with the quotes of a row that cannot be read: how many lines into it, and a sentence.

    >>> describe_quote_error('1,yes\n2,"no', ",")[1].partition(";")
    ('the quote that opens here is never closed', ';', ' close it, or double it where it belongs to the text')
    """
    place = 0
    while place < len(text):
        if text[place] != '"':
            place = _end_of_plain(text, place, delimiter) + 1
            continue
        closed = QUOTED.match(text, place)
        if closed is None or text[closed.end() : closed.end() + 1] not in {delimiter, "\r", "\n", ""}:
            return _told(text, place, closed.end() if closed else None)
        place = closed.end() + 1
    return 0, "its quotes cannot be read; double those that belong to the text"


def refuse_swallowed_rows(line: Mapping[str, Any], table: Table, project: Project) -> None:
    """Raise AnnotationError for a cell that holds whole rows of its own file: its quote was closed by a later one."""
    broken = {name: BREAK.split(value) for name, value in line.items() if isinstance(value, str)}
    for name, inner in [(name, inner) for name, parts in broken.items() for inner in parts[1:]]:
        if _is_row(inner, table, project):
            raise AnnotationError(
                f"the quote that opens in column {name!r} swallows rows such as {inner!r:.60}; close it"
            )


def _end_of_plain(text: str, place: int, delimiter: str) -> int:
    """Where a cell without quotes ends."""
    ends = [at for mark in (delimiter, "\r", "\n") if (at := text.find(mark, place)) >= 0]
    return min(ends, default=len(text))


def _told(text: str, opened: int, closed: int | None) -> tuple[int, str]:
    """The line in which a faulty quote opens, and what is wrong with it."""
    line, remedy = len(BREAK.findall(text, 0, opened)), "close it, or double it where it belongs to the text"
    if closed is None:
        lost = len(BREAK.findall(text.rstrip("\r\n"), opened))
        swallows = f" and swallows the {f'{lost:,} lines' if lost > 1 else 'line'} after it" if lost else ""
        return line, f"the quote that opens here is never closed{swallows}; {remedy}"
    later = len(BREAK.findall(text, opened, closed))
    where = f"{later} {'lines' if later > 1 else 'line'} below" if later else "in the same line"
    return line, f"the quote that opens here is closed {where} in the middle of a cell; {remedy}"


def _is_row(text: str, table: Table, project: Project) -> bool:
    """Whether a line within a cell is a row of the file by itself: as many cells, and one of them a class."""
    if text.count(table.delimiter) < len(table.names) - 1:
        return False
    cells = next(csv.reader([text], delimiter=table.delimiter), [])
    if len(cells) != len(table.names) or "label" not in table.names:
        return False
    said = cells[list(table.names).index("label")]
    return match_class_name(said, project) is not None
