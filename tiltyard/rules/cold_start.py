"""The first rows to label, when there is no model: typical ones, spread over the whole pool."""

from typing import Final

import numpy as np
from sklearn.neighbors import NearestNeighbors

from tiltyard.rules.clusters import clustered
from tiltyard.rules.diversity import Positions, filled
from tiltyard.rules.feature_space import Matrix, Offer, comparable

NEIGHBOURS: Final = 20
REFERENCE: Final = 2_000
"""Rows of a cluster that stand for all of it when neighbours are sought."""


def typical(offer: Offer, number: int) -> Positions:
    """``number`` positions of the offer: the densest row of each cluster, largest clusters first.

    Clusters that hold a labelled row come last. After TypiClust (Hacohen, Dekel and Weinshall 2022, arXiv
    2202.02794) on the columns themselves instead of learnt features.
    """
    rows = offer.X.shape[0]
    if number >= rows:
        return np.arange(rows)
    points, labeled = comparable(offer)
    members, _ = clustered(np.concatenate([points, labeled]), number + len(labeled), offer.seed)
    covered = set(members[rows:].tolist())
    names, sizes = np.unique(members[:rows], return_counts=True)
    ranked = sorted(zip(names, sizes, strict=True), key=lambda cluster: (cluster[0] in covered, -cluster[1]))
    picks = [_densest(points, np.flatnonzero(members[:rows] == name)) for name, _ in ranked[:number]]
    return filled(np.array(picks, dtype=np.intp), rows, number)


def _densest(points: Matrix, cluster: Positions) -> int:
    """The position whose nearest neighbours within its cluster are nearest; the first of equals."""
    reference = points[cluster[:REFERENCE]]
    nearest = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(reference))).fit(reference)
    distances, _ = nearest.kneighbors(points[cluster])
    return int(cluster[np.argmin(np.round(distances.mean(axis=1), 9))])
