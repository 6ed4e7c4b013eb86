"""Bootstrap resamples of labeled rows, as weights: how much each row counts in each resample.

Three ways of drawing, because three different questions are asked:

- :func:`counted_row_bootstrap`: rows of a paired comparison. Each stratum draws one row less than it has, which
  makes the variance unbiased (McCarthy and Snowden 1985), and the strata's sizes are drawn too, because the population
  is itself a sample. Equal rows are merged, so thousands of resamples are cheap.
- :func:`cluster_bootstrap`: the same for rows that belong to one entity. Twelve rows of one customer carry little more
  information than one row, so entities are drawn instead of rows, each with all its rows of a stratum (Davison and
  Hinkley 1997, Bootstrap Methods and their Application, ch. 3.8).
- :func:`row_bootstrap`: weights of all rows at once, for checks that look at parts of the rows (slices, bins). As many
  rows as there are are drawn and the strata's sizes stay, because these checks use the spread only.

Each has its own order of random draws. Recorded verdicts were computed with it, and evaluating a challenger again must
give the same numbers, so the three are not merged into one. The agreement of annotators
(:mod:`tiltyard.labels.agreement`) resamples counts of answer patterns, not rows with weights; it shares no code.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.strata import Strata, weights_of

Floats = NDArray[np.float64]
Names = NDArray[np.str_]


Times = Callable[[np.random.Generator, NDArray[np.int64], int], NDArray[np.int64]]
"""Counts how often each row at some positions (rows,) is drawn in each of some resamples; int64 (draws, rows)."""


def stratified_bootstrap(rng: np.random.Generator, strata: Strata, draws: int, times: Times) -> Floats:
    """The weight of each of n rows in each resample; float64 (draws, n).

    ``times`` draws within one stratum. The strata's sizes are drawn too, because the population is itself a sample.
    """
    if len(strata.sizes) == 1:
        return times(rng, np.arange(len(strata.of)), draws).astype(np.float64)
    weights = np.zeros((draws, len(strata.of)))
    population = sum(strata.sizes)
    sizes = rng.multinomial(population, np.asarray(strata.sizes) / population, size=draws)
    for stratum in range(len(strata.sizes)):
        within = np.flatnonzero(strata.of == stratum)
        if len(within):
            came = times(rng, within, draws)
            weights[:, within] = came * (sizes[:, [stratum]] / came.sum(axis=1, keepdims=True))
    return weights


def counted_row_bootstrap(
    counts: NDArray[np.int64], kinds: Strata, labeled: NDArray[np.int64], seed: int, resamples: int, cells: int
) -> Iterator[Floats]:
    """The weight of each row: its own, then in each resample; in blocks (b, rows) of bounded size.

    ``counts`` (rows,) is how many labeled rows each row stands for, ``labeled`` (strata,) how many there are.
    """
    sizes = np.asarray(kinds.sizes, dtype=np.float64)
    scale = sizes / np.maximum(labeled, 1) if len(sizes) > 1 else np.ones(1)
    yield (counts * scale[kinds.of])[None, :].astype(np.float64)
    rng, rows = np.random.default_rng(seed), len(counts)
    block = max(1, cells // max(rows, 1))
    for start in range(0, resamples if rows else 0, block):
        draws = min(block, resamples - start)
        yield stratified_bootstrap(rng, kinds, draws, partial(_count_rows, counts))


def _count_rows(
    counts: NDArray[np.int64], rng: np.random.Generator, within: NDArray[np.int64], draws: int
) -> NDArray[np.int64]:
    """How often each row within a stratum is drawn in each of some resamples, one less than there are in all."""
    counts = counts[within]
    total, rows = int(counts.sum()), len(counts)
    drawn = max(total - 1, 1)
    if total > rows:
        return rng.multinomial(drawn, counts / total, size=draws)
    # A resample at a time stays in the processor's cache.
    return np.stack([np.bincount(one, minlength=rows) for one in rng.integers(rows, size=(draws, drawn))])


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
        yield stratified_bootstrap(rng, strata, draws, partial(_count_units, units))


def _count_units(units: Names, rng: np.random.Generator, within: NDArray[np.int64], draws: int) -> NDArray[np.int64]:
    """How often each row's unit within a stratum is drawn in each of some resamples, one less than there are in all."""
    names, of = np.unique(units[within], return_inverse=True)
    chosen = rng.integers(len(names), size=(draws, max(len(names) - 1, 1)))
    return np.stack([np.bincount(one, minlength=len(names)) for one in chosen])[:, of]


CELLS: Final = 20_000_000
"""Numbers in all resamples together: 160 MB. Of more than 50,000 labels fewer resamples are drawn."""

FEWEST: Final = 50
"""Resamples that a standard error needs at least; with that many labels the errors are negligible."""


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
