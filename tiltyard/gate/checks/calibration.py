"""Do probabilities come true? The expected calibration error, with its interval, and the parts of the Brier score.

Of each row the likeliest class and its probability are taken; over rows of like probability, the share where that class
is right should be that probability (Guo, Pleiss, Sun and Weinberger 2017, On calibration of modern neural networks).
Bins hold equally many rows, ``ROWS`` at least and ``BINS`` bins at most. A gap of nothing but chance is above zero, the
more so the fewer rows a bin has; what chance adds is taken off in each bin, as the mean of a folded normal
distribution says it (after Kumar, Liang and Ma 2019, Verified uncertainty calibration). The interval is the
bootstrap's standard interval (Efron and Tibshirani 1993, ch. 13), since percentiles would count that chance twice.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from tiltyard.evaluation.metrics import class_codes
from tiltyard.evaluation.predictions import Predictions
from tiltyard.evaluation.proportions import rounded_interval
from tiltyard.gate.inputs import CheckContext, CheckResults, harm_level
from tiltyard.schemas.project import Calibration, Project
from tiltyard.schemas.records import Check, Interval, Outcome

BINS: Final = 10
ROWS: Final = 20
DRAWS: Final = 400
"""Resamples behind a standard error: more change its third digit."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReliabilityBins:
    """n rows' probability of the likeliest class, whether it was right (0 or 1), and the rows' bins as (n, bins)."""

    sure: Floats
    right: Floats
    bins: Floats

    @property
    def rows(self) -> tuple[Floats, Floats, Floats]:
        """What is summed over a bin: how many rows, what they promised, what came true."""
        return np.ones_like(self.sure), self.sure, self.right


def calibration(examined: CheckContext, project: Project) -> CheckResults:
    """Whether the challenger promises more than it keeps, in itself and beside the champion.

    The value that is limited counts only probabilities that are too high, unless the project file counts both sides.
    ``told["calibration"]``: both models' errors, their bins and the parts of their Brier scores.
    """
    limits, level = project.gate.calibration, harm_level(project.gate)
    new = reliability_bins(examined.labels, examined.challenger.predictions)
    old = reliability_bins(examined.labels, examined.champion.predictions) if examined.champion else None
    weights = examined.resampled_weights(DRAWS)
    both = limits.counted == "both"
    errors = calibration_errors(new, weights, both=both)
    checks, told = [], {"counted": limits.counted, "challenger": _side(errors, new, examined.weights, level)}
    if limits.most_error is not None:
        checks.append(_error_check(_between(errors, level), limits))
    if old is not None:
        others = calibration_errors(old, weights, both=both)
        told["champion"] = _side(others, old, examined.weights, level)
        if limits.most_worse is not None:
            checks.append(_worse_check(errors, others, level, limits))
    return CheckResults(tuple(checks), {"calibration": told})


