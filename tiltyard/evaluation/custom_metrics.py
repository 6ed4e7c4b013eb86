"""A metric of one's own, by import path: ``module:function(labels, decisions, probabilities, class_names) -> float``.

``labels`` and ``decisions`` are text (n,), ``probabilities`` float64 (n, K) with columns in ``class_names``' order. The
function gives NaN where it is undefined. More is better, unless the function has ``greater_is_better = False`` or its
name ends as scikit-learn names losses: ``_loss``, ``_error``; or ``_cost``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.schemas.errors import TrainingError, nearest

Floats = NDArray[np.float64]

LOSS_ENDINGS: Final = ("_loss", "_error", "_cost")
MOST_COPIES: Final = 10
"""Rows that stand for different numbers of rows are repeated, on average at most this often."""

ASKED: Final = "a metric is a function of (labels, decisions, probabilities, class_names) that gives a number"


@dataclass(frozen=True, slots=True)
class CustomMetric:
    """A metric's import path, its function, and whether more of it is better."""

    path: str
    function: Callable[..., Any]
    greater_is_better: bool


def is_custom(metric: str) -> bool:
    """Whether a metric is named by import path.

    >>> is_custom("bank_metrics:profit"), is_custom("accuracy")
    (True, False)
    """
    return ":" in metric


@cache
def load_metric(path: str) -> CustomMetric:
    """The metric at an import path ``module:function``.

    Raises TrainingError where it cannot be imported (naming the nearest function), or does not take four arguments.
    """
    place, _, name = path.partition(":")
    try:
        module = import_module(place)
    except Exception as error:  # a user's module may fail in any way while it is imported
        raise TrainingError(f"metric {path!r}: cannot import {place!r}: {error}") from error
    function = getattr(module, name, None)
    if not callable(function):
        functions = [known for known in dir(module) if not known.startswith("_") and callable(getattr(module, known))]
        raise TrainingError(f"metric {path!r}: {place!r} has no function {name!r}; {nearest(name, functions)}")
    try:
        signature(function).bind(None, None, None, None)
    except TypeError as error:
        raise TrainingError(f"metric {path!r} cannot be called: {error}; {ASKED}") from error
    return CustomMetric(path, function, bool(getattr(function, "greater_is_better", not name.endswith(LOSS_ENDINGS))))


def evaluate_metric(
    path: str,
    labels: NDArray[np.str_],
    decisions: NDArray[np.str_],
    probabilities: Floats,
    class_names: tuple[str, ...],
) -> float:
    """What the function says about n rows; TrainingError where it fails or gives no number."""
    function = load_metric(path).function
    try:
        value = float(function(labels, decisions, probabilities, class_names))
    except Exception as error:  # a user's function may fail in any way
        raise TrainingError(
            f"metric {path!r} failed on {len(labels)} rows: {error}; {ASKED}, NaN where it is undefined"
        ) from error
    return value if np.isfinite(value) else float("nan")


def repeat_rows(weights: Floats) -> NDArray[np.int64]:
    """The rows' positions, each as often as it weighs, for a function that does not take weights; int64.

    Whole weights are kept where they are not too many; others are scaled to ``MOST_COPIES`` copies on average.

    >>> repeat_rows(np.array([2.0, 0.0, 1.0])).tolist()
    [0, 0, 2]
    """
    most = MOST_COPIES * len(weights)
    whole = bool((weights == np.rint(weights)).all()) and weights.sum() <= most
    times = weights if whole else np.rint(weights * most / weights.sum())
    return np.repeat(np.arange(len(weights)), times.astype(np.int64))
