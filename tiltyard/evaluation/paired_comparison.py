"""Is the challenger better than the champion on the same rows? A paired bootstrap and its effective sample size.

Method: the interval is Student's, with the standard error of a paired bootstrap (Efron and Tibshirani 1993, An
Introduction to the Bootstrap, ch. 6 and 12.4) and one degree of freedom less than there are rows that carry the gain
(:func:`~tiltyard.evaluation.influence.effective_sample_size`): a gain that rests on four decisions is known as well as
four rows let it, however many others agree.
A gain in accuracy must also pass the exact sign test of the rows won and lost, of which McNemar's test is an
approximation (McNemar 1947; exact: Mosteller 1952), as an interval by Clopper and Pearson (1934); the wider of the two
intervals counts. Quantiles of resamples promise too much where few decisions differ, and nothing
at strict levels (decision 0031).

Rows are drawn with replacement, and each draw scores both models on the same rows, so that what makes rows hard for
both cancels out. Within a stratum one row less is drawn than there are, which makes the variance unbiased (McCarthy and
Snowden 1985); the strata's sizes are drawn too, because the population is itself a sample. Rows of one entity are drawn
together, and entities counted in place of rows (:mod:`~tiltyard.evaluation.bootstrap`).
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta
from scipy.stats import t as student

from tiltyard.evaluation.bootstrap import (
    cluster_bootstrap,
    count_units,
    counted_row_bootstrap,
    has_single_unit_stratum,
    sum_by_unit,
)
from tiltyard.evaluation.custom_metrics import is_custom
from tiltyard.evaluation.influence import effective_sample_size, influences
from tiltyard.evaluation.metrics import BY_DECISION, EncodedRows, Floats, encode, greater_is_better, score_encoded
from tiltyard.evaluation.predictions import Predictions
from tiltyard.evaluation.strata import Strata, single_stratum, weights_of
from tiltyard.schemas.records import Interval

CELLS: Final = 4_000_000
"""Numbers in one block of resamples: 32 MB."""

DEFINED: Final = 0.95
"""The share of resamples that must be defined for an interval to mean anything."""

OWN_RESAMPLES: Final = 400
"""A metric of one's own is called for each resample; so many are enough for a standard error."""

FEWEST_FREEDOM: Final = 1.0
"""Degrees of freedom where one or two rows carry a gain: about nothing is known."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How resamples are drawn: the two-sided confidence, how many, and from which seed.

    ``units`` (n,) says whose each row is, where the rows of one entity are drawn together and count as one.
    """

    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 0
    units: NDArray[np.str_] | None = None

    @property
    def level(self) -> float:
        """The error on one side."""
        return (1 - self.confidence) / 2


@dataclass(frozen=True, slots=True)
class Comparison:
    """A metric of champion and challenger on the same rows; None where it is undefined.

    ``gain`` is how much better the challenger is: positive is better, for losses too. ``carried_by`` is about how many
    rows the gain rests on, ``error`` its standard error.
    """

    champion: Interval | None
    challenger: Interval | None
    gain: Interval | None
    carried_by: float = 0.0
    error: float = 0.0

    def chance_beyond(self, limit: float) -> float:
        """How probable so large a gain would be, were the true one just the limit (Student's, one-sided); 1.0 where
        nothing is known."""
        if self.gain is None or self.error == 0:
            return 1.0
        return float(student.sf((self.gain.value - limit) / self.error, degrees_of_freedom(self.carried_by)))


def degrees_of_freedom(carried_by: float) -> float:
    """The degrees of freedom of a gain with this effective sample size."""
    return max(carried_by - 1, FEWEST_FREEDOM)


def compare(
    metric: str,
    labels: NDArray[np.str_],
    champion: Predictions,
    challenger: Predictions,
    bootstrap: Bootstrap,
    strata: Strata | None = None,
) -> Comparison:
    """The metric of both models and the gain, each with its interval, over n rows answered by both.

    ``strata`` gives the rows' weights if they are not a simple random sample. Every value is None if a stratum has too
    few labels.
    """
    drawn = strata or single_stratum(len(labels))
    if drawn.undersampled or has_single_unit_stratum(bootstrap.units, drawn):
        return Comparison(champion=None, challenger=None, gain=None)
    old, new = (encode(labels, predictions) for predictions in (champion, challenger))
    values = _values(metric, [old, new], bootstrap, drawn)
    carried = [_influences(metric, side, drawn) for side in (old, new)]
    sign = 1 if greater_is_better(metric) else -1
    gains, of_gain = sign * (values[1] - values[0]), carried[1] - carried[0]
    gain = _interval(gains, of_gain, drawn, bootstrap)
    if metric == "accuracy" and gain is not None:
        gain = _wider(gain, accuracy_gain(old, new, weights_of(drawn), bootstrap.level))
    if metric == "accuracy" and gain is not None and bootstrap.units is None:
        gain = _cut(
            gain,
            -largest_win_share(new, old, drawn, bootstrap.level),
            largest_win_share(old, new, drawn, bootstrap.level),
        )
    return Comparison(
        champion=_within(metric, _interval(values[0], carried[0], drawn, bootstrap)),
        challenger=_within(metric, _interval(values[1], carried[1], drawn, bootstrap)),
        gain=_possible(metric, gain),
        carried_by=_carried_by(of_gain, drawn, bootstrap) if gain is not None else 0.0,
        error=_error(gains[1:], of_gain, drawn, bootstrap) if gain is not None else 0.0,
    )


