"""Rows of one entity, drawn with all their kin: the cluster bootstrap.

Source: Davison and Hinkley 1997, Bootstrap Methods and their Application, ch. 3.8. Twelve rows of one customer say
hardly more than one; drawn one by one, they would pass for twelve. Entities are drawn in place of rows, each with all
its rows of a stratum, and count in place of rows.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.strata import Strata, stratified_bootstrap, weights_of

Floats = NDArray[np.float64]
Names = NDArray[np.str_]


def sum_by_unit(units: Names, values: Floats) -> Floats:
    """The sum of the values of each unit's rows; float64 (units,).

    >>> sum_by_unit(np.array(["b", "a", "b"]), np.array([1.0, 2.0, 4.0])).tolist()
    [2.0, 5.0]
    """
    names, of = np.unique(units, return_inverse=True)
    sums: Floats = np.bincount(of, values, len(names)).astype(np.float64)
    return sums


def count_units(units: Names, strata: Strata) -> NDArray[np.int64]:
    """How many units have labeled rows in each stratum; int64 (strata,)."""
    held = [len(np.unique(units[strata.of == number])) for number in range(len(strata.sizes))]
    return np.array(held, dtype=np.int64)


def has_single_unit_stratum(units: Names | None, strata: Strata) -> bool:
    """Whether all labeled rows of a stratum are one unit's, and more rows than they are in it: nothing is known of the
    others, then."""
    if units is None:
        return False
    return any(one == 1 < size for one, size in zip(count_units(units, strata).tolist(), strata.sizes, strict=True))


def cluster_bootstrap(units: Names, strata: Strata, seed: int, resamples: int, cells: int) -> Iterator[Floats]:
    """How much each row counts: as it does, then as its unit is drawn, in blocks (b, n) of about ``cells`` numbers."""
    yield weights_of(strata)[None, :]
    rng, block = np.random.default_rng(seed), max(1, cells // max(len(units), 1))
    for start in range(0, resamples if len(units) else 0, block):
        draws = min(block, resamples - start)
        yield stratified_bootstrap(rng, strata, draws, partial(_times, units))


def _times(units: Names, rng: np.random.Generator, within: NDArray[np.int64], draws: int) -> NDArray[np.int64]:
    """How often each row's unit within a stratum is drawn in each of some resamples, one less than there are in all."""
    names, of = np.unique(units[within], return_inverse=True)
    chosen = rng.integers(len(names), size=(draws, max(len(names) - 1, 1)))
    return np.stack([np.bincount(one, minlength=len(names)) for one in chosen])[:, of]


CELLS: Final = 20_000_000
"""Numbers in all resamples together: 160 MB. Of more than 50,000 labels fewer resamples are drawn."""

FEWEST: Final = 50
"""Resamples that a standard error needs at least; so many labels have errors that hardly matter."""


def row_bootstrap(
    weights: NDArray[np.float64],
    strata: Strata | None,
    units: NDArray[np.str_] | None,
    seed: int,
    draws: int,
    cells: int = CELLS,
) -> NDArray[np.float64]:
    """The rows' weights (n,) as they are, then under each resample; float64 (1 + draws, n).

    Rows are drawn within ``strata``; rows of one unit (n,) are drawn together.

    Fewer resamples than ``draws`` where they would have more than ``cells`` numbers, but not less than ``FEWEST``.
    """
    rng, rows = np.random.default_rng(seed), len(weights)
    stratum_of = strata.of if strata else np.zeros(rows, dtype=np.int64)
    counts = np.zeros((max(min(draws, cells // rows), FEWEST), rows))
    for stratum in np.unique(stratum_of):
        own = np.flatnonzero(stratum_of == stratum)
        of = np.arange(len(own)) if units is None else np.unique(units[own], return_inverse=True)[1]
        drawn = int(of.max()) + 1
        for draw in counts:
            draw[own] = np.bincount(rng.integers(drawn, size=drawn), minlength=drawn)[of]
    return np.vstack([weights, counts * weights])
