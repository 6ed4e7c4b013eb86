"""How good predictions are: eight metrics by name, equal to scikit-learn's, for one or many weightings of the rows.

A ninth may be the project's own, named by import path (:mod:`tiltyard.evaluation.custom_metrics`). A weighting
says how often each row counts. All ones gives the plain metric; a bootstrap resample is the count of each
row in it, so thousands of resamples are a few matrix products. Undefined is NaN, never a warning.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.custom_metrics import evaluate_metric, is_custom, load_metric, repeat_rows
from tiltyard.schemas.errors import TrainingError, nearest
from tiltyard.schemas.project import METRICS, Project
from tiltyard.schemas.records import Interval

if TYPE_CHECKING:  # it brings scikit-learn, which a look at a project's status does not need
    from tiltyard.evaluation.predictions import Predictions

Floats = NDArray[np.float64]

LOSSES: Final[frozenset[str]] = frozenset({"log_loss", "brier"})
TWO_CLASSES: Final[frozenset[str]] = frozenset({"f1", "roc_auc", "average_precision"})
BY_DECISION: Final[frozenset[str]] = frozenset({"accuracy", "balanced_accuracy", "f1", "macro_f1"})
"""The metrics that a decision threshold can change."""


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """Rows whose effective label is known, beside what a model said, as numbers.

    ``truth`` and ``decided`` are positions in the class names (-1: a class the project file does not name). Only a
    metric of one's own needs the ``names``.
    """

    truth: NDArray[np.int64]
    decided: NDArray[np.int64]
    probabilities: Floats
    positive: int
    names: tuple[str, ...] = ()


def greater_is_better(metric: str) -> bool:
    """Whether more of a metric is better; log_loss and brier are losses, a metric of one's own says so itself.

    >>> greater_is_better("accuracy"), greater_is_better("brier")
    (True, False)
    """
    return load_metric(metric).greater_is_better if is_custom(metric) else metric not in LOSSES


def score(metric: str, labels: NDArray[np.str_], predictions: "Predictions") -> float:
    """The value of a metric for n text labels and the predictions of the same rows; NaN where it is undefined.

    Undefined are: every metric on no rows; balanced_accuracy, f1, macro_f1, roc_auc and average_precision where
    the labels hold one class; f1, roc_auc and average_precision where the project has more than two classes.
    macro_f1 and balanced_accuracy average over the classes that the labels hold.
    """
    return float(scores(metric, labels, predictions, np.ones((1, len(labels))))[0])


def scores(metric: str, labels: NDArray[np.str_], predictions: "Predictions", weights: Floats) -> Floats:
    """The value of a metric under each of B weightings of the rows; weights (B, n) -> values (B,)."""
    return score_encoded(metric, encode(labels, predictions), weights)


def score_encoded(metric: str, rows: EncodedRows, weights: Floats) -> Floats:
    """The same for rows that are numbers already."""
    if len(rows.truth) == 0 or (metric in TWO_CLASSES and rows.probabilities.shape[1] != 2):
        return np.full(len(weights), np.nan)
    if is_custom(metric):
        return np.array([_own(metric, rows, row) for row in weights])
    with np.errstate(divide="ignore", invalid="ignore"):
        return RULES[metric](rows, weights)


def _own(metric: str, rows: EncodedRows, weights: Floats) -> float:
    """The value of a metric of one's own under one weighting."""
    chosen = repeat_rows(weights)
    known = np.array([*rows.names, ""])  # a decision that is not a class of the project file becomes the last entry, ""
    labels, decisions = known[rows.truth[chosen]], known[rows.decided[chosen]]
    return evaluate_metric(metric, labels, decisions, rows.probabilities[chosen], rows.names)


def report(labels: NDArray[np.str_], predictions: "Predictions") -> dict[str, float]:
    """Every metric that is defined for these rows, by name."""
    rows, once = encode(labels, predictions), np.ones((1, len(labels)))
    values = {metric: float(score_encoded(metric, rows, once)[0]) for metric in METRICS}
    return {metric: value for metric, value in values.items() if np.isfinite(value)}


