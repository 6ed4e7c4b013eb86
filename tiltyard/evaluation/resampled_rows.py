"""Labeled rows drawn again with replacement, within their strata, with all of their entity: how often each counts."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.gate.inputs import Examined

CELLS: Final = 20_000_000
"""Numbers in all resamples together: 160 MB. Of more than 50,000 labels fewer resamples are drawn."""

FEWEST: Final = 50
"""Resamples that a standard error needs at least; so many labels have errors that hardly matter."""


def resampled(examined: Examined, draws: int, cells: int = CELLS) -> NDArray[np.float64]:
    """The rows' weights as they are, then under each resample; float64 (1 + draws, n), seeded by the examined seed.

    Fewer resamples than ``draws`` where they would have more than ``cells`` numbers, but not less than ``FEWEST``.
    """
    rng, rows = np.random.default_rng(examined.seed), len(examined.weights)
    strata = examined.strata.of if examined.strata else np.zeros(rows, dtype=np.int64)
    counts = np.zeros((max(min(draws, cells // rows), FEWEST), rows))
    for stratum in np.unique(strata):
        own = np.flatnonzero(strata == stratum)
        of = np.arange(len(own)) if examined.units is None else np.unique(examined.units[own], return_inverse=True)[1]
        drawn = int(of.max()) + 1
        for draw in counts:
            draw[own] = np.bincount(rng.integers(drawn, size=drawn), minlength=drawn)[of]
    return np.vstack([examined.weights, counts * examined.weights])
