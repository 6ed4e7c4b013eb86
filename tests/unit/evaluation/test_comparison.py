"""The paired bootstrap: right centre, right error rate, same answer for the same seed."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tiltyard.evaluation import paired_comparison as comparison
from tiltyard.evaluation.paired_comparison import Bootstrap, compare, estimate
from tiltyard.evaluation.predictions import Predictions
from tiltyard.schemas.project import MetricName
from tiltyard.schemas.records import Interval

NAMES = ("no", "yes")


def said(scores: NDArray[np.float64]) -> Predictions:
    told = 1 / (1 + np.exp(-scores))
    return Predictions(np.column_stack([1 - told, told]), np.where(told >= 0.5, "yes", "no"), NAMES, "yes")


def rows(n: int, seed: int, noise: tuple[float, float]) -> tuple[NDArray[np.str_], Predictions, Predictions]:
    """Labels, and two models that see the same truth through their own noise."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    common = np.where(truth, 1.0, -1.0) + rng.normal(size=n)
    first, second = (said(common + rng.normal(size=n) * scale) for scale in noise)
    return np.where(truth, "yes", "no"), first, second


@pytest.mark.parametrize("metric", ["accuracy", "f1", "roc_auc", "log_loss", "brier"])
def test_a_better_challenger_has_a_positive_gain_losses_too(metric: MetricName) -> None:
    labels, worse, better = rows(400, 1, (3.0, 0.1))
    result = compare(metric, labels, worse, better, Bootstrap())
    assert result.gain is not None
    assert 0 < result.gain.low < result.gain.value < result.gain.high
    swapped = compare(metric, labels, better, worse, Bootstrap()).gain
    assert swapped is not None
    mirrored = (-result.gain.high, -result.gain.value, -result.gain.low)
    assert (swapped.low, swapped.value, swapped.high) == pytest.approx(mirrored, abs=0.01)


def test_the_same_predictions_gain_exactly_nothing() -> None:
    labels, one, _ = rows(60, 2, (1.0, 1.0))
    assert compare("macro_f1", labels, one, one, Bootstrap()).gain == Interval(0.0, 0.0, 0.0)


def test_the_same_seed_gives_the_same_interval_whatever_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, first, second = rows(50, 3, (1.0, 1.0))
    whole = compare("roc_auc", labels, first, second, Bootstrap(seed=4))
    assert whole == compare("roc_auc", labels, first, second, Bootstrap(seed=4))
    assert whole != compare("roc_auc", labels, first, second, Bootstrap(seed=5))
    monkeypatch.setattr(comparison, "CELLS", 1000)
    small = compare("roc_auc", labels, first, second, Bootstrap(seed=4))
    assert small.gain is not None
    assert whole.gain is not None
    assert small.gain.low == pytest.approx(whole.gain.low, abs=1e-12)


@pytest.mark.parametrize("metric", ["accuracy", "f1", "roc_auc", "log_loss"])
def test_equal_models_are_called_better_as_rarely_as_the_confidence_says(metric: MetricName) -> None:
    # 2.5 % lie above a two-sided 95 % interval; of 200 pairs more than 14 (7 %) would be chance with p < 0.001.
    lows = []
    for seed in range(200):
        labels, first, second = rows(100, seed, (0.7, 0.7))
        gain = compare(metric, labels, first, second, Bootstrap(resamples=300, seed=seed)).gain
        lows.append(gain is not None and gain.low > 0)
    assert sum(lows) <= 14


@pytest.mark.parametrize("metric", ["accuracy", "f1", "average_precision", "brier"])
@pytest.mark.parametrize("level", [0.025, 0.002])
def test_few_rows_and_strict_levels_promise_no_more_than_they_say(metric: MetricName, level: float) -> None:
    # Of 400 pairs of equals on 60 rows a quantile of the resamples is too sure up to ten times as often as it says.
    sure = 0
    for seed in range(400):
        labels, first, second = rows(60, seed, (0.4, 0.4))
        gain = compare(metric, labels, first, second, Bootstrap(1 - 2 * level, 200, seed)).gain
        sure += gain is not None and gain.low > 0
    # More than 18 of 400 at 0.025, or 5 at 0.002, would be chance with p < 0.01.
    assert sure <= {0.025: 18, 0.002: 5}[level]