def class_codes(names: NDArray[np.str_], class_names: tuple[str, ...]) -> NDArray[np.int64]:
    """The position of each name among the class names, -1 where it is none of them; int64 (n,)."""
    sorted_names = np.argsort(class_names)
    found = np.searchsorted(np.asarray(class_names)[sorted_names], names).clip(max=len(class_names) - 1)
    positions = sorted_names[found]
    return np.where(np.asarray(class_names)[positions] == names, positions, -1)


def encode(labels: NDArray[np.str_], predictions: "Predictions") -> EncodedRows:
    """Labels and predictions as numbers; a label that the project file does not name is refused."""
    names = predictions.class_names
    truth = class_codes(labels, names)
    if (truth < 0).any():
        unknown = str(labels[truth < 0][0])
        raise TrainingError(f"label {unknown!r} is not a class of the project file; {nearest(unknown, names)}")
    decided = class_codes(predictions.decisions, names)
    return EncodedRows(truth, decided, predictions.probabilities, names.index(predictions.positive), names)


def _mean(values: NDArray[Any], weights: Floats) -> Floats:
    """The weighted mean of one value a row."""
    mean: Floats = weights @ values / weights.sum(axis=1)
    return mean


def _accuracy(rows: EncodedRows, weights: Floats) -> Floats:
    """The share of right decisions."""
    return _mean(rows.truth == rows.decided, weights)


def losses(metric: str, rows: EncodedRows) -> Floats:
    """What each row adds to log_loss or brier before the mean is taken; float64 (n,).

    log_loss: -log(probability of the true class), clipped as scikit-learn does. brier: the squared error of the
    probabilities, halved for two classes (Brier 1950).
    """
    if metric == "log_loss":
        epsilon = np.finfo(np.float64).eps
        told = rows.probabilities[np.arange(len(rows.truth)), rows.truth]
        surprise: Floats = -np.log(np.clip(told, epsilon, 1 - epsilon))
        return surprise
    errors = rows.probabilities - np.eye(rows.probabilities.shape[1])[rows.truth]
    scale = 0.5 if errors.shape[1] == 2 else 1.0
    squared: Floats = scale * (errors**2).sum(axis=1)
    return squared


def _log_loss(rows: EncodedRows, weights: Floats) -> Floats:
    """The mean surprise."""
    return _mean(losses("log_loss", rows), weights)


def _brier(rows: EncodedRows, weights: Floats) -> Floats:
    """The mean squared error of the probabilities."""
    return _mean(losses("brier", rows), weights)


