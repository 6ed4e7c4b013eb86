"""Right and wrong by class: whole tables where there are few classes, the commonest mistakes where there are many."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tiltyard.evaluation.curves import confusion
from tiltyard.evaluation.metrics import Floats
from tiltyard.reports.html.model_charts import Sides

MOST_CLASSES: Final = 10
MOST_MISTAKES: Final = 12
LEVELS: Final = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """How many rows, how dark from 0 to ``LEVELS`` (by its share of the true class), and whether they are right."""

    count: float
    level: int
    is_right: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """One model's table: for each true class its name, its cells by decision, and the share that is right."""

    side: str
    rows: tuple[tuple[str, tuple[Cell, ...], float | None], ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A class taken for another, and how often by each model."""

    true: str
    decided: str
    counts: dict[str, float]


def matrices(sides: Sides) -> list[Matrix]:
    """The tables of both models; none with more than ``MOST_CLASSES`` classes."""
    if len(sides.class_names) > MOST_CLASSES:
        return []
    return [_matrix(name, confusion(side.rows, sides.weights), sides) for name, side in sides.sides.items()]


def mistakes(sides: Sides) -> list[Mistake]:
    """The commonest mistakes of either model; none where the whole tables are shown."""
    if len(sides.class_names) <= MOST_CLASSES:
        return []
    tables = {name: confusion(side.rows, sides.weights) for name, side in sides.sides.items()}
    most = np.maximum.reduce(list(tables.values()))
    np.fill_diagonal(most, 0)
    order = np.argsort(-most, axis=None, kind="stable")[:MOST_MISTAKES]
    places = [divmod(int(place), len(most)) for place in order if most.flat[place] > 0]
    names = sides.class_names
    return [
        Mistake(names[true], names[decided], {side: float(table[true, decided]) for side, table in tables.items()})
        for true, decided in places
    ]


def _matrix(side: str, table: Floats, sides: Sides) -> Matrix:
    """One model's table with its shades."""
    rows = []
    for true, (name, counts) in enumerate(zip(sides.class_names, table, strict=True)):
        whole = float(counts.sum())
        shares = counts / whole if whole else counts
        cells = tuple(
            Cell(float(count), int(np.ceil(share * LEVELS)), decided == true)
            for decided, (count, share) in enumerate(zip(counts, shares, strict=True))
        )
        rows.append((name, cells, float(shares[true]) if whole else None))
    return Matrix(side, tuple(rows))
