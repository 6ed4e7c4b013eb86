"""How labelled rows are dealt into folds, so that trials are compared on rows they were not fitted from."""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline

Split = tuple[NDArray[np.int64], NDArray[np.int64]]
Names = NDArray[np.str_]


def make_folds(labels: Names, folds: int, seed: int, units: Names | None = None) -> list[Split]:
    """Pairs (rows to fit from, rows to score) that treat classes alike, robust to tiny classes.

    Rows are assigned class by class in random order, so each fold has its share of each class and every class of
    two rows or more is in every fit. A class of one row is always fitted from, never scored. Fewer pairs
    come back where there are not enough rows; none where every class has one row.

    ``units`` says whose each row is, text (n,): then the rows of one are never on both sides, classes are shared out as
    evenly as that allows, and what was said of a class of one row holds for one that a single unit has.

    >>> [(len(fit), len(scored)) for fit, scored in make_folds(np.array(list("aaaabbbbc")), 2, seed=0)]
    [(5, 4), (5, 4)]
    >>> labels, units = np.array(list("aaaabbbb")), np.array(list("iijjkkll"))
    >>> [sorted(set(units[scored].tolist())) for _, scored in make_folds(labels, 2, seed=0, units=units)]
    [['j', 'k'], ['i', 'l']]
    """
    if units is not None:
        return [split for split in _deal_units(labels, folds, seed, units) if _learns_all(labels, split)]
    rng = np.random.default_rng(seed)
    _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    shuffled = rng.permutation(len(labels))
    by_class = shuffled[np.argsort(classes[shuffled], kind="stable")]
    dealt = by_class[sizes[classes[by_class]] > 1]
    fold_of = np.full(len(labels), -1)
    fold_of[dealt] = np.arange(len(dealt)) % folds
    used = range(min(folds, len(dealt)))
    return [(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in used]


def _deal_units(labels: Names, folds: int, seed: int, units: Names) -> list[Split]:
    """The pairs that scikit-learn deals to whole units; those that alone have a class are in every fit."""
    owners = [np.unique(units[labels == name]).tolist() for name in np.unique(labels)]
    alone = {own[0] for own in owners if len(own) == 1}
    free = np.flatnonzero(~np.isin(units, sorted(alone)))
    if not len(free):
        return []
    most = int(np.unique(labels[free], return_counts=True)[1].max())
    count = min(folds, len(np.unique(units[free])), most)
    if count < 2:
        first = free[units[free] == units[free[0]]]
        return [(np.setdiff1d(np.arange(len(labels)), first), first)]
    dealer = StratifiedGroupKFold(count, shuffle=True, random_state=seed % 2**32)
    with warnings.catch_warnings():
        # A class with fewer rows than folds is in some of them only: the fits are checked afterwards.
        warnings.simplefilter("ignore")
        held = [free[scored] for _, scored in dealer.split(free, labels[free], units[free])]
    return [(np.setdiff1d(np.arange(len(labels)), scored), scored) for scored in held]


def _learns_all(labels: Names, split: Split) -> bool:
    """Whether every class is fitted from, and something scored."""
    fit_on, held_out = split
    return len(held_out) > 0 and len(np.unique(labels[fit_on])) == len(np.unique(labels))


def calibration_folds(labels: NDArray[np.str_], splits: list[Split], most: int) -> int:
    """How many folds calibrate: as many as the rarest class has rows in the smallest fit, at most ``most``.

    Fewer than two cannot calibrate: a class that has one row is either fitted from or calibrated with.

    >>> calibration_folds(np.array(list("aaaabb")), [(np.arange(6), np.arange(0))], most=3)
    2
    """
    fits = [labels[fit_on] for fit_on, _ in splits] or [labels]
    return min([most, *(int(np.unique(held, return_counts=True)[1].min()) for held in fits)])


def with_calibrated_probabilities(pipeline: Pipeline, method: str, folds: int) -> Pipeline:
    """The unfitted pipeline with its last step calibrated by cross-validation inside (``sigmoid``: Platt 1999;
    ``isotonic``: Zadrozny and Elkan 2002; ``temperature``: Guo et al. 2017).

    One estimator is fitted on every row and only the calibration on out-of-fold answers (``ensemble=False``), so that
    no label is left out of the model, and it stays as small and as fast. Preprocessing stays the pipeline's first step.
    The folds are stratified and in the order of the rows, which in a labeled set is the order of ids: random.
    """
    *before, (name, estimator) = pipeline.steps
    wrapped = CalibratedClassifierCV(clone(estimator), method=method, cv=folds, ensemble=False)
    return Pipeline([*before, (name, wrapped)])