def estimate(
    metric: str,
    labels: NDArray[np.str_],
    predictions: Predictions,
    bootstrap: Bootstrap,
    strata: Strata | None = None,
) -> Interval | None:
    """One model's metric with its interval; None where it is undefined."""
    drawn = strata or single_stratum(len(labels))
    if drawn.undersampled or has_single_unit_stratum(bootstrap.units, drawn):
        return None
    rows = encode(labels, predictions)
    (values,) = _values(metric, [rows], bootstrap, drawn)
    return _within(metric, _interval(values, _influences(metric, rows, drawn), drawn, bootstrap))


def _influences(metric: str, rows: EncodedRows, strata: Strata) -> Floats:
    """How much each row carries of the metric; float64 (n,)."""
    return influences(metric, rows, weights_of(strata)) if len(rows.truth) else np.zeros(0)


def _interval(values: Floats, influence: Floats, strata: Strata, bootstrap: Bootstrap) -> Interval | None:
    """The first value and Student's bounds from the spread of the others; None where too many of them are undefined."""
    value, draws = float(values[0]), values[1:]
    if not np.isfinite(value) or np.isfinite(draws).sum() < max(DEFINED * len(draws), 2):
        return None
    error, freedom = (
        _error(draws, influence, strata, bootstrap),
        degrees_of_freedom(_carried_by(influence, strata, bootstrap)),
    )
    reach = error * float(student.isf(bootstrap.level, freedom)) if error > 0 else 0.0
    return Interval(value, value - reach, value + reach)


def _carried_by(influence: Floats, strata: Strata, bootstrap: Bootstrap) -> float:
    """About how many rows carry a value, or how many entities where these are drawn."""
    carried = weights_of(strata) * influence
    return effective_sample_size(carried if bootstrap.units is None else sum_by_unit(bootstrap.units, carried))


def _error(draws: Floats, influence: Floats, strata: Strata, bootstrap: Bootstrap) -> float:
    """The standard error: the spread of the resamples, and within several strata what their few rows may not show.

    Five rows of five that were won show no spread, but do not prove that every row is won. So each stratum's spread is
    that of its rows and of two more, a won and a lost one (as Agresti and Coull 1998 do for a share).
    """
    spread = float(np.std(draws[np.isfinite(draws)], ddof=1))
    if len(strata.sizes) == 1:
        return spread
    counts = np.maximum(strata.counts, 1)
    shares = np.asarray(strata.sizes) / sum(strata.sizes)
    means = shares * np.bincount(strata.of, influence, len(counts)) / counts
    seen = counts if bootstrap.units is None else np.maximum(count_units(bootstrap.units, strata), 1)
    unseen = means**2 * (1 - (seen / (seen + 2)) ** 2) / seen
    return float(np.sqrt(spread**2 + unseen.sum()))


def _wider(interval: Interval, other: Interval | None) -> Interval:
    """The value of the first, between the outer bounds of both."""
    if other is None:
        return interval
    return Interval(interval.value, min(interval.low, other.low), max(interval.high, other.high))


def _within(metric: str, interval: Interval | None) -> Interval | None:
    """An interval of a metric's values clipped to its range: [0, 1], except log_loss, which has no upper bound."""
    if interval is None or is_custom(metric):
        return interval
    return _cut(interval, 0.0, np.inf if metric == "log_loss" else 1.0)


def _possible(metric: str, gain: Interval | None) -> Interval | None:
    """An interval of gains clipped to the possible range: [-1, 1] for a metric in [0, 1]."""
    if gain is None or is_custom(metric) or metric == "log_loss":
        return gain
    return _cut(gain, -1.0, 1.0)


def _cut(interval: Interval, least: float, most: float) -> Interval:
    """An interval without what lies below the least or above the most; its value stays inside."""
    low, high = max(interval.low, min(least, interval.value)), min(interval.high, max(most, interval.value))
    return Interval(interval.value, low, high)