def test_four_wins_and_no_loss_of_a_hundred_are_not_sure() -> None:
    labels = np.full(100, "yes")
    old, new = said(np.where(np.arange(100) < 4, -1.0, 1.0)), said(np.ones(100))
    gain = compare("accuracy", labels, old, new, Bootstrap()).gain
    assert gain is not None
    assert gain.value == pytest.approx(0.04)
    assert gain.low < 0


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "roc_auc", "brier"])
@pytest.mark.parametrize("confidence", [0.95, 0.9999])
def test_a_gain_that_one_row_carries_stays_within_what_is_possible(metric: str, confidence: float) -> None:
    labels = np.array(["yes", "no"] * 20)
    right = np.where(labels == "yes", 1.0, -1.0)
    gain = compare(
        metric, labels, said(np.where(np.arange(40) < 1, -right, right)), said(right), Bootstrap(confidence)
    ).gain
    assert gain is not None
    assert -1 <= gain.low < 0 < gain.value < gain.high <= 1
    if metric == "accuracy" and confidence == 0.95:
        # No row of 40 was lost and one won: at most 9 % and 13 % can be.
        assert (gain.low, gain.high) == pytest.approx((-0.088, 0.132), abs=0.001)


@pytest.mark.parametrize("metric", ["macro_f1", "log_loss"])
@pytest.mark.parametrize("level", [0.1, 0.001])
def test_a_bound_is_where_the_chance_beyond_it_is_the_level(metric: MetricName, level: float) -> None:
    labels, first, second = rows(300, 8, (1.0, 0.5))
    found = compare(metric, labels, first, second, Bootstrap(1 - 2 * level))
    assert found.gain is not None
    assert found.chance_beyond(found.gain.low) == pytest.approx(level)
    assert compare(metric, labels, first, first, Bootstrap()).chance_beyond(0.0) == 1.0


def test_a_gain_tells_how_many_rows_carry_it() -> None:
    labels = np.array(["yes", "no"] * 50)
    right = np.where(labels == "yes", 1.0, -1.0)
    wrong_on_six = np.where(np.arange(100) < 6, -right, right)
    assert compare("accuracy", labels, said(wrong_on_six), said(right), Bootstrap()).carried_by == pytest.approx(
        6, abs=1
    )


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = []
    for seed in range(300):
        right = np.random.default_rng(seed).random(80) < 0.7
        labels = np.where(right, "yes", "no")
        interval = estimate("accuracy", labels, said(np.ones(80)), Bootstrap(resamples=300, seed=seed))
        assert interval is not None
        covered.append(interval.low <= 0.7 <= interval.high)
    assert 0.90 <= np.mean(covered) <= 0.99


def test_merging_rows_that_were_answered_alike_changes_no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, first, second = rows(300, 6, (1.0, 0.5))
    merged = compare("macro_f1", labels, first, second, Bootstrap(resamples=4000)).gain
    monkeypatch.setattr(comparison, "BY_DECISION", frozenset())
    plain = compare("macro_f1", labels, first, second, Bootstrap(resamples=4000)).gain
    assert merged is not None
    assert plain is not None
    assert merged.value == pytest.approx(plain.value, abs=1e-12)
    # The quantiles of 4,000 resamples are known to about 0.001 here.
    assert (merged.low, merged.high) == pytest.approx((plain.low, plain.high), abs=0.005)


@pytest.mark.parametrize("labels", [["no"] * 30, ["yes"] + ["no"] * 29, []])
def test_an_undefined_metric_has_no_interval(labels: list[str]) -> None:
    # With a single row of a class a third of all resamples lack it: nothing can be said.
    both = said(np.linspace(-1, 1, len(labels)))
    result = compare("roc_auc", np.array(labels, dtype=str), both, both, Bootstrap(resamples=200))
    assert (result.champion, result.challenger, result.gain) == (None, None, None)
