"""Long values where they are only shown or counted: their beginning and a hash, which tells different ones apart."""

from hashlib import sha256
from typing import Final

import polars as pl

LONGEST: Final = 200
"""Characters of a value above which it is shortened."""

BEGINNING: Final = 100


def shorten(text: str) -> str:
    """A short text unchanged; a long one as its beginning, its length and the start of its SHA-256.

    >>> shorten("red"), shorten("x" * 1000)[98:]
    ('red', 'xx… (1000 characters, 44f8354494a5ba03)')
    """
    if len(text) <= LONGEST:
        return text
    return f"{text[:BEGINNING]}… ({len(text)} characters, {sha256(text.encode()).hexdigest()[:16]})"


def shorten_column(texts: pl.Series) -> pl.Series:
    """Each text of a column as :func:`shorten` gives it; the column itself where none is long."""
    long = texts.filter(texts.str.len_chars() > LONGEST).unique().to_list()
    return texts.replace(long, [shorten(text) for text in long]) if long else texts
