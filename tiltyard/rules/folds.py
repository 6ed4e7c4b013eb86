"""How labelled rows are dealt into folds, so that trials are compared on rows they were not fitted from."""

import numpy as np
from numpy.typing import NDArray

Split = tuple[NDArray[np.int64], NDArray[np.int64]]


def deal_folds(labels: NDArray[np.str_], folds: int, seed: int) -> list[Split]:
    """Pairs (rows to fit from, rows to score) that treat classes alike, robust to tiny classes.

    Rows are dealt class by class in random order, so each fold has its share of each class and every class of
    two rows or more stands in every fit. A class of one row is always fitted from, never scored. Fewer pairs
    come back where there are not enough rows; none where every class has one row.

    >>> [(len(fit), len(scored)) for fit, scored in deal_folds(np.array(list("aaaabbbbc")), 2, seed=0)]
    [(5, 4), (5, 4)]
    """
    rng = np.random.default_rng(seed)
    _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    shuffled = rng.permutation(len(labels))
    by_class = shuffled[np.argsort(classes[shuffled], kind="stable")]
    dealt = by_class[sizes[classes[by_class]] > 1]
    fold_of = np.full(len(labels), -1)
    fold_of[dealt] = np.arange(len(dealt)) % folds
    used = range(min(folds, len(dealt)))
    return [(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in used]
