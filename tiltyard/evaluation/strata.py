"""Labeled rows that stand for different numbers of rows: how labels drawn where two models disagree stay unbiased.

Source: stratified random sampling (Cochran 1977, Sampling Techniques, ch. 5). Each labeled row stands for as many
rows of the population as its stratum has per label.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.schemas.errors import TrainingError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Strata:
    """Which stratum each of n labeled rows is in, int64 (n,), and how many rows of the population each stratum has."""

    of: NDArray[np.int64]
    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse a row whose stratum has no size, and more labels than a stratum has rows."""
        if len(self.of) and (self.of.min() < 0 or self.of.max() >= len(self.sizes)):
            raise TrainingError(f"a labeled row is in stratum {int(self.of.max())!r}, there are {len(self.sizes)}")
        for number, (count, size) in enumerate(zip(self.counts, self.sizes, strict=True)):
            if count > size:
                raise TrainingError(f"stratum {number} has {size} rows, and {count} of them are labeled")

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many labeled rows each stratum has, int64 (strata,)."""
        return np.bincount(self.of, minlength=len(self.sizes)).astype(np.int64)

    @property
    def undersampled(self) -> tuple[int, ...]:
        """The strata with rows of the population but too few labels to say anything: none, or one of several rows."""
        counts = self.counts.tolist()
        return tuple(number for number, size in enumerate(self.sizes) if counts[number] < min(size, 2))


def single_stratum(rows: int) -> Strata:
    """A plain random sample: every row stands for itself.

    >>> weights_of(single_stratum(3)).tolist()
    [1.0, 1.0, 1.0]
    """
    return Strata(np.zeros(rows, dtype=np.int64), (rows,))


def weights_of(strata: Strata) -> Floats:
    """How many rows of the population each labeled row stands for; float64 (n,).

    >>> weights_of(Strata(np.array([0, 0, 1]), (90, 10))).tolist()
    [45.0, 45.0, 10.0]
    """
    sizes = np.asarray(strata.sizes, dtype=np.float64)
    weights: Floats = sizes[strata.of] / strata.counts[strata.of]
    return weights
