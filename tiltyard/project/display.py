"""How objects of the Python API are displayed: one short line as text, a small table in a notebook."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

from tiltyard.reports.formatting import format_value

SHOWN_ROWS: Final = 30
"""The maximum number of rows that a table in a notebook has."""


class Displayed:
    """An object with a short ``repr`` and an HTML one, both made from ``_summary`` and, in HTML, ``_tables``."""

    def _summary(self) -> Mapping[str, Any]:
        """The few facts that identify the object, by name."""
        raise NotImplementedError

    def _tables(self) -> Iterable[tuple[str, Sequence[Mapping[str, Any]]]]:
        """Tables for the notebook: a title and rows by column, each."""
        return ()

    def __repr__(self) -> str:
        """The facts on one line."""
        facts = ", ".join(f"{name}={_brief(value)}" for name, value in self._summary().items())
        return f"{type(self).__name__}({facts})"

    def _repr_html_(self) -> str:
        """The facts and tables for a notebook."""
        facts = [(name, _cell(value)) for name, value in self._summary().items()]
        tables = "".join(html_table(rows, title) for title, rows in self._tables() if rows)
        return f"<strong>{escape(type(self).__name__)}</strong>{_pairs(facts)}{tables}"


def html_table(rows: Sequence[Mapping[str, Any]], title: str = "") -> str:
    """Rows as an HTML table with a header, everything escaped; rows beyond ``SHOWN_ROWS`` are counted, not shown.

    >>> html_table([{"label": "<b>", "n": 1200}])
    '<table><thead><tr><th>label</th><th>n</th></tr></thead><tbody><tr><td>&lt;b&gt;</td><td>1,200</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{escape(str(name))}</th>" for name in rows[0])
    lines = (f"<tr>{''.join(f'<td>{escape(_cell(value))}</td>' for value in row.values())}</tr>" for row in rows)
    body = "".join(line for line, _ in zip(lines, range(SHOWN_ROWS), strict=False))
    above = f"<caption>{escape(title)}</caption>" if title else ""
    more = f"<p>... and {len(rows) - SHOWN_ROWS:,} more</p>" if len(rows) > SHOWN_ROWS else ""
    return f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def iframe(page: str, height: int = 700) -> str:
    """A whole HTML page inside a notebook, ``height`` pixels high; its styles do not reach the notebook's own."""
    attributes = f'width="100%" height="{height}" style="border: 1px solid #ccc" sandbox=""'
    return f'<iframe srcdoc="{escape(page)}" {attributes}></iframe>'


def _pairs(facts: Iterable[tuple[str, str]]) -> str:
    """Names and values as a table without a header."""
    lines = (f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts)
    return f"<table><tbody>{''.join(lines)}</tbody></table>"


def _brief(value: Any) -> str:
    """A value on the one line of a repr: floats to four digits, moments to the minute, all else as Python writes it."""
    return _cell(value) if isinstance(value, float | datetime) else repr(value)


def _cell(value: Any) -> str:
    """A value as people read it: a dash for None, thousands separated, floats to four digits, moments to the minute.

    >>> _cell(None), _cell(12345), _cell(0.123456), _cell(True)
    ('-', '12,345', '0.1235', 'yes')
    """
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else format_value(value)
