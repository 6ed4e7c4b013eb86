"""The cut-off of a two-class model: how sure of the positive class it must be to decide for it."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier

from tiltyard.rules.metrics import BY_DECISION, Answered, answered, scores_of
from tiltyard.rules.predictions import Predictions

CUTS: Final = tuple(hundredth / 100 for hundredth in range(2, 99, 2))
EVEN: Final = 0.5


def can_search(metric: str, predictions: Predictions) -> bool:
    """Whether a cut-off can change this metric here: two classes, and a metric of decisions."""
    return metric in BY_DECISION and len(predictions.class_names) == 2


def best_threshold(metric: str, labels: list[NDArray[np.str_]], predictions: list[Predictions]) -> float:
    """The cut-off for the positive class, searched on out-of-fold predictions (one entry a fold).

    The mean of the metric over folds decides. Of all cuts within one standard error of the best, the one
    nearest to 0.5 is taken (the one-standard-error rule of Breiman et al. 1984): on few labels the best cut is
    mostly noise.
    """
    values = np.array([_curve(metric, *fold) for fold in zip(labels, predictions, strict=True)])
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) == 0:
        return EVEN
    means = values.mean(axis=0)
    best = int(means.argmax())
    error = values[:, best].std() / np.sqrt(len(values))
    good = [cut for cut, mean in zip(CUTS, means, strict=True) if mean >= means[best] - error]
    return min(good, key=lambda cut: (abs(cut - EVEN), cut))


def decided_at(threshold: float, predictions: Predictions) -> Predictions:
    """The same probabilities, decided for the positive class where it reaches the cut-off."""
    names = predictions.class_names
    (other,) = [name for name in names if name != predictions.positive]
    sure = predictions.probabilities[:, names.index(predictions.positive)] >= threshold
    decisions = np.where(sure, predictions.positive, other)
    return Predictions(predictions.probabilities, decisions, names, predictions.positive)


def with_threshold(model: Any, threshold: float | None, positive: str) -> Any:
    """One artefact that decides at the cut-off: the fitted model itself where there is none or it is even."""
    if threshold is None or threshold == EVEN:
        return model
    cut = FixedThresholdClassifier(
        FrozenEstimator(model), threshold=threshold, pos_label=positive, response_method="predict_proba"
    )
    # A frozen model is not fitted again; this only sets the wrapper's own bookkeeping.
    return cut.fit(np.zeros((2, 1)), model.classes_)


def _curve(metric: str, labels: NDArray[np.str_], predictions: Predictions) -> NDArray[np.float64]:
    """The metric at every cut; a table of truth against decision is a weighting of its four cells."""
    rows = answered(labels, predictions)
    true = rows.truth == rows.positive
    passed = np.searchsorted(CUTS, rows.probabilities[:, rows.positive], side="right")
    cells = [_still_above(passed[true]), _still_above(passed[~true])]
    weights = np.column_stack([cells[0], true.sum() - cells[0], cells[1], (~true).sum() - cells[1]])
    yes, no = rows.positive, 1 - rows.positive
    table = Answered(np.array([yes, yes, no, no]), np.array([yes, no, yes, no]), np.zeros((4, 2)), yes)
    return scores_of(metric, table, weights.astype(np.float64))


def _still_above(passed: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many rows reach each cut, from how many cuts each row reaches."""
    per_cut = np.bincount(passed, minlength=len(CUTS) + 1)
    return len(passed) - per_cut.cumsum()[:-1]
