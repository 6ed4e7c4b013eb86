"""Shares and means of labeled rows with intervals, and the difference of two shares on the same rows.

Intervals are closed forms: a check that blocks is made at levels that need more resamples than a bootstrap can afford,
and a verdict must be the same on every machine. Weights count by the effective number of rows (Kish 1965),
``(sum w)^2 / sum w^2``.

The difference of two shares has the score interval for matched pairs. Source: Tango 1998,
Equivalence test and confidence interval for the difference in proportions for the paired-sample design, Statistics in
Medicine 17. The variance is the one that the difference in question would have, so
rows without any difference do not give certainty: 72 rows without a loss exclude a loss of 5 % at a level of 2.5 %.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betainc
from scipy.stats import beta, binomtest, norm

from tiltyard.schemas.records import Interval


@dataclass(frozen=True, slots=True)
class Share:
    """``right`` of ``cases``; the value and its 95 % interval are none when there was no case."""

    right: int
    cases: int
    value: float | None
    low: float | None
    high: float | None


def wilson_share(right: int, cases: int) -> Share:
    """The share with its 95 % score interval (Wilson 1927).

    >>> one = wilson_share(8, 10)
    >>> one.value, round(one.low, 3), round(one.high, 3)
    (0.8, 0.49, 0.943)
    >>> wilson_share(0, 0).value is None
    True
    """
    if not cases:
        return Share(0, 0, None, None, None)
    interval = binomtest(right, cases).proportion_ci(confidence_level=0.95, method="wilson")
    return Share(right, cases, right / cases, float(interval.low), float(interval.high))


DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class PairedProportions:
    """How many of some rows are hit first only (``more``), and second only (``less``); counts may be effective ones."""

    more: float
    less: float
    rows: float

    @property
    def value(self) -> float:
        """By how much the first share is larger."""
        return (self.more - self.less) / self.rows

    def between(self, level: float) -> Interval:
        """The difference between bounds with one-sided error ``level`` at either end.

        >>> PairedProportions(8, 0, 10).between(0.025)
        Interval(value=0.8, low=0.300441, high=0.943318)
        """
        wide = float(norm.isf(level))
        low = -1.0 if self.value <= -1 else float(brentq(partial(self._beyond, wide), -1.0, self.value))
        high = 1.0 if self.value >= 1 else float(brentq(partial(self._beyond, -wide), self.value, 1.0))
        return rounded_interval(self.value, low, high)

    def chance_of(self, limit: float) -> float:
        """The p-value of a difference this low if the true one is at least ``limit`` (0 or below).

        Never less than by the exact sign test of no difference (Mosteller 1952), which few differing rows need.

        >>> round(PairedProportions(0, 9, 30).chance_of(-0.05), 4), PairedProportions(0, 4, 100).chance_of(0.0)
        (0.0038, 0.0625)
        """
        sign = float(betainc(self.less, self.more + 1, 0.5)) if self.less > 0 else 1.0
        return max(float(norm.cdf(self._score(limit))), sign)

    def _beyond(self, wide: float, difference: float) -> float:
        """The score less the one looked for, within what a root finder can take."""
        return max(min(self._score(difference), 1e6), -1e6) - wide

    def _score(self, difference: float) -> float:
        """How many standard errors the value lies above a difference, if that is the true one."""
        middle = self.more + self.less + (self.more - self.less - 2 * self.rows) * difference
        root = math.sqrt(max(middle**2 + 8 * self.rows * self.less * difference * (1 - difference), 0.0))
        lost = max((middle + root) / (4 * self.rows), 0.0, -difference)
        variance = (2 * lost + difference - difference**2) / self.rows
        above = self.value - difference
        return above / math.sqrt(variance) if variance > 1e-12 else math.copysign(math.inf, above) if above else 0.0


def rounded_interval(value: float, low: float, high: float) -> Interval:
    """An estimate without the last bits, which depend on the machine's linear algebra.

    >>> rounded_interval(0.1 + 0.2, 0.0, 1.0)
    Interval(value=0.3, low=0.0, high=1.0)
    """
    return Interval(round(float(value), DECIMALS), round(float(low), DECIMALS), round(float(high), DECIMALS))


Floats = NDArray[np.float64]


def kish_sample_size(weights: Floats) -> float:
    """How many rows of a plain random sample tell as much.

    >>> kish_sample_size(np.ones(4)), kish_sample_size(np.array([1.0, 0.0]))
    (4.0, 1.0)
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def weighted_share(hits: NDArray[np.bool_], weights: Floats, level: float) -> Interval:
    """The share of rows that are hit, with one-sided error ``level`` at either end; at least one row.

    Exact for equal weights (Clopper and Pearson 1934), else with the effective number of rows (Korn and Graubard 1998).

    >>> weighted_share(np.array([True, False, False, False]), np.ones(4), 0.025)
    Interval(value=0.25, low=0.006309, high=0.80588)
    """
    value, rows = float(weights[hits].sum() / weights.sum()), kish_sample_size(weights)
    right, wrong = value * rows, (1 - value) * rows
    low = 0.0 if right <= 0 else float(beta.ppf(level, right, wrong + 1))
    high = 1.0 if wrong <= 0 else float(beta.ppf(1 - level, right + 1, wrong))
    return rounded_interval(value, low, high)


def paired_proportions(more: NDArray[np.bool_], less: NDArray[np.bool_], weights: Floats) -> PairedProportions:
    """Two shares on the same rows: which rows are hit first and which second, weighted."""
    rows, total = kish_sample_size(weights), weights.sum()
    first, second = (float(weights[hit].sum() / total) * rows for hit in (more & ~less, less & ~more))
    return PairedProportions(first, second, rows)


def paired_difference(more: NDArray[np.bool_], less: NDArray[np.bool_], weights: Floats, level: float) -> Interval:
    """How much larger one share is than another on the same rows, with one-sided error ``level`` at either end."""
    return paired_proportions(more, less, weights).between(level)


def weighted_mean(values: Floats, weights: Floats, level: float) -> Interval:
    """The mean of one number a row, between normal bounds with one-sided error ``level`` at either end.

    >>> weighted_mean(np.array([1.0, 1.0, 3.0, 3.0]), np.ones(4), 0.025)
    Interval(value=2.0, low=0.868414, high=3.131586)
    """
    rows = kish_sample_size(weights)
    mean = float(np.average(values, weights=weights))
    variance = float(np.average((values - mean) ** 2, weights=weights)) * rows / max(rows - 1, 1)
    error = float(norm.isf(level)) * np.sqrt(variance / rows)
    return rounded_interval(mean, mean - error, mean + error)


def interval_to_json(interval: Interval) -> dict[str, float]:
    """An estimate as JSON, for the evidence of a verdict."""
    return {"value": interval.value, "low": interval.low, "high": interval.high}
