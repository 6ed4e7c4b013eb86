"""Show results: tables and sentences for people, one JSON document for programs."""

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tiltyard.reports.formatting import format_value

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Row = Mapping[str, Any]
CONTROLLING: Final = "\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff"
"""Characters that control a terminal, reverse text direction or cannot be encoded, and that JSON does not escape."""

CONTROL: Final = re.compile(rf"[\x00-\x08\x0b-\x1f{CONTROLLING}]")
"""All of these and ASCII control characters, except line feed and tab."""

IN_JSON: Final = re.compile(rf"[{CONTROLLING}]")

SHORT: Final = 16
"""The longest cell in characters that is not wrapped, as long as the table fits into the screen."""

GAP: Final = 2
"""Characters between two columns."""

NUMBERS: Final = (int, float)


def console(*, to_stderr: bool = False) -> "Console":
    """A console: the terminal's width, or 80 columns when the output goes into a file or a pipe.

    No printed text can control the terminal.
    """
    from tiltyard.apps.cli.console.safe_terminal import QuietConsole

    return QuietConsole(escape, stderr=to_stderr, highlight=False, markup=False, emoji=False)


def say(text: str) -> None:
    """Write a sentence to stdout: wrapped at words in a terminal, on one line for grep in a pipe."""
    screen = console()
    screen.print(escape(text), soft_wrap=not screen.is_terminal)


def show_json(data: Any) -> None:
    """Write one JSON document to stdout."""
    text = json.dumps(to_json(data), ensure_ascii=False, indent=2, allow_nan=False)
    # JSON's own escapes: programs read them as the characters themselves. They occur in strings only.
    sys.stdout.write(IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def show_table(rows: Sequence[Row], title: str = "", *, hide: Iterable[str] = ()) -> None:
    """Write rows as a table and an empty line to stdout; columns in ``hide`` that are empty are left out."""
    if rows:
        console().print(build_table(rows, title, hide=hide), "")


def build_table(rows: Sequence[Row], title: str = "", *, hide: Iterable[str] = ()) -> "Table":
    """Rows as a table whose header is their keys; numbers are aligned right."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    hidden = {name for name in hide if all(row.get(name) in {None, "", "-"} for row in rows)}
    names = [name for name in rows[0] if name not in hidden]
    made = Table(
        title=escape(title) or None, title_justify="left", title_style="bold", box=SIMPLE_HEAD, show_edge=False
    )
    made.padding, made.pad_edge = (0, 1, 0, 0), False
    widths = {name: max(len(name), *(len(format_cell(row[name])) for row in rows)) for name in names}
    fits = sum(min(width, SHORT) + GAP for width in widths.values()) - GAP <= console().width
    for name in names:
        is_number = all(isinstance(row[name], NUMBERS) or row[name] is None for row in rows)
        whole = widths[name] <= SHORT and (fits or is_number)
        made.add_column(Text(escape(name)), justify="right" if is_number else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        made.add_row(*(Text(format_cell(row[name])) for name in names))
    return made


def format_cell(value: Any) -> str:
    """A value as a cell shows it: a dash for None, separated thousands, floats to four digits.

    >>> format_cell(None), format_cell(12345), format_cell(0.123456), format_cell("a\\x1b[2J")
    ('-', '12,345', '0.1235', 'a\\\\x1b[2J')
    """
    return escape(format_value(value))


def escape(text: str) -> str:
    """Text that cannot control the terminal: control characters are escaped.

    >>> escape("bell \\x07")
    'bell \\\\x07'
    """
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def format_minute(moment: str) -> str:
    """A moment in ISO 8601 as date, hour and minute.

    >>> format_minute("2026-01-02T03:04:05+00:00")
    '2026-01-02 03:04'
    """
    return moment[:16].replace("T", " ")


def to_one_line(text: str) -> str:
    """Text as one line that cannot control the terminal.

    >>> to_one_line(" two\\n  lines ")
    'two lines'
    """
    return escape(" ".join(text.split()))


def to_json(value: Any) -> Any:
    """A value that JSON can represent: records as objects, moments as ISO 8601 text, NaN as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return to_json(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): to_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
