"""Labeled rows drawn again with replacement, within their strata, with all of their entity: how often each counts."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.strata import Strata

CELLS: Final = 20_000_000
"""Numbers in all resamples together: 160 MB. Of more than 50,000 labels fewer resamples are drawn."""

FEWEST: Final = 50
"""Resamples that a standard error needs at least; so many labels have errors that hardly matter."""


def resampled(
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
