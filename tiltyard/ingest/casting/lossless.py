"""One rule for values that arrive in another type than the contract's: taken where nothing is lost, else refused.

It is the same for CSV, JSON, JSON Lines, Parquet and label files. What a value says counts, not how its file stores it:

- **Text** is kept to the letter. Where the contract wants a number, an integer, a boolean or a time, text that spells
  one is one: Parquet's and JSON's texts are read as CSV's cells are.
- **A number** is a number of any width: the nearest float64. NaN says that there is none: the cell is missing.
- **An integer** may be written ``1.0``, as a decimal with nothing behind its point, or as a float. Integers are exact
  to 64 bits, but a float (and so what has an exponent, such as ``1e3``) holds each integer only up to 2**53, a float of
  32 bits up to 2**24; above, it does not say which integer was meant, and the cell is bad.
- **A boolean** may be ``true``, ``True``, ``TRUE`` or ``1``, and so for false. A boolean is not a number.
- **A time** is ISO 8601, a date (its midnight) or a time of any unit and zone that microseconds of UTC hold.
- **Where text is wanted** (category, text, id, reference), a boolean is ``true`` or ``false``, a number its shortest
  digits (``1`` for 1.0), a date or time ISO 8601. Lists, structs and bytes that are not UTF-8 are bad.
- **A class or an allowed value** is the one of that spelling; else the only one that says the same: ``1.0`` is the
  class ``1``, true is the class ``True``, or ``1`` where no class spells a boolean.
"""

import math
import re
from collections.abc import Collection
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "1": True} | {
    "false": False,
    "False": False,
    "FALSE": False,
    "0": False,
}
"""How text spells a boolean."""

EXACT_FLOAT64: Final = 2**53
EXACT_FLOAT32: Final = 2**24
"""Up to so much, a float holds each integer."""

NUMBER: Final = re.compile(r"(-?)(0|[1-9]\d*)(?:\.(\d+))?")


def plain_text(value: object) -> str | None:
    """The text that stands for a value where text is wanted; None for a missing value, NaN among them.

    Raises ValueError for a nested value, and for a float that stands for several integers.

    >>> [plain_text(value) for value in ("a", True, 7, 1.0, 1.5, float("nan"), Decimal("2.50"), b"x", date(2024, 1, 5))]
    ['a', 'true', '7', '1', '1.5', None, '2.5', 'x', '2024-01-05']
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Decimal):
        return None if value.is_nan() else shortest_decimal(f"{value:f}")
    if isinstance(value, bytes):
        return value.decode("utf-8")  # UnicodeDecodeError is a ValueError
    if isinstance(value, date | datetime | time):
        return value.isoformat().removesuffix("+00:00") + ("Z" if value.isoformat().endswith("+00:00") else "")
    raise ValueError(f"a {type(value).__name__} is not a single value")


def _float_text(value: float) -> str | None:
    """A float's shortest digits."""
    if math.isnan(value):
        return None
    if not value.is_integer():
        if math.isinf(value):
            raise ValueError(f"{value} is not a number")
        return repr(value)
    if abs(value) > EXACT_FLOAT64:
        raise ValueError(f"{value!r} is a float above 2**53, which stands for several integers")
    return str(int(value))


def shortest_decimal(digits: str) -> str:
    """A plain decimal without trailing zeros; other text unchanged.

    >>> [shortest_decimal(text) for text in ("1.0", "-0.50", "-0", "007", "a")]
    ['1', '-0.5', '0', '007', 'a']
    """
    match = NUMBER.fullmatch(digits)
    if match is None:
        return digits
    sign, whole, fraction = match[1], match[2], (match[3] or "").rstrip("0")
    text = f"{whole}.{fraction}" if fraction else whole
    return text if text == "0" else sign + text


def match_class(value: object, names: Collection[str]) -> str | None:
    """The class (or allowed value) that a value names: the one of its spelling, else the only one that says the same.

    What names none comes back as text, for the caller to refuse. None for a missing value. Raises ValueError like
    :func:`plain_text`.

    >>> match_class(True, ["False", "True"]), match_class(1.0, ["0", "1"]), match_class("TRUE", ["true", "false"])
    ('True', '1', 'true')
    >>> match_class(True, ["0", "1"]), match_class("1.0", ["1", "1.0"]), match_class("01", ["1", "2"])
    ('1', '1.0', '01')
    """
    text = plain_text(value)
    if text is None or text in names:
        return text
    for meaning in (_meaning, _truth):
        said = meaning(text)
        alike = [name for name in names if said is not None and meaning(name) == said]
        if alike:
            return alike[0] if len(alike) == 1 else text
    return text


def _meaning(text: str) -> str | None:
    """The number or boolean that a text spells, in one spelling; None for other text."""
    if NUMBER.fullmatch(text):
        return shortest_decimal(text)
    return str(BOOLEANS[text]) if text in BOOLEANS else None


def _truth(text: str) -> bool | None:
    """The boolean that a text spells, 1 and 0 among them."""
    return BOOLEANS.get(shortest_decimal(text))
