"""k-means over points, quick for many rows and content with fewer distinct points than clusters."""

import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from tiltyard.rules.feature_space import Matrix

MANY: Final = 4_000_000
"""Rows x clusters beyond which k-means learns from batches of rows."""


def clustered(
    points: Matrix, clusters: int, seed: int, weights: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.intp], Matrix]:
    """The cluster of each point and its squared distance from that cluster's centre (one number a point).

    At most ``clusters`` clusters: fewer where there are fewer distinct points. ``weights`` say how much each point
    pulls its centre.
    """
    clusters = min(clusters, len(points))
    many = len(points) * clusters > MANY
    recipe = MiniBatchKMeans if many else KMeans
    model = recipe(clusters, n_init=1, max_iter=50, random_state=seed)
    with warnings.catch_warnings():
        # Rows with equal features are no fault; the caller fills up from what it has.
        warnings.simplefilter("ignore", ConvergenceWarning)
        members = model.fit_predict(points, sample_weight=weights)
    return members, np.square(points - model.cluster_centers_[members]).sum(axis=1)
