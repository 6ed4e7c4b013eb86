"""Text in files that people open in a spreadsheet: no cell of ours is run as a formula, and none is changed.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@``. Where a cell begins is the reader's choice: a
CSV of ours that is opened where ``;`` or a tab parts the cells is cut at those, also within our quotes. So a formula is
stopped wherever any reader might begin a cell. Every file that is written for people goes through :func:`guarded`, and
what comes back through :func:`unguarded`.
"""

import re
from typing import Final

STARTS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20'"
"""What begins a formula, in both widths; and the apostrophe, so that one of the text's own stays apart from ours."""

BLANKS: Final = '[\x00-\x08\x0b\x0c\x0e-\x20"\x7f\x85\xa0\u200b-\u200f\u2028\u2029\u2060\ufeff]*'
"""What readers drop before a formula: quotes, blanks and marks that nobody sees."""

BREAKS: Final = "\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
"""What some reader or other takes for the end of a line."""

PLACES: Final = (
    rf"(?:^{BLANKS}|[,;|\t]{BLANKS})(?=GIVEN[{STARTS}\t\r\n])",
    rf"[{BREAKS}]{BLANKS}(?=GIVEN[{STARTS}\t])",
)
"""The beginnings of a cell: of the whole, after a separator of any locale, and after a line break within."""

RISKY: Final = re.compile("|".join(PLACES).replace("GIVEN", ""))
GUARDED: Final = re.compile(f"({'|'.join(PLACES).replace('GIVEN', chr(39))})'")


def guarded(text: str) -> str:
    """Text that no spreadsheet runs: an apostrophe goes before whatever begins like a formula.

    >>> guarded("=1+1"), guarded("plain"), guarded("fine;=1+1"), unguarded(guarded("'=x"))
    ("'=1+1", 'plain', "fine;'=1+1", "'=x")
    """
    return RISKY.sub(_marked, text)


def unguarded(cell: str) -> str:
    """The text that :func:`guarded` wrote.

    >>> unguarded("'=1+1"), unguarded("'tis"), unguarded("a;'=1+1"), unguarded("'")
    ('=1+1', "'tis", 'a;=1+1', '')
    """
    return "" if cell == "'" else GUARDED.sub(r"\1", cell)


def guarded_json(text: str) -> str:
    r"""A JSON text that no spreadsheet runs and that stands for the same value: its own escapes do it.

    >>> print(guarded_json('{"note":"a;=1+1"}'))
    {"note":"a;\u003d1+1"}
    """
    return STRING.sub(lambda found: INNER.sub(_escaped, found[0]), text)


STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
INNER: Final = re.compile(rf"((?:^|[,;|\x85\u2028\u2029]|\\[tnr]){BLANKS})([{STARTS}])")
"""Where a cell might begin within a JSON string: tabs and line breaks are written as escapes there."""


def _marked(found: re.Match[str]) -> str:
    """What was found, with our apostrophe behind it."""
    return f"{found[0]}'"


def _escaped(found: re.Match[str]) -> str:
    """What was found, with the formula's first character as JSON's escape."""
    return f"{found[1]}\\u{ord(found[2]):04x}"