def reliability_bins(labels: NDArray[np.str_], predictions: Predictions) -> ReliabilityBins:
    """What a model promised of n rows: bins of equally many rows, equal probabilities never apart."""
    sure = predictions.probabilities.max(axis=1)
    right = class_codes(labels, predictions.class_names) == predictions.probabilities.argmax(axis=1)
    number = max(1, min(BINS, len(sure) // ROWS))
    edges = np.unique(np.quantile(sure, np.linspace(0, 1, number + 1)[1:-1])) if len(sure) else np.zeros(0)
    bins = np.searchsorted(edges, sure, side="left")
    return ReliabilityBins(sure, right.astype(np.float64), (bins[:, None] == np.unique(bins)).astype(np.float64))


def calibration_errors(told: ReliabilityBins, weights: Floats, *, both: bool) -> Floats:
    """The calibration error under each of B weightings of the rows; weights (B, n) -> errors (B,).

    Not below 0. ``both`` counts gaps of either sign, else only those where the promise is the larger.
    """
    total, sure, right = (weights @ (told.bins * row[:, None]) for row in told.rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = total**2 / (weights**2 @ told.bins)
        gap, share = (sure - right) / total, (right / total * effective + 1) / (effective + 2)
        error = np.sqrt(share * (1 - share) / effective)
        size = np.abs(gap) - _chance(gap, error) if both else np.maximum(gap, 0) - _chance_above(gap, error)
        errors = np.nansum(total * size, axis=1) / total.sum(axis=1)
    return np.asarray(np.maximum(errors, 0.0), dtype=np.float64)


def _chance(gap: Floats, error: Floats) -> Floats:
    """How much larger than its size a gap looks on average: the mean of a folded normal distribution, less the gap."""
    above = _chance_above(gap, error)
    return np.asarray(above + _chance_above(-gap, error), dtype=np.float64)


def _chance_above(gap: Floats, error: Floats) -> Floats:
    """How much larger the positive part of a gap looks on average than it is."""
    looks = gap * norm.cdf(gap / error) + error * norm.pdf(gap / error)
    return np.asarray(looks - np.maximum(gap, 0), dtype=np.float64)


def _between(errors: Floats, level: float) -> Interval:
    """The first error between bounds as wide as the spread of the others asks."""
    wide = float(norm.isf(level)) * float(np.std(errors[1:]))
    return rounded_interval(errors[0], errors[0] - wide, errors[0] + wide)


def _error_check(error: Interval, limits: Calibration) -> Check:
    """Whether the challenger is shown to promise too much."""
    limit = limits.most_error or 0.0
    outcome: Outcome = "fail" if error.low > limit else "pass"
    why = f"its probabilities are {_off(limits)} by {error.value:.1%} on average, {_shown(outcome)} {limit:.0%}"
    return Check("calibration", outcome, error.value, limit, why, max(error.low, 0.0), error.high)


def _worse_check(errors: Floats, others: Floats, level: float, limits: Calibration) -> Check:
    """Whether the challenger is shown to be further off than the champion."""
    worse, limit = _between(errors - others, level), limits.most_worse or 0.0
    outcome: Outcome = "fail" if worse.low > limit else "pass"
    why = (
        f"its probabilities are {_off(limits)} by {errors[0]:.1%} on average, the champion's by {others[0]:.1%}; "
        f"{_shown(outcome)} {limit:.0%} more"
    )
    return Check("calibration against champion", outcome, worse.value, limit, why, worse.low, worse.high)


def _off(limits: Calibration) -> str:
    """What is counted, in words."""
    return "too high" if limits.counted == "overconfidence" else "off"


def _shown(outcome: Outcome) -> str:
    """The outcome in words, before its limit."""
    return "which is shown to be more than" if outcome == "fail" else "not shown to be more than"


def _side(errors: Floats, told: ReliabilityBins, weights: Floats, level: float) -> dict[str, Any]:
    """One model's error, the bins behind it and the parts of its Brier score, as JSON."""
    error = _between(errors, level)
    return {
        "error": error.value,
        "low": max(error.low, 0.0),
        "high": error.high,
        "bins": _bins(told, weights),
        "brier": brier_parts(told, weights),
    }


def _bins(told: ReliabilityBins, weights: Floats) -> list[dict[str, float]]:
    """Each bin's rows, mean probability and share of right answers."""
    _, sure, right = _means(told, weights)
    rows = told.bins.sum(axis=0).astype(int).tolist()
    named = zip(rows, sure.round(6).tolist(), right.round(6).tolist(), strict=True)
    return [{"rows": count, "promised": promised, "came_true": true} for count, promised, true in named]


def brier_parts(told: ReliabilityBins, weights: Floats) -> dict[str, float]:
    """The Brier score of "the likeliest class is right" and its parts (Murphy 1973); the rest is spread within bins.

    ``score = reliability - resolution + uncertainty + within``: reliability is better the smaller, resolution the
    larger.
    """
    shares, sure, right = _means(told, weights)
    overall = float(np.average(told.right, weights=weights))
    parts = {
        "score": float(np.average((told.sure - told.right) ** 2, weights=weights)),
        "reliability": float(shares @ (sure - right) ** 2),
        "resolution": float(shares @ (right - overall) ** 2),
        "uncertainty": overall * (1 - overall),
    }
    parts["within"] = parts["score"] - parts["reliability"] + parts["resolution"] - parts["uncertainty"]
    return {name: round(value, 6) + 0.0 for name, value in parts.items()}


def _means(told: ReliabilityBins, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Each bin's share of the rows, mean probability and share of right answers."""
    total, sure, right = (weights @ (told.bins * row[:, None]) for row in told.rows)
    return total / weights.sum(), sure / total, right / total
