"""Is the challenger better than the champion on the same rows? A paired bootstrap.

Method: percentile bootstrap (Efron and Tibshirani 1993, An Introduction to the Bootstrap, ch. 13). Rows are drawn with
replacement, and each draw scores both models on the same rows, so that what makes rows hard for both cancels out. Rows
were drawn into the evaluation set by chance, hence draws are not stratified: the classes' shares vary as they did.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.project import MetricName
from schemas.records import Interval
from tiltyard.rules.metrics import Answered, Floats, answered, greater_is_better, scores_of
from tiltyard.rules.predictions import Predictions

CELLS: Final = 4_000_000
"""Numbers in one block of resamples: 32 MB."""

DEFINED: Final = 0.95
"""The share of resamples that must be defined for an interval to mean anything."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How resamples are drawn: the two-sided confidence, how many, and from which seed."""

    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """A metric of champion and challenger on the same rows; None where it is undefined.

    ``gain`` is how much better the challenger is: positive is better, for losses too.
    """

    champion: Interval | None
    challenger: Interval | None
    gain: Interval | None


def compare(
    metric: MetricName,
    labels: NDArray[np.str_],
    champion: Predictions,
    challenger: Predictions,
    bootstrap: Bootstrap,
) -> Comparison:
    """The metric of both models and the gain, each with its interval, over n rows answered by both."""
    sides = [answered(labels, predictions) for predictions in (champion, challenger)]
    old, new = _values(metric, sides, bootstrap)
    sign = 1 if greater_is_better(metric) else -1
    return Comparison(
        champion=_interval(old, bootstrap.confidence),
        challenger=_interval(new, bootstrap.confidence),
        gain=_interval(sign * (new - old), bootstrap.confidence),
    )


def estimate(
    metric: MetricName, labels: NDArray[np.str_], predictions: Predictions, bootstrap: Bootstrap
) -> Interval | None:
    """One model's metric with its interval; None where it is undefined."""
    (values,) = _values(metric, [answered(labels, predictions)], bootstrap)
    return _interval(values, bootstrap.confidence)


def _values(metric: MetricName, sides: list[Answered], bootstrap: Bootstrap) -> Floats:
    """The metric of each side on the rows as they are, then on each resample; (sides, 1 + resamples)."""
    rows = len(sides[0].truth)
    blocks = [[scores_of(metric, side, weights) for side in sides] for weights in _weightings(rows, bootstrap)]
    return np.hstack(blocks)


def _weightings(rows: int, bootstrap: Bootstrap) -> Iterator[Floats]:
    """How often each row counts: once each, then as drawn, in blocks (b, n) of bounded size."""
    yield np.ones((1, rows))
    rng = np.random.default_rng(bootstrap.seed)
    size = max(1, CELLS // max(rows, 1))
    for start in range(0, bootstrap.resamples if rows else 0, size):
        draws = min(size, bootstrap.resamples - start)
        drawn = rng.integers(rows, size=(draws, rows))
        # A row at a time stays in the processor's cache.
        yield np.stack([np.bincount(one, minlength=rows) for one in drawn]).astype(np.float64)


def _interval(values: Floats, confidence: float) -> Interval | None:
    """The first value between the quantiles of the others; None where too many of them are undefined."""
    value, draws = values[0], values[1:]
    defined = draws[np.isfinite(draws)]
    if not np.isfinite(value) or len(defined) < DEFINED * len(draws):
        return None
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(value), float(low), float(high))