def _values(metric: str, sides: list[EncodedRows], bootstrap: Bootstrap, strata: Strata) -> Floats:
    """The metric of each side on the rows as they are, then on each resample; (sides, 1 + resamples)."""
    counts = np.ones(len(sides[0].truth), dtype=np.int64)
    rows, of, how = sides, strata.of, _bounded(metric, bootstrap)
    if how.units is not None:
        weightings = cluster_bootstrap(how.units, strata, how.seed, how.resamples, CELLS)
        return np.hstack([[score_encoded(metric, side, weights) for side in rows] for weights in weightings])
    if metric in BY_DECISION and len(counts):
        rows, of, counts = _merged(sides, strata.of)
    weightings = counted_row_bootstrap(counts, Strata(of, strata.sizes), strata.counts, how.seed, how.resamples, CELLS)
    blocks = [[score_encoded(metric, side, weights) for side in rows] for weights in weightings]
    return np.hstack(blocks)


def _bounded(metric: str, bootstrap: Bootstrap) -> Bootstrap:
    """The same bootstrap, with fewer resamples for a metric of one's own."""
    most = OWN_RESAMPLES if is_custom(metric) else bootstrap.resamples
    return replace(bootstrap, resamples=min(bootstrap.resamples, most))


def _merged(
    sides: list[EncodedRows], strata: NDArray[np.int64]
) -> tuple[list[EncodedRows], NDArray[np.int64], NDArray[np.int64]]:
    """One row for all rows of the same label, decisions and stratum; their strata, and how many they are.

    A metric of decisions cannot tell them apart, so drawing from the few is drawing from the many.
    """
    columns = np.stack([strata, sides[0].truth, *[side.decided for side in sides]])
    kinds, first, counts = np.unique(columns, axis=1, return_index=True, return_counts=True)
    merged = [
        EncodedRows(kinds[1], kinds[2 + number], side.probabilities[first], side.positive, side.names)
        for number, side in enumerate(sides)
    ]
    return merged, kinds[0], counts


def sign_test_interval(wins: int, losses: int, level: float) -> tuple[float, float]:
    """Between which bounds the chance to win a row that is won or lost lies, each wrong with at most ``level``.

    The lower bound exceeds 1/2 just where the one-sided sign test rejects at the level.

    >>> [round(bound, 3) for bound in sign_test_interval(4, 0, 0.025)]
    [0.398, 1.0]
    >>> [round(bound, 3) for bound in sign_test_interval(6, 0, 0.025)]
    [0.541, 1.0]
    """
    low = float(beta.ppf(level, wins, losses + 1)) if wins else 0.0
    high = float(beta.isf(level, wins + 1, losses)) if losses else 1.0
    return low, high


def rule_of_three(rows: int, level: float) -> float:
    """The largest share of rows that can well be of a kind of which none was among the rows (rule of three).

    >>> round(rule_of_three(100, 0.05), 3)
    0.03
    """
    return 1 - float(level ** (1 / rows)) if rows else 1.0


def largest_win_share(loser: EncodedRows, winner: EncodedRows, strata: Strata, level: float) -> float:
    """The largest share of rows that a model can well win from another: no gain in accuracy is larger.

    Clopper and Pearson's upper bound over a plain sample; 1.0 for rows in several strata.

    >>> round(float(beta.isf(0.025, 1 + 1, 37 - 1)), 2)  # one row of 37
    0.14
    """
    if len(strata.sizes) > 1 or len(strata.of) == 0:
        return 1.0
    wins = int(((winner.truth == winner.decided) & (loser.truth != loser.decided)).sum())
    return float(beta.isf(level, wins + 1, len(strata.of) - wins)) if wins < len(strata.of) else 1.0


def accuracy_gain(champion: EncodedRows, challenger: EncodedRows, weights: Floats, level: float) -> Interval | None:
    """The challenger's gain in accuracy with exact bounds, given how many rows are won or lost; None where they
    stand for different numbers of rows, for which there is no exact test.

    ``weights`` (n,) says how many rows of the population each row stands for; where no row is won or lost, the
    bounds follow from the rule of three.
    """
    won = (challenger.truth == challenger.decided).astype(np.int64) - (champion.truth == champion.decided)
    decisive = weights[won != 0]
    if len(decisive) == 0:
        hidden = rule_of_three(int(weights.sum()), level)
        return Interval(0.0, -hidden, hidden)
    if not np.allclose(decisive, decisive[0]):
        return None
    share = float(decisive.sum() / weights.sum())
    wins, losses = int((won > 0).sum()), int((won < 0).sum())
    low, high = sign_test_interval(wins, losses, level)
    value = share * (wins - losses) / (wins + losses)
    return Interval(value, share * (2 * low - 1), share * (2 * high - 1))
