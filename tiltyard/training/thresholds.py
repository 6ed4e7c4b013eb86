"""The threshold of a two-class model: how sure of the positive class it must be to decide for it."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier

from tiltyard.evaluation.metrics import BY_DECISION, EncodedRows, encode, score_encoded
from tiltyard.evaluation.predictions import Predictions

CUTS: Final = tuple(hundredth / 100 for hundredth in range(2, 99, 2))
EVEN: Final = 0.5


def has_searchable_threshold(metric: str, predictions: Predictions) -> bool:
    """Whether a threshold can change this metric here: two classes, and a metric of decisions."""
    return metric in BY_DECISION and len(predictions.class_names) == 2


def best_threshold(metric: str, labels: list[NDArray[np.str_]], predictions: list[Predictions]) -> float:
    """The threshold for the positive class, searched on out-of-fold predictions (one entry a fold).

    The mean of the metric over folds decides. Of all cuts within one standard error of the best, the one
    nearest to 0.5 is taken (the one-standard-error rule of Breiman et al. 1984): on few labels the best cut is
    mostly noise.
    """
    values = np.array([_curve(metric, *fold) for fold in zip(labels, predictions, strict=True)])
    values = values[np.isfinite(values).all(axis=1)]
    return _nearest_good(values, CUTS, EVEN)


def cheapest_threshold(
    costs: Mapping[str, Mapping[str, float]], labels: list[NDArray[np.str_]], predictions: list[Predictions]
) -> float:
    """The threshold whose decisions cost least on out-of-fold predictions of two classes (one entry a fold).

    ``costs[true][decided]`` is what a mistake costs, both above 0. Of all cuts whose mean cost over folds is within one
    standard error of the cheapest, the one nearest to :func:`cost_optimal_threshold` is
    taken: few labels leave it to theory.
    """
    told = predictions[0]
    (other,) = [name for name in told.class_names if name != told.positive]
    missed, alarmed = costs[told.positive][other], costs[other][told.positive]
    right = cost_optimal_threshold(missed, alarmed)
    cuts = tuple(sorted({*CUTS, right}))
    values = [_costs(cuts, fold, said, missed, alarmed) for fold, said in zip(labels, predictions, strict=True)]
    return _nearest_good(-np.array(values), cuts, right)


def cost_optimal_threshold(missed: float, alarmed: float) -> float:
    """The threshold that costs least where probabilities are right: a missed positive row costs ``missed``, a negative
    row that is taken for one ``alarmed`` (Elkan 2001, The foundations of cost-sensitive learning, IJCAI).

    >>> cost_optimal_threshold(missed=9, alarmed=1)
    0.1
    """
    return alarmed / (missed + alarmed)


def _nearest_good(values: NDArray[np.float64], cuts: tuple[float, ...], wanted: float) -> float:
    """Of the cuts within one standard error of the best, the nearest to the one wanted; ``values`` is (folds, cuts)."""
    if len(values) == 0:
        return wanted
    means = values.mean(axis=0)
    best = int(means.argmax())
    error = values[:, best].std() / np.sqrt(len(values))
    good = [cut for cut, mean in zip(cuts, means, strict=True) if mean >= means[best] - error]
    return min(good, key=lambda cut: (abs(cut - wanted), cut))


def _costs(
    cuts: tuple[float, ...], labels: NDArray[np.str_], predictions: Predictions, missed: float, alarmed: float
) -> NDArray[np.float64]:
    """The mean cost of a decision at each cut."""
    rows = encode(labels, predictions)
    true = rows.truth == rows.positive
    reached = rows.probabilities[:, rows.positive][:, None] >= np.array(cuts)
    spent: NDArray[np.float64] = np.where(true[:, None], ~reached * missed, reached * alarmed).mean(axis=0)
    return spent


def apply_threshold(threshold: float, predictions: Predictions) -> Predictions:
    """The same probabilities, decided for the positive class where it reaches the threshold."""
    names = predictions.class_names
    (other,) = [name for name in names if name != predictions.positive]
    sure = predictions.probabilities[:, names.index(predictions.positive)] >= threshold
    decisions = np.where(sure, predictions.positive, other)
    return Predictions(predictions.probabilities, decisions, names, predictions.positive)


def with_threshold(model: Any, threshold: float | None, positive: str) -> Any:
    """One artefact that decides at the threshold: the fitted model itself where there is none or it is even."""
    if threshold is None or threshold == EVEN:
        return model
    cut = FixedThresholdClassifier(
        FrozenEstimator(model), threshold=threshold, pos_label=positive, response_method="predict_proba"
    )
    # A frozen model is not fitted again; this only sets the wrapper's own bookkeeping.
    return cut.fit(np.zeros((2, 1)), model.classes_)


def _curve(metric: str, labels: NDArray[np.str_], predictions: Predictions) -> NDArray[np.float64]:
    """The metric at every cut; a table of truth against decision is a weighting of its four cells."""
    rows = encode(labels, predictions)
    true = rows.truth == rows.positive
    passed = np.searchsorted(CUTS, rows.probabilities[:, rows.positive], side="right")
    cells = [_still_above(passed[true]), _still_above(passed[~true])]
    weights = np.column_stack([cells[0], true.sum() - cells[0], cells[1], (~true).sum() - cells[1]])
    yes, no = rows.positive, 1 - rows.positive
    table = EncodedRows(np.array([yes, yes, no, no]), np.array([yes, no, yes, no]), np.zeros((4, 2)), yes)
    return score_encoded(metric, table, weights.astype(np.float64))


def _still_above(passed: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many rows reach each cut, from how many cuts each row reaches."""
    per_cut = np.bincount(passed, minlength=len(CUTS) + 1)
    return len(passed) - per_cut.cumsum()[:-1]
