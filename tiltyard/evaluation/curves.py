"""One model's answers as curves: how well it ranks, what each threshold would decide, whether its probabilities hold.

A row may stand for several (``weights`` (n,)). With two classes everything is about the positive one. With more, ROC
and precision-recall count every pair of row and class (micro-average, as scikit-learn names it), and probabilities are
those of the class that was decided for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from tiltyard.evaluation.metrics import BY_DECISION, EncodedRows, Floats, cost_table, score_encoded

CUTS: Final = tuple(percent / 100 for percent in range(1, 100))
BINS: Final = 8
MOST_POINTS: Final = 160
"""Points of a drawn curve: more than a screen can show apart."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points from left to right, float64 (m,) each; ``area`` under them where that says something."""

    x: Floats
    y: Floats
    area: float | None = None


@dataclass(frozen=True, slots=True)
class Bins:
    """Rows with similar probabilities: mean probability, observed frequency and number of rows; (b,) each."""

    told: Floats
    came: Floats
    rows: Floats


def roc(rows: EncodedRows, weights: Floats) -> Curve | None:
    """False positives against true positives; None where the labels hold one class only."""
    hit, told, each = _pairs(rows, weights)
    if _one_sided(hit):
        return None
    false, true, _ = roc_curve(hit, told, sample_weight=each)
    return Curve(*_thinned(false, true), area=float(np.trapezoid(true, false)))


def precision_recall(rows: EncodedRows, weights: Floats) -> Curve | None:
    """Recall against precision with the average precision as its area; None where the labels hold one class only."""
    hit, told, each = _pairs(rows, weights)
    if _one_sided(hit):
        return None
    precision, recall, _ = precision_recall_curve(hit, told, sample_weight=each)
    area = float(-np.sum(np.diff(recall) * precision[:-1]))
    return Curve(*_thinned(recall[::-1], precision[::-1]), area=area)


def confusion(rows: EncodedRows, weights: Floats) -> Floats:
    """How many rows of each true class (rows of the matrix) were decided for each class; float64 (K, K)."""
    classes = np.arange(rows.probabilities.shape[1])
    if len(rows.truth) == 0:
        return np.zeros((len(classes), len(classes)))
    table: Floats = confusion_matrix(rows.truth, rows.decided, labels=classes, sample_weight=weights).astype(np.float64)
    return table


def calibration(rows: EncodedRows, weights: Floats) -> Bins:
    """Mean probability against observed frequency, in bins with about equally many rows."""
    told, came = _sureness(rows)
    edges = np.unique(np.quantile(told, np.linspace(0, 1, BINS + 1))) if len(told) else np.zeros(0)
    place = np.searchsorted(edges[1:-1], told, side="right")
    mass = np.bincount(place, weights).astype(np.float64)
    filled = mass > 0
    means = [np.bincount(place, weights * values, len(mass))[filled] / mass[filled] for values in (told, came)]
    return Bins(means[0], means[1], mass[filled])


def metric_by_threshold(metric: str, rows: EncodedRows, weights: Floats) -> Curve | None:
    """A metric of two classes at each threshold of the positive one, None for more classes or where it is undefined."""
    if rows.probabilities.shape[1] != 2:
        return None
    shown = metric if metric in BY_DECISION else "accuracy"
    values = [float(score_encoded(shown, _cut(rows, cut), weights[None, :])[0]) for cut in CUTS]
    return Curve(np.array(CUTS), np.array(values)) if np.isfinite(values).all() else None


def cost_by_threshold(
    costs: Mapping[str, Mapping[str, float]], names: tuple[str, ...], rows: EncodedRows, weights: Floats
) -> Curve | None:
    """The mean cost of a decision at each threshold for the positive class; None without costs or with more classes."""
    if not costs or len(names) != 2 or len(rows.truth) == 0:
        return None
    table = cost_table(costs, names)
    values = [np.average(table[rows.truth, _cut(rows, cut).decided], weights=weights) for cut in CUTS]
    return Curve(np.array(CUTS), np.array(values))


def accuracy_by_coverage(rows: EncodedRows, weights: Floats) -> Curve | None:
    """Of the surest share of the decisions (x), the share that is right (y); None without rows."""
    if len(rows.truth) == 0:
        return None
    told, right = _decided_for(rows)
    order = np.argsort(-told, kind="stable")
    mass = np.cumsum(weights[order])
    return Curve(*_thinned(mass / mass[-1], np.cumsum((weights * right)[order]) / mass))


def _pairs(rows: EncodedRows, weights: Floats) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Whether, how surely and with which weight each row, or pair of row and class, was to be found."""
    classes = rows.probabilities.shape[1]
    if classes == 2:
        return rows.truth == rows.positive, rows.probabilities[:, rows.positive], weights
    hit = rows.truth[:, None] == np.arange(classes)
    return hit.ravel(), rows.probabilities.ravel(), np.repeat(weights, classes)


def _one_sided(hit: NDArray[np.bool_]) -> bool:
    """Whether all are of one kind, so that nothing can be ranked."""
    return bool(hit.all() or not hit.any())


def _sureness(rows: EncodedRows) -> tuple[Floats, Floats]:
    """The probability and whether it came true: of the positive class, or of the decision (3 or more classes)."""
    if rows.probabilities.shape[1] == 2:
        return rows.probabilities[:, rows.positive], (rows.truth == rows.positive).astype(np.float64)
    return _decided_for(rows)


def _decided_for(rows: EncodedRows) -> tuple[Floats, Floats]:
    """The probability of the class that was decided for, and whether it was right."""
    told = rows.probabilities[np.arange(len(rows.truth)), rows.decided]
    return told, (rows.truth == rows.decided).astype(np.float64)


def _cut(rows: EncodedRows, cut: float) -> EncodedRows:
    """The same answers, decided for the positive class from a threshold on."""
    sure = rows.probabilities[:, rows.positive] >= cut
    return EncodedRows(rows.truth, np.where(sure, rows.positive, 1 - rows.positive), rows.probabilities, rows.positive)


def _thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """At most ``MOST_POINTS`` of the points, even along the line that they make, the first and the last among them."""
    if len(x) <= MOST_POINTS:
        return x, y
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    wanted = np.linspace(0, way[-1], MOST_POINTS - 1)
    keep = np.unique(np.append(np.searchsorted(way, wanted), len(x) - 1).clip(max=len(x) - 1))
    return x[keep], y[keep]