def _counts(rows: EncodedRows, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Weight of the true rows, the decided rows and the hits of each class; three times (B, K)."""
    classes = np.arange(rows.probabilities.shape[1])
    true = (rows.truth[:, None] == classes).astype(np.float64)
    decided = (rows.decided[:, None] == classes).astype(np.float64)
    return weights @ true, weights @ decided, weights @ (true * decided)


def _over_true_classes(values: Floats, true: Floats) -> Floats:
    """The mean over the classes that the labels hold, NaN where they hold only one."""
    held = true > 0
    mean = np.where(held, values, 0.0).sum(axis=1) / held.sum(axis=1)
    return np.where(held.sum(axis=1) >= 2, mean, np.nan)


def _balanced_accuracy(rows: EncodedRows, weights: Floats) -> Floats:
    """The mean recall over classes."""
    true, _, hits = _counts(rows, weights)
    return _over_true_classes(hits / true, true)


def _macro_f1(rows: EncodedRows, weights: Floats) -> Floats:
    """The mean F1 over classes."""
    true, decided, hits = _counts(rows, weights)
    return _over_true_classes(2 * hits / (true + decided), true)


def _f1(rows: EncodedRows, weights: Floats) -> Floats:
    """The F1 of the positive class."""
    true, decided, hits = _counts(rows, weights)
    values = (2 * hits / (true + decided))[:, rows.positive]
    return np.where((true > 0).all(axis=1), values, np.nan)


def _by_score(rows: EncodedRows, weights: Floats) -> tuple[Floats, Floats]:
    """Weight of the positive and the negative rows at each distinct probability, highest first; twice (B, G)."""
    told = rows.probabilities[:, rows.positive]
    order = np.argsort(-told, kind="stable")
    starts = np.flatnonzero(np.diff(told[order], prepend=np.inf))
    ordered, positive = weights[:, order], rows.truth[order] == rows.positive
    return np.add.reduceat(ordered * positive, starts, axis=1), np.add.reduceat(ordered * ~positive, starts, axis=1)


def _roc_auc(rows: EncodedRows, weights: Floats) -> Floats:
    """The probability that a positive row stands above a negative one, ties half (Hanley and McNeil 1982)."""
    positive, negative = _by_score(rows, weights)
    above = positive.cumsum(axis=1)
    pairs = (negative * (above - positive / 2)).sum(axis=1)
    area: Floats = pairs / (positive.sum(axis=1) * negative.sum(axis=1))
    return area


def _average_precision(rows: EncodedRows, weights: Floats) -> Floats:
    """The mean precision over the steps of recall."""
    positive, negative = _by_score(rows, weights)
    found, passed = positive.cumsum(axis=1), (positive + negative).cumsum(axis=1)
    precision = np.where(passed > 0, found / passed, 0.0)
    both = (positive.sum(axis=1) > 0) & (negative.sum(axis=1) > 0)
    return np.where(both, (positive * precision).sum(axis=1) / positive.sum(axis=1), np.nan)


RULES: Final[dict[str, Callable[[EncodedRows, Floats], Floats]]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "macro_f1": _macro_f1,
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
    "log_loss": _log_loss,
    "brier": _brier,
}


SHARES: Final = frozenset({"accuracy", "balanced_accuracy", "f1", "macro_f1", "roc_auc", "average_precision"})
"""The metrics between 0 and 1 of which more is better: a hundredth of them is a point."""


def describe_gain(gain: float, metric: str) -> str:
    """How much better (positive is better, for losses too) in words.

    >>> describe_gain(0.0081, "accuracy"), describe_gain(-0.02, "log_loss")
    ('+0.8 points of accuracy', '-0.02 of log_loss')
    """
    return f"{_number(gain, metric)} {_unit(metric)}"


def describe_gain_interval(gain: Interval, metric: str) -> str:
    """The same with its interval.

    >>> describe_gain_interval(Interval(0.008, -0.002, 0.0181), "accuracy")
    '+0.8 points of accuracy (between -0.2 and +1.8)'
    """
    return f"{describe_gain(gain.value, metric)} (between {_number(gain.low, metric)} and {_number(gain.high, metric)})"


def _number(gain: float, metric: str) -> str:
    """The signed number alone; nothing is never negative."""
    text = f"{100 * gain:+.1f}" if metric in SHARES else f"{gain:+.3g}"
    return "+0.0" if text == "-0.0" else text


def _unit(metric: str) -> str:
    """What the number counts."""
    return f"points of {metric}" if metric in SHARES else f"of {metric}"


def row_costs(labels: NDArray[np.str_], predictions: "Predictions", project: Project) -> Floats:
    """What each row's decision costs; 0 where it is right, or where the project file names no cost; float64 (n,)."""
    names = tuple(project.class_names)
    true, decided = class_codes(labels, names), class_codes(predictions.decisions, names)
    return np.asarray(cost_table(project.costs, names)[true, decided], dtype=np.float64)


def cost_table(costs: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> Floats:
    """What each decision costs, by true class (rows) and class decided for; 0 where none is named; float64 (K, K)."""
    return np.array([[costs.get(true, {}).get(decided, 0.0) for decided in names] for true in names])
