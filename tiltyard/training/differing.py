"""What differs between two things that are written as JSON, item by item."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

ABSENT: Final = "(none)"
"""What stands for an item that one of the two does not have."""
LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Difference:
    """One item under which two things say something else; ``ABSENT`` where one of them says nothing."""

    item: str
    before: Any
    after: Any

    def __str__(self) -> str:
        """The difference as a phrase, short enough for a sentence."""
        if self.before == ABSENT:
            return f"{self.item} is new"
        if self.after == ABSENT:
            return f"{self.item} is gone"
        return f"{self.item} is {_short(self.after)}, was {_short(self.before)}"


def differences(before: Any, after: Any) -> list[Difference]:
    """Every item that differs, in the order in which it stands before, then what is new.

    Items of mappings are named by their path; a list of named things counts as a mapping by their names, so that their
    order is no difference; other lists are compared whole. What is gone or new with all it holds is one difference.

    >>> [str(one) for one in differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": {"e": 1}})]
    ['a.c is 3, was 2', 'd is new']
    """
    return list(_found("", _by_name(before), _by_name(after)))


def _found(item: str, before: Any, after: Any) -> Iterator[Difference]:
    """The differences below an item."""
    if before == after:
        return
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        yield Difference(item, before, after)
        return
    for name in [*before, *(name for name in after if name not in before)]:
        path = f"{item}.{name}" if item else str(name)
        yield from _found(path, _by_name(before.get(name, ABSENT)), _by_name(after.get(name, ABSENT)))


def _by_name(value: Any) -> Any:
    """A list of named things as a mapping; anything else as it is."""
    if isinstance(value, list) and value and all(isinstance(entry, Mapping) and "name" in entry for entry in value):
        return {str(entry["name"]): {key: said for key, said in entry.items() if key != "name"} for entry in value}
    return value


def _short(value: Any) -> str:
    """A value as it would be written, cut where it is long."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
