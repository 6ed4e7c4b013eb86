"""JSON from other programs: read with its errors kept in place, so that each can be reported."""

import json
import math
from dataclasses import dataclass
from typing import Any, Final

DEEPEST: Final = 64
"""The maximum nesting depth."""

MOST_DIGITS: Final = 400
LARGEST: Final = 2**63
"""What integers may not reach, on either side of zero: no database keeps more than 64 bits."""


@dataclass(frozen=True, slots=True)
class JsonError:
    """An error in a JSON text, in place of the value that could not be read."""

    why: str


def read_json(text: str) -> Any:
    """The value that a JSON text stands for, with a :class:`JsonError` for an object that has a key twice.

    Raises ValueError, in words, for what is not JSON. NaN and infinities, which other writers put there, are read as
    they are meant.

    >>> read_json('{"a": 1, "a": 2}')
    JsonError(why="key 'a' stands twice in one object")
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if "\n" in text.strip() else f"column {error.colno}"
        raise ValueError(f"not JSON: {error.msg} at {place}") from error
    except RecursionError as error:
        raise ValueError(f"not JSON that can be read: values lie more than {DEEPEST} deep") from error


def find_json_error(value: Any, *, strict: bool = False) -> str | None:
    """What is wrong with a read value, none if nothing is.

    Wrong is always: a key twice, a key with unstorable characters, values too deep in one another. A ``strict`` look
    also finds text, numbers and integers that no ledger keeps.

    >>> find_json_error({"a": [float("nan")]}), find_json_error({"a": [float("nan")]}, strict=True)
    (None, 'nan is not a JSON number')
    """
    left: list[tuple[Any, int]] = [(value, 0)]
    while left:
        one, depth = left.pop()
        if why := _flaw(one, depth, strict=strict):
            return why
        inner = [*one.values()] if isinstance(one, dict) else one if isinstance(one, list) else []
        left += [(item, depth + 1) for item in inner]
    return None


def lone_surrogate(text: str) -> str | None:
    r"""The first half of a character (a lone surrogate) in a text, none if it can be written in UTF-8.

    >>> lone_surrogate("caf\u00e9"), lone_surrogate("\ud800") == "\ud800"
    (None, True)
    """
    return None if text.isascii() else next((mark for mark in text if "\ud800" <= mark <= "\udfff"), None)


def unstorable_character(text: str) -> str | None:
    r"""What in a text no database and no file can keep, none if nothing is.

    >>> unstorable_character("a\0"), unstorable_character("\ud800"), unstorable_character("ok")
    ('a NUL', 'half a character, U+D800', None)
    """
    if "\0" in text:
        return "a NUL"
    half = lone_surrogate(text)
    return f"half a character, U+{ord(half):04X}" if half else None


def _flaw(one: Any, depth: int, *, strict: bool) -> str | None:
    """What is wrong with one value, its inner ones aside."""
    if isinstance(one, JsonError):
        return one.why
    if depth > DEEPEST:
        return f"values lie more than {DEEPEST} deep"
    if isinstance(one, dict):
        return next((f"key {key!r:.60} holds {found}" for key in one if (found := unstorable_character(key))), None)
    return _unkept(one) if strict else None


def _unkept(one: Any) -> str | None:
    """What is wrong with a text or a number that a ledger is to keep."""
    if isinstance(one, str) and (found := unstorable_character(one)):
        return f"{one!r:.60} holds {found}"
    if isinstance(one, float) and not math.isfinite(one):
        return f"{one} is not a JSON number"
    if isinstance(one, int) and not -LARGEST <= one < LARGEST:
        return f"{one:.6e} is not an integer of 64 bits" if abs(one) < 10**300 else "an integer has too many digits"
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | JsonError:
    """A JSON object, unless a key stands twice: which of the two counts, nobody can know."""
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    names = [name for name, _ in pairs]
    twice = next(name for number, name in enumerate(names) if name in names[:number])
    return JsonError(f"key {twice!r:.60} stands twice in one object")


def _integer(digits: str) -> int | JsonError:
    """An integer of sane length."""
    return int(digits) if len(digits) <= MOST_DIGITS else JsonError(f"an integer has {len(digits):,} digits")
