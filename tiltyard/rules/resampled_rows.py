"""Labeled rows drawn again with replacement, within their strata: how often each counts."""

import numpy as np
from numpy.typing import NDArray

from tiltyard.rules.examined import Examined


def resampled(examined: Examined, draws: int) -> NDArray[np.float64]:
    """The rows' weights as they are, then under each resample; float64 (1 + draws, n), seeded by the examined seed."""
    rng, rows = np.random.default_rng(examined.seed), len(examined.weights)
    strata = examined.strata.of if examined.strata else np.zeros(rows, dtype=np.int64)
    counts = np.zeros((draws, rows))
    for stratum in np.unique(strata):
        own = np.flatnonzero(strata == stratum)
        counts[:, own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size=draws)
    return np.vstack([examined.weights, counts * examined.weights])
