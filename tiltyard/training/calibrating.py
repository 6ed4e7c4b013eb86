"""Probabilities brought in line with what comes true, inside the one artefact."""

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline

from tiltyard.training.folds import Split


def calibration_folds(labels: NDArray[np.str_], splits: list[Split], most: int) -> int:
    """How many folds calibrate: as many as the rarest class has rows in the smallest fit, at most ``most``.

    Fewer than two cannot calibrate: a class that has one row is either fitted from or calibrated with.

    >>> calibration_folds(np.array(list("aaaabb")), [(np.arange(6), np.arange(0))], most=3)
    2
    """
    fits = [labels[fit_on] for fit_on, _ in splits] or [labels]
    return min([most, *(int(np.unique(held, return_counts=True)[1].min()) for held in fits)])


def calibrated(pipeline: Pipeline, method: str, folds: int) -> Pipeline:
    """The unfitted pipeline with its last step calibrated by cross-validation inside (``sigmoid``: Platt 1999;
    ``isotonic``: Zadrozny and Elkan 2002; ``temperature``: Guo et al. 2017).

    One estimator is fitted on every row and only the calibration on out-of-fold answers (``ensemble=False``), so that
    no label is left out of the model, and it stays as small and as fast. Preprocessing stays the pipeline's first step.
    The folds are stratified and in the order of the rows, which in a labeled set is the order of ids: by chance.
    """
    *before, (name, estimator) = pipeline.steps
    wrapped = CalibratedClassifierCV(clone(estimator), method=method, cv=folds, ensemble=False)
    return Pipeline([*before, (name, wrapped)])
