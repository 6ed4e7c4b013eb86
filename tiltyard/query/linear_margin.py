"""Margins of a linear model straight from its logits: which rows can still be among the least certain."""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

SLACK: Final = 1e-5
"""More than float32 arithmetic on exact logits can be wrong by (about 5e-7, measured and tested)."""


def rows_below_margin(model: Any, X: Any, bound: float) -> NDArray[np.intp] | None:
    """The positions of the rows whose margin may be at most ``bound``: all that are, and very few others.

    Nothing if the model is not a plain logistic regression over an array of numbers; then every row must be
    scored. Never misses a row, so exact scores of these rows alone give the exact choice at a third of the work.
    """
    model, X = _linear_part(model, X)
    if type(model) is not LogisticRegression or not isinstance(X, np.ndarray) or X.ndim != 2:
        return None
    # Not "<=": a row with gaps must reach the exact scoring, which refuses it.
    return np.flatnonzero(~(approximate_margins(model, X) > bound + SLACK))


def _linear_part(model: Any, X: Any) -> tuple[Any, Any]:
    """The last step of a pipeline that ends in a logistic regression, and what its other steps make of ``X``."""
    while isinstance(model, FixedThresholdClassifier | FrozenEstimator):
        model = model.estimator_ if isinstance(model, FixedThresholdClassifier) else model.estimator
    if isinstance(model, Pipeline) and type(model[-1]) is LogisticRegression:
        model, X = model[-1], model[:-1].transform(X)
    return model, X.to_numpy() if isinstance(X, pd.DataFrame) else X


def approximate_margins(model: LogisticRegression, X: NDArray[Any]) -> NDArray[np.float32]:
    """The difference of the two highest class probabilities of each row (float32, to about 5e-7).

    With logits ``z`` sorted downwards it is ``(1 - exp(z2 - z1)) / sum(exp(z - z1))``: one matrix product, one
    exponential, no table of probabilities. The logits are exact, so features of any size do no harm. Classes are
    rows here, so that every step runs along memory.
    """
    logits = model.coef_ @ X.T
    logits += model.intercept_[:, None]
    if len(logits) == 1:
        return np.asarray(np.tanh(_as_float32(np.abs(logits[0])) / 2))
    logits -= logits.max(axis=0)
    shares = _as_float32(logits)
    np.exp(shares, out=shares)
    first, second = shares[0].copy(), np.zeros(shares.shape[1], dtype=np.float32)
    for row in shares[1:]:
        np.maximum(second, np.minimum(first, row), out=second)
        np.maximum(first, row, out=first)
    return np.asarray((first - second) / shares.sum(axis=0))


def _as_float32(logits: NDArray[np.float64]) -> NDArray[np.float32]:
    """The logits as float32; one beyond its range is infinite there, which says the same."""
    with np.errstate(over="ignore"):
        return logits.astype(np.float32)
