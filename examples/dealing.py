"""What arrives and when: deliveries, and the deal that a whole source makes."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

Row = list[str]
"""One line of a delivery as text cells; a ragged row has too few or too many."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One object as a producer hands it in.

    ``at`` is when it arrives (UTC), ``note`` says what was planted in it, ``extra_rows`` counts the rows that
    it holds beyond the source's own.
    """

    key: str
    content: bytes
    at: datetime
    note: str = ""
    delimiter: str = ","
    extra_rows: int = 0

    def noted(self, note: str) -> "Delivery":
        """The same delivery with one more remark."""
        return replace(self, note=f"{self.note}; {note}" if self.note else note)


@dataclass(frozen=True, slots=True)
class Mend:
    """A change of the project file that makes a refused batch acceptable.

    ``after`` is the key of the refused delivery, ``changes`` the keys of the project file to lay over it.
    """

    after: str
    changes: Mapping[str, Any]
    why: str


@dataclass(frozen=True, slots=True)
class Deal:
    """Everything a source hands out, in the order of arrival, and the key of answers.

    ``answers`` maps the ``reference`` cell of a row to the name of its class.
    """

    deliveries: tuple[Delivery, ...]
    answers: Mapping[str, str]
    reference: str
    mend: Mend | None = None


def read_rows(content: bytes, delimiter: str = ",") -> list[Row]:
    r"""The rows of a CSV, the header first, every cell as text.

    >>> read_rows(b'a,b\n1,"x, y"\n')
    [['a', 'b'], ['1', 'x, y']]
    """
    return list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter, strict=True))


def write_rows(rows: Iterable[Row], delimiter: str = ",") -> bytes:
    r"""The rows as CSV in UTF-8 with plain line ends; the inverse of :func:`read_rows`.

    >>> write_rows([["a", "b"], ["1", "x, y"]])
    b'a,b\n1,"x, y"\n'
    """
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def references(delivery: Delivery, reference: str) -> list[str]:
    """The reference cell of each row of a delivery, in its order; rows too short to have one are left out."""
    header, *rows = read_rows(delivery.content, delivery.delimiter)
    place = header.index(reference)
    return [row[place] for row in rows if len(row) > place]


def without_label(rows: list[Row], label: str, reference: str) -> tuple[list[Row], dict[str, str]]:
    """The rows with a running ``reference`` column in place of the label, and the labels by reference.

    The reference is the row's place in the source, from 0; it stands last.

    >>> without_label([["x", "y"], ["5", "no"], ["6", "yes"]], "y", "row_id")
    ([['x', 'row_id'], ['5', '0'], ['6', '1']], {'0': 'no', '1': 'yes'})
    """
    header, *body = rows
    place = header.index(label)
    answers = {str(number): row[place] for number, row in enumerate(body)}
    names = [*header[:place], *header[place + 1 :], reference]
    bare = [[*row[:place], *row[place + 1 :], str(number)] for number, row in enumerate(body)]
    return [names, *bare], answers


def arranged(deliveries: Iterable[Delivery]) -> tuple[Delivery, ...]:
    """The deliveries in the order in which they arrive; ties by key."""
    return tuple(sorted(deliveries, key=lambda delivery: (delivery.at, delivery.key)))


def laid_over(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a project file with changes laid over it, mapping by mapping.

    >>> laid_over({"a": {"min": 0, "max": 16}, "b": 1}, {"a": {"max": 20}})
    {'a': {'min': 0, 'max': 20}, 'b': 1}
    """
    merged = dict(content)
    for key, value in changes.items():
        under = merged.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            merged[key] = laid_over(under, value)
        else:
            merged[key] = value
    return merged
