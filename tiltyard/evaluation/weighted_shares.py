"""Shares and means over labeled rows that stand for different numbers of rows, with intervals at any level.

Closed forms: a check that blocks is asked at levels that resamples would be too few for, and a verdict must be the same
on every machine. Weights count by the effective number of rows (Kish 1965), ``(sum w)^2 / sum w^2``.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, norm

from tiltyard.evaluation.proportions import MatchedShares, rounded
from tiltyard.schemas.records import Interval

Floats = NDArray[np.float64]


def effective_rows(weights: Floats) -> float:
    """How many rows of a plain random sample tell as much.

    >>> effective_rows(np.ones(4)), effective_rows(np.array([1.0, 0.0]))
    (4.0, 1.0)
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def share_of(hits: NDArray[np.bool_], weights: Floats, level: float) -> Interval:
    """The share of rows that are hit, with one-sided error ``level`` at either end; at least one row.

    Exact for equal weights (Clopper and Pearson 1934), else with the effective number of rows (Korn and Graubard 1998).

    >>> share_of(np.array([True, False, False, False]), np.ones(4), 0.025)
    Interval(value=0.25, low=0.006309, high=0.80588)
    """
    value, rows = float(weights[hits].sum() / weights.sum()), effective_rows(weights)
    right, wrong = value * rows, (1 - value) * rows
    low = 0.0 if right <= 0 else float(beta.ppf(level, right, wrong + 1))
    high = 1.0 if wrong <= 0 else float(beta.ppf(1 - level, right + 1, wrong))
    return rounded(value, low, high)


def matched(more: NDArray[np.bool_], less: NDArray[np.bool_], weights: Floats) -> MatchedShares:
    """Two shares on the same rows: which rows are hit first and which second, weighted."""
    rows, total = effective_rows(weights), weights.sum()
    first, second = (float(weights[hit].sum() / total) * rows for hit in (more & ~less, less & ~more))
    return MatchedShares(first, second, rows)


def excess_of(more: NDArray[np.bool_], less: NDArray[np.bool_], weights: Floats, level: float) -> Interval:
    """How much larger one share is than another on the same rows, with one-sided error ``level`` at either end."""
    return matched(more, less, weights).between(level)


def mean_of(values: Floats, weights: Floats, level: float) -> Interval:
    """The mean of one number a row, between normal bounds with one-sided error ``level`` at either end.

    >>> mean_of(np.array([1.0, 1.0, 3.0, 3.0]), np.ones(4), 0.025)
    Interval(value=2.0, low=0.868414, high=3.131586)
    """
    rows = effective_rows(weights)
    mean = float(np.average(values, weights=weights))
    variance = float(np.average((values - mean) ** 2, weights=weights)) * rows / max(rows - 1, 1)
    error = float(norm.isf(level)) * np.sqrt(variance / rows)
    return rounded(mean, mean - error, mean + error)


def told(interval: Interval) -> dict[str, float]:
    """An estimate as it stands in the evidence."""
    return {"value": interval.value, "low": interval.low, "high": interval.high}
