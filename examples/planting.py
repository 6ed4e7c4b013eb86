"""Planted events: what goes wrong in real deliveries, each as a function from deliveries to deliveries.

Every event says in the delivery's note what was done. Apart from :func:`rewritten`, no event touches a row of
the source: bad rows are damaged copies that arrive beside the good ones, so that each source row is still
dealt exactly once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from tiltyard.examples.dealing import Delivery, Row, read_rows, write_rows

Damage = Mapping[str, str]
"""The cells, by column, that a copy of a row gets."""


def repeated(delivery: Delivery, count: int, rng: np.random.Generator, source: Delivery | None = None) -> Delivery:
    """The delivery with ``count`` rows once more: its own, or rows of a ``source`` that arrived before."""
    donor = source or delivery
    rows = read_rows(donor.content, donor.delimiter)[1:]
    chosen = [rows[place] for place in rng.choice(len(rows), size=min(count, len(rows)), replace=False)]
    whence = f"{len(chosen)} rows of {source.key} once more" if source else f"{len(chosen)} rows twice"
    return _with_rows(delivery, chosen, rng, whence)


def damaged(delivery: Delivery, damages: Sequence[Damage], rng: np.random.Generator) -> Delivery:
    """The delivery with one bad row per damage: a copy of a row with some cells changed."""
    header, *rows = read_rows(delivery.content, delivery.delimiter)
    donors = rng.choice(len(rows), size=len(damages))
    bad = [_with_cells(header, rows[donor], damage) for donor, damage in zip(donors, damages, strict=True)]
    return _with_rows(delivery, bad, rng, f"{len(bad)} bad rows ({', '.join(map(_named, damages))})")


def ragged(delivery: Delivery, rng: np.random.Generator) -> Delivery:
    """The delivery with one row a cell short and one a cell long."""
    rows = read_rows(delivery.content, delivery.delimiter)[1:]
    first, second = rng.choice(len(rows), size=2)
    return _with_rows(delivery, [rows[first][:-1], [*rows[second], "?"]], rng, "2 ragged rows")


def rewritten(delivery: Delivery, columns: Iterable[str], change: Callable[[str], str], note: str) -> Delivery:
    """The delivery after its producer changed how some columns are written, in every row."""
    header, *rows = read_rows(delivery.content, delivery.delimiter)
    places = {header.index(name) for name in columns}
    changed = [[change(cell) if place in places else cell for place, cell in enumerate(row)] for row in rows]
    return replace(delivery, content=write_rows([header, *changed], delivery.delimiter)).noted(note)


def delayed(delivery: Delivery, by: timedelta) -> Delivery:
    """The delivery arriving later than it should: a late batch."""
    return replace(delivery, at=delivery.at + by).noted(f"late by {by.days} days")


def crossed(first: Delivery, second: Delivery) -> tuple[Delivery, Delivery]:
    """Two deliveries that arrive in each other's place: an out-of-order pair."""
    ahead, behind = replace(first, at=second.at), replace(second, at=first.at)
    return ahead.noted(f"arrives after {second.key}"), behind.noted(f"arrives before {first.key}")


def redelivered(delivery: Delivery, at: datetime) -> Delivery:
    """The same object once more: same key, same bytes."""
    again = replace(delivery, at=at, note="", extra_rows=0)
    return again.noted(f"the object that arrived on {delivery.at:%Y-%m-%d} once more, byte for byte")


def _named(damage: Damage) -> str:
    """A damage in a few words."""
    column, value = next(iter(damage.items()))
    return f"{column}={value!r}" if len(damage) == 1 else f"{len(damage)} cells={value!r}"


def _with_cells(header: Row, row: Row, damage: Damage) -> Row:
    """A copy of the row with some cells changed."""
    return [damage.get(name, cell) for name, cell in zip(header, row, strict=True)]


def _with_rows(delivery: Delivery, more: Sequence[Row], rng: np.random.Generator, note: str) -> Delivery:
    """The delivery with more rows, each at a random place; the other rows keep their order."""
    header, *rows = read_rows(delivery.content, delivery.delimiter)
    for row in more:
        rows.insert(int(rng.integers(len(rows) + 1)), row)
    content = write_rows([header, *rows], delivery.delimiter)
    return replace(delivery, content=content, extra_rows=delivery.extra_rows + len(more)).noted(note)
