"""Formula escaping for files that people open in a spreadsheet: no cell runs as a formula, and no value changes.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@``. Readers disagree about where a cell begins: a
CSV file that is opened with ``;`` or a tab as the delimiter is split at those, even within quotes. Formulas are
therefore escaped everywhere a reader might begin a cell. Every file that is written for people passes through
:func:`escape_formula`, and :func:`unescape_formula` reverses it.
"""

import re
from typing import Final

STARTS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20'"
"""Characters that begin a formula, in both widths; and the apostrophe, to tell the text's own from an added one."""

BLANKS: Final = '[\x00-\x08\x0b\x0c\x0e-\x20"\x7f\x85\xa0\u200b-\u200f\u2028\u2029\u2060\ufeff]*'
"""Characters that readers skip before a formula: quotes, blanks and invisible characters."""

BREAKS: Final = "\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
"""Characters that at least one reader treats as a line break."""

PLACES: Final = (
    rf"(?:^{BLANKS}|[,;|\t]{BLANKS})(?=GIVEN[{STARTS}\t\r\n])",
    rf"[{BREAKS}]{BLANKS}(?=GIVEN[{STARTS}\t])",
)
"""Places where a cell may begin: the start, after a delimiter of any locale, and after a line break within a cell."""

RISKY: Final = re.compile("|".join(PLACES).replace("GIVEN", ""))
GUARDED: Final = re.compile(f"({'|'.join(PLACES).replace('GIVEN', chr(39))})'")


def escape_formula(text: str) -> str:
    """Text that no spreadsheet runs as a formula: an apostrophe precedes each formula start.

    >>> escape_formula("=1+1"), escape_formula("plain"), escape_formula("fine;=1+1")
    ("'=1+1", 'plain', "fine;'=1+1")
    >>> unescape_formula(escape_formula("'=x"))
    "'=x"
    """
    return RISKY.sub(_marked, text)


def unescape_formula(cell: str) -> str:
    """The text that was passed to :func:`escape_formula`.

    >>> unescape_formula("'=1+1"), unescape_formula("'tis"), unescape_formula("a;'=1+1"), unescape_formula("'")
    ('=1+1', "'tis", 'a;=1+1', '')
    """
    return "" if cell == "'" else GUARDED.sub(r"\1", cell)


def escape_formulas_in_json(text: str) -> str:
    r"""A JSON text that no spreadsheet runs, with the same value: formula starts become JSON escapes.

    >>> print(escape_formulas_in_json('{"note":"a;=1+1"}'))
    {"note":"a;\u003d1+1"}
    """
    return STRING.sub(lambda found: INNER.sub(_escaped, found[0]), text)


STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
INNER: Final = re.compile(rf"((?:^|[,;|\x85\u2028\u2029]|\\[tnr]){BLANKS})([{STARTS}])")
"""Places where a cell may begin within a JSON string, where tabs and line breaks are escapes."""


def _marked(found: re.Match[str]) -> str:
    """The match followed by an apostrophe."""
    return f"{found[0]}'"


def _escaped(found: re.Match[str]) -> str:
    """The match with the formula's first character as a JSON escape."""
    return f"{found[1]}\\u{ord(found[2]):04x}"
