"""How much each row carries of a metric: its influence, the derivative of the metric by the row's weight.

Source: the infinitesimal jackknife (Jaeckel 1972; Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans,
ch. 6). A gain that rests on few rows is known less well than its standard error says; the influences tell how few.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.custom_metrics import is_custom
from tiltyard.evaluation.metrics import EncodedRows, losses, score_encoded

Floats = NDArray[np.float64]

MOST_LEFT_OUT: Final = 500
"""The maximum number of rows left out in turn for a custom metric; they represent the others."""


def effective_sample_size(contributions: Floats) -> float:
    """How many rows a sum of contributions rests on; 0.0 where nothing contributes.

    It is the squared sum of squares over the sum of fourth powers: n for n equal contributions, m where m of n rows
    contribute alike and the others nothing, so about the number of rows where two models' decisions differ. Twice it
    are the degrees of freedom of a variance by Satterthwaite (1946), when the mean is small beside the spread.

    >>> effective_sample_size(np.array([1.0, -1.0, 1.0, 0.0, 0.0, 0.0]))
    3.0
    """
    squares = np.square(contributions, dtype=np.float64)
    fourth = float((squares**2).sum())
    return float(squares.sum() ** 2 / fourth) if fourth > 0 else 0.0


def influences(metric: str, rows: EncodedRows, weights: Floats) -> Floats:
    """The derivative of a metric by each row's weight, times all weight; float64 (n,), their weighted mean is 0.

    A metric of one's own has no formula: its rows are left out in turn (the jackknife), the first ``MOST_LEFT_OUT`` of
    them. NaN where the metric is undefined. ``weights`` is (n,).
    """
    value = score_encoded(metric, rows, weights[None, :])[0]
    if not np.isfinite(value):
        return np.full(len(weights), np.nan)
    if is_custom(metric):
        return np.resize(_left_out(metric, rows, weights, float(value)), len(weights))
    by_row: Floats = RULES[metric](rows, weights) * weights.sum()
    return by_row


def _left_out(metric: str, rows: EncodedRows, weights: Floats, value: float) -> Floats:
    """What a metric loses without each of the first rows, by its share of the weight; 0 where it is undefined then."""
    count = min(len(weights), MOST_LEFT_OUT)
    without = np.tile(weights, (count, 1))
    without[np.arange(count), np.arange(count)] = 0
    lost: Floats = (value - score_encoded(metric, rows, without)) * weights.sum() / weights[:count]
    return np.nan_to_num(lost)


def _of_a_mean(values: Floats, weights: Floats) -> Floats:
    """The derivative of a weighted mean of one value a row."""
    total = weights.sum()
    derivative: Floats = (values - weights @ values / total) / total
    return derivative


def _of_recalls(rows: EncodedRows, weights: Floats) -> Floats:
    """The derivative of the mean recall."""
    classes, hit = rows.probabilities.shape[1], (rows.truth == rows.decided).astype(np.float64)
    true = np.bincount(rows.truth, weights, classes)
    recall = np.bincount(rows.truth, weights * hit, classes) / np.where(true > 0, true, 1)
    derivative: Floats = (hit - recall[rows.truth]) / true[rows.truth] / (true > 0).sum()
    return derivative


def _of_f1(rows: EncodedRows, weights: Floats, averaged: Floats) -> Floats:
    """The derivative of a mean of F1 over classes; ``averaged`` (K,) is each class's share in the mean."""
    classes = len(averaged)
    known = rows.decided >= 0
    decided, hit = np.where(known, rows.decided, 0), (rows.truth == rows.decided).astype(np.float64)
    both = np.bincount(rows.truth, weights, classes) + np.bincount(decided, weights * known, classes)
    value = 2 * np.bincount(rows.truth, weights * hit, classes) / np.where(both > 0, both, 1)
    share = averaged / np.where(both > 0, both, 1)
    by_truth, by_decision = (2 * hit - value[rows.truth]) * share[rows.truth], value[decided] * share[decided] * known
    derivative: Floats = by_truth - by_decision
    return derivative


def _of_macro_f1(rows: EncodedRows, weights: Floats) -> Floats:
    """The derivative of the mean F1 over the classes that the labels hold."""
    held = np.bincount(rows.truth, weights, rows.probabilities.shape[1]) > 0
    return _of_f1(rows, weights, held / held.sum())


def _of_positive_f1(rows: EncodedRows, weights: Floats) -> Floats:
    """The derivative of the F1 of the positive class."""
    return _of_f1(rows, weights, np.eye(rows.probabilities.shape[1])[rows.positive])


def _groups(rows: EncodedRows, weights: Floats) -> tuple[NDArray[np.bool_], NDArray[np.int64], Floats, Floats]:
    """Which rows are positive, the place of each row's probability (highest first), both classes' weight by place."""
    positive = rows.truth == rows.positive
    distinct, place = np.unique(-rows.probabilities[:, rows.positive], return_inverse=True)
    held: Floats = np.bincount(place, weights * positive, len(distinct)).astype(np.float64)
    other: Floats = np.bincount(place, weights * ~positive, len(distinct)).astype(np.float64)
    return positive, place.astype(np.int64), held, other


def _of_roc_auc(rows: EncodedRows, weights: Floats) -> Floats:
    """The derivative of the area: a row's share of rows of the other class on the right side (DeLong 1988)."""
    positive, place, held, other = _groups(rows, weights)
    below, above = other.sum() - other.cumsum() + other / 2, held.cumsum() - held / 2
    area = float((held * below).sum() / (held.sum() * other.sum()))
    of_positive = (below[place] / other.sum() - area) / held.sum()
    of_negative = (above[place] / held.sum() - area) / other.sum()
    derivative: Floats = np.where(positive, of_positive, of_negative)
    return derivative


def _of_average_precision(rows: EncodedRows, weights: Floats) -> Floats:
    """The derivative of the mean precision over the steps of recall."""
    positive, place, held, other = _groups(rows, weights)
    found, passed = held.cumsum(), (held + other).cumsum()
    passed = np.where(passed > 0, passed, 1)
    value = float((held * found / passed).sum() / held.sum())
    lost = (held * found / passed**2)[::-1].cumsum()[::-1]
    gained = (held / passed)[::-1].cumsum()[::-1]
    of_positive = (found / passed + gained - lost)[place] - value
    derivative: Floats = np.where(positive, of_positive, -lost[place]) / held.sum()
    return derivative


RULES: Final[dict[str, Callable[[EncodedRows, Floats], Floats]]] = {
    "accuracy": lambda rows, weights: _of_a_mean((rows.truth == rows.decided).astype(np.float64), weights),
    "balanced_accuracy": _of_recalls,
    "f1": _of_positive_f1,
    "macro_f1": _of_macro_f1,
    "roc_auc": _of_roc_auc,
    "average_precision": _of_average_precision,
    "log_loss": lambda rows, weights: _of_a_mean(losses("log_loss", rows), weights),
    "brier": lambda rows, weights: _of_a_mean(losses("brier", rows), weights),
}
