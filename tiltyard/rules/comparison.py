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

from schemas.records import Interval
from tiltyard.rules.metrics import BY_DECISION, Answered, Floats, answered, greater_is_better, scores_of
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
    metric: str,
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


def estimate(metric: str, labels: NDArray[np.str_], predictions: Predictions, bootstrap: Bootstrap) -> Interval | None:
    """One model's metric with its interval; None where it is undefined."""
    (values,) = _values(metric, [answered(labels, predictions)], bootstrap)
    return _interval(values, bootstrap.confidence)


def _values(metric: str, sides: list[Answered], bootstrap: Bootstrap) -> Floats:
    """The metric of each side on the rows as they are, then on each resample; (sides, 1 + resamples)."""
    rows, counts = _merged(sides) if metric in BY_DECISION else (sides, np.ones(len(sides[0].truth), dtype=np.int64))
    blocks = [[scores_of(metric, side, weights) for side in rows] for weights in _weightings(counts, bootstrap)]
    return np.hstack(blocks)


def _merged(sides: list[Answered]) -> tuple[list[Answered], NDArray[np.int64]]:
    """One row for all rows of the same label and the same decisions, and how many they are.

    A metric of decisions cannot tell them apart, so drawing from the few is drawing from the many.
    """
    columns = np.stack([sides[0].truth, *[side.decided for side in sides]])
    kinds, first, counts = np.unique(columns, axis=1, return_index=True, return_counts=True)
    merged = [
        Answered(kinds[0], kinds[1 + number], side.probabilities[first], side.positive)
        for number, side in enumerate(sides)
    ]
    return merged, counts


def _weightings(counts: NDArray[np.int64], bootstrap: Bootstrap) -> Iterator[Floats]:
    """How often each row counts: as it does, then as drawn, in blocks (b, rows) of bounded size."""
    yield counts[None, :].astype(np.float64)
    rng, rows = np.random.default_rng(bootstrap.seed), len(counts)
    size = max(1, CELLS // max(rows, 1))
    for start in range(0, bootstrap.resamples if rows else 0, size):
        yield _drawn(rng, counts, min(size, bootstrap.resamples - start)).astype(np.float64)


def _drawn(rng: np.random.Generator, counts: NDArray[np.int64], draws: int) -> NDArray[np.int64]:
    """How often each row is drawn in each of some resamples; (draws, rows)."""
    total, rows = int(counts.sum()), len(counts)
    if total > rows:
        return rng.multinomial(total, counts / total, size=draws)
    # A resample at a time stays in the processor's cache.
    return np.stack([np.bincount(one, minlength=rows) for one in rng.integers(rows, size=(draws, rows))])


def _interval(values: Floats, confidence: float) -> Interval | None:
    """The first value between the quantiles of the others; None where too many of them are undefined."""
    value, draws = values[0], values[1:]
    defined = draws[np.isfinite(draws)]
    if not np.isfinite(value) or len(defined) < DEFINED * len(draws):
        return None
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(value), float(low), float(high))
