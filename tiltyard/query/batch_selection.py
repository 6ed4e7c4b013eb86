"""Ranked batch mode: modAL's ``uncertainty_batch_sampling``, the same picks from distances that are kept up to date."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import euclidean_distances, pairwise_distances_argmin_min

from tiltyard.query.diversity import Positions
from tiltyard.query.feature_space import Candidates, encode_candidates

Distances = NDArray[np.float64]

REFERENCE: Final = 5_000
"""Rows that stand for the whole offer when the first pick is sought without any labelled row."""


def ranked_batch(offer: Candidates, number: int) -> Positions:
    """``number`` positions of the offer in the order of Cardoso et al. 2017 (doi 10.1016/j.ins.2016.10.037).

    Each pick has the highest ``a (1 - 1 / (1 + d)) + (1 - a) u`` with ``u`` the offer's scores, ``d`` the distance
    to the nearest labelled or picked row and ``a`` the unlabelled share. modAL recomputes every distance for every
    pick; here each pick updates one column, so the work grows with rows x picks.
    """
    rows, labeled = encode_candidates(offer)
    total, number = rows.shape[0], min(number, rows.shape[0])
    picks, nearest, known = _start(rows, labeled)
    left = np.full(total, True)
    left[picks] = False
    while len(picks) < number:
        share = left.sum() / (left.sum() + known)
        scores = share * (1 - 1 / (1 + nearest)) + (1 - share) * offer.scores
        pick = int(np.argmax(np.where(left, scores, -np.inf)))
        nearest = np.minimum(nearest, _distances(rows, pick))
        left[pick], known = False, known + 1
        picks.append(pick)
    return np.array(picks, dtype=np.intp)


def _start(rows: Any, labeled: Any) -> tuple[list[int], Distances, int]:
    """The picks made already, each row's distance to the nearest known row, and how many rows are known."""
    if labeled is not None and labeled.shape[0] > 0:
        _, nearest = pairwise_distances_argmin_min(rows, labeled)
        return [], nearest, labeled.shape[0]
    central = int(np.argmin(euclidean_distances(rows, rows[:REFERENCE]).mean(axis=1)))
    return [central], _distances(rows, central), 1


def _distances(rows: Any, pick: int) -> Distances:
    """The Euclidean distance of every row to one of them."""
    return np.asarray(euclidean_distances(rows, rows[[pick]])[:, 0], dtype=np.float64)
