"""A batch whose rows differ from one another: margin shortlist, then one row for each cluster."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.query.clusters import kmeans
from tiltyard.query.feature_space import Candidates, to_points

Positions = NDArray[np.intp]

SHARPNESS: Final = 4
"""How much more a doubtful row pulls its cluster's centre than a less doubtful one; 0 would be not at all."""
FAINTEST: Final = 1e-6
"""The weight of a row without any doubt: k-means wants some weight in every cluster."""


def kmeans_batch(offer: Candidates, number: int) -> Positions:
    """``number`` positions of the offer, best first: from each of ``number`` clusters the row nearest its centre.

    Zhdanov 2019 (arXiv 1901.05954): k-means weighted by doubt, here ``(1 - margin) ** SHARPNESS`` with the margins
    in the offer's scores. The weights let the shortlist be wide without losing the doubtful rows in it. Where rows
    have equal features there are fewer clusters; the batch is then filled with the best of the rest.
    """
    rows = offer.X.shape[0]
    if number >= rows:
        return np.arange(rows)
    points, _ = to_points(offer)
    doubt = np.maximum((1 - offer.scores) ** SHARPNESS, FAINTEST)
    members, distances = kmeans(points, number, offer.seed, doubt)
    order = np.lexsort((distances, members))
    _, firsts = np.unique(members[order], return_index=True)
    return fill_up(np.sort(order[firsts]), rows, number)


def fill_up(picked: Positions, rows: int, number: int) -> Positions:
    """The picks, and after them as many of the first rows not picked as it takes to have ``number``.

    >>> fill_up(np.array([1, 4]), rows=6, number=4).tolist()
    [1, 4, 0, 2]
    """
    rest = np.setdiff1d(np.arange(rows), picked)
    return np.concatenate([picked, rest])[:number]
