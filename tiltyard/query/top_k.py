"""The best rows of a stream: a bounded list that keeps each row whole and merges in any order."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tiltyard.samples.hashing import Keys

WANTING: Final = "_wanting"
"""Float64 column: how much the strategy wants the row, highest first."""
CHANCE: Final = "_chance"
"""UInt64 column: the row's number from :mod:`tiltyard.samples.hashing`, which orders ties, lowest first."""

DIGITS: Final = 9
"""Wanting is rounded to these decimals, since a model's last bits depend on how many rows it scores at once."""


@dataclass(frozen=True, slots=True)
class RankedRows:
    """At most ``keep`` rows, with all their columns and ``WANTING`` and ``CHANCE``."""

    keep: int
    rows: pl.DataFrame

    @property
    def full(self) -> bool:
        """Whether a further row must beat one that is listed."""
        return self.rows.height >= self.keep

    def admits(self, wanting: NDArray[np.float64], chance: Keys) -> NDArray[np.bool_]:
        """Which of these rows would enter a list that is ordered (as :func:`merge_ranked` leaves it)."""
        if self.keep == 0 or not self.full:
            return np.full(len(wanting), self.keep > 0)
        last_wanting, last_chance = self.rows[WANTING][-1], self.rows[CHANCE][-1]
        tied = (wanting == last_wanting) & (chance < np.uint64(last_chance))
        return np.asarray((wanting > last_wanting) | tied)


def merge_ranked(*shortlists: RankedRows) -> RankedRows:
    """The best rows of all, best first: the same for any grouping and order of the lists."""
    keep = min(shortlist.keep for shortlist in shortlists)
    rows = pl.concat([shortlist.rows for shortlist in shortlists])
    order = [column for column in (WANTING, CHANCE, "sample_id") if column in rows.columns]
    ordered = rows.sort(order, descending=[column == WANTING for column in order])
    return RankedRows(keep, _detached(ordered.head(keep)))


@dataclass(slots=True)
class TopK:
    """A shortlist under way: rows that may enter wait until there are enough to make sorting worth it."""

    keep: int
    best: RankedRows | None = None
    waiting: list[pl.DataFrame] = field(default_factory=list)

    @property
    def floor(self) -> float:
        """No row that is wanted less than this can enter any more; -inf until the list is full."""
        if self.best is None or not self.best.full or self.keep == 0:
            return -np.inf
        return float(self.best.rows[WANTING][-1])

    def add(self, rows: pl.DataFrame, wanting: NDArray[np.float64], chance: Keys) -> None:
        """Take in the rows that may enter; ``wanting`` and ``chance`` hold one number for each."""
        wanting = np.round(wanting, DIGITS)
        admitted = np.flatnonzero(self.best.admits(wanting, chance) if self.best is not None else np.ones(rows.height))
        if len(admitted) == 0 and (self.waiting or self.best is not None):
            return
        marks = [pl.Series(WANTING, wanting[admitted], pl.Float64), pl.Series(CHANCE, chance[admitted], pl.UInt64)]
        self.waiting.append(_detached(rows[admitted]).hstack(marks))
        if sum(part.height for part in self.waiting) >= self.keep:
            self.settled()

    def settled(self) -> pl.DataFrame:
        """The rows kept of everything taken in so far, best first. There must have been a frame, if an empty one."""
        lists = [RankedRows(self.keep, rows) for rows in self.waiting]
        self.best = merge_ranked(*lists, *([self.best] if self.best is not None else []))
        self.waiting = []
        return self.best.rows


def _detached(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows in memory of their own; else a few texts hold on to all the texts of the chunk they came in."""
    texts = [name for name, dtype in rows.schema.items() if dtype == pl.String]
    if not texts:
        return rows
    return rows.with_columns(pl.concat_str(pl.col(name), pl.lit("")).alias(name) for name in texts)
