"""How an answer is shown: tables and sentences for people, one JSON document for programs."""

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Row = Mapping[str, Any]
STEERING: Final = "\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff"
"""Characters that steer a terminal, reverse what is read or cannot be written, and that JSON would let through."""

CONTROL: Final = re.compile(rf"[\x00-\x08\x0b-\x1f{STEERING}]")
"""All of these; line feed and tab are left."""

IN_JSON: Final = re.compile(rf"[{STEERING}]")

SHORT: Final = 16
"""Characters up to which a cell is not broken, as long as the table fits into the screen."""

GAP: Final = 2
"""Characters between two columns."""

NUMBERS: Final = (int, float)


def console(*, to_stderr: bool = False) -> "Console":
    """A terminal to write on: its own width, or 80 columns where the output goes into a file or a pipe.

    Whatever is printed on it, only its own styles steer the terminal.
    """
    from tiltyard.apps.cli.console.safe_terminal import QuietConsole

    return QuietConsole(stderr=to_stderr, highlight=False, markup=False, emoji=False)


def say(text: str) -> None:
    """Write a sentence on stdout: wrapped at words at a terminal, on one line for grep in a pipe."""
    screen = console()
    screen.print(shown(text), soft_wrap=not screen.is_terminal)


def show_json(data: Any) -> None:
    """Write one JSON document on stdout."""
    text = json.dumps(plain(data), ensure_ascii=False, indent=2, allow_nan=False)
    # JSON's own escapes, which programs read as the very characters: these stand in strings only.
    sys.stdout.write(IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def show_table(rows: Sequence[Row], title: str = "", *, hide: Iterable[str] = ()) -> None:
    """Write rows as a table and an empty line on stdout; columns in ``hide`` that say nothing are left out."""
    if rows:
        console().print(table(rows, title, hide=hide), "")


def table(rows: Sequence[Row], title: str = "", *, hide: Iterable[str] = ()) -> "Table":
    """Rows as a table whose header is their keys; numbers stand to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    silent = {name for name in hide if all(row.get(name) in {None, "", "-"} for row in rows)}
    names = [name for name in rows[0] if name not in silent]
    made = Table(title=shown(title) or None, title_justify="left", title_style="bold", box=SIMPLE_HEAD, show_edge=False)
    made.padding, made.pad_edge = (0, 1, 0, 0), False
    widths = {name: max(len(name), *(len(cell(row[name])) for row in rows)) for name in names}
    fits = sum(min(width, SHORT) + GAP for width in widths.values()) - GAP <= console().width
    for name in names:
        is_number = all(isinstance(row[name], NUMBERS) or row[name] is None for row in rows)
        whole = widths[name] <= SHORT and (fits or is_number)
        made.add_column(Text(shown(name)), justify="right" if is_number else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        made.add_row(*(Text(cell(row[name])) for name in names))
    return made


def cell(value: Any) -> str:
    """A value as a cell shows it: a dash for nothing, thousands apart, floats to four digits.

    >>> cell(None), cell(12345), cell(0.123456), cell("a\\x1b[2J")
    ('-', '12,345', '0.1235', 'a\\\\x1b[2J')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else shown(str(value))


def shown(text: str) -> str:
    """Text that cannot steer the terminal: control characters are written out.

    >>> shown("bell \\x07")
    'bell \\\\x07'
    """
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "fact"), counted(2000, "fact"), counted(2, "batch", "batches")
    ('1 fact', '2,000 facts', '2 batches')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def minute(moment: str) -> str:
    """A moment in ISO 8601, to the minute.

    >>> minute("2026-01-02T03:04:05+00:00")
    '2026-01-02 03:04'
    """
    return moment[:16].replace("T", " ")


def one_line(text: str) -> str:
    """Text as one line that cannot steer the terminal.

    >>> one_line(" two\\n  lines ")
    'two lines'
    """
    return shown(" ".join(text.split()))


def plain(value: Any) -> Any:
    """A value as JSON can hold it: records as objects, moments as ISO 8601 text, no NaN."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
