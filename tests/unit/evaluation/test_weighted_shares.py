"""Shares and means with intervals: equal to scipy's where there is one, honest where rows weigh differently."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from tiltyard.evaluation.proportions import (
    PairedProportions,
    kish_sample_size,
    paired_difference,
    weighted_mean,
    weighted_share,
)

FLAGS = st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0.1, 50)), min_size=1, max_size=60)


@pytest.mark.parametrize(("right", "cases"), [(0, 10), (1, 7), (30, 60), (10, 10)])
def test_equal_weights_give_the_exact_interval(right: int, cases: int) -> None:
    hits = np.arange(cases) < right
    exact = binomtest(right, cases).proportion_ci(confidence_level=0.95, method="exact")
    found = weighted_share(hits, np.ones(cases), 0.025)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-6)


@given(FLAGS)
def test_intervals_hold_their_value_and_stay_in_range(rows: list[tuple[bool, bool, float]]) -> None:
    more, less, weights = (np.array(part) for part in zip(*rows, strict=True))
    share, excess = weighted_share(more, weights, 0.05), paired_difference(more, less, weights, 0.05)
    assert 0 <= share.low <= share.value + 1e-6
    assert share.value - 1e-6 <= share.high <= 1
    assert -1 <= excess.low <= excess.high <= 1
    assert excess.value == pytest.approx(np.average(more.astype(float) - less, weights=weights), abs=1e-5)


@given(FLAGS)
def test_weights_count_by_their_ratio_and_unequal_ones_tell_less(rows: list[tuple[bool, bool, float]]) -> None:
    more, _, weights = (np.array(part) for part in zip(*rows, strict=True))
    first, second = weighted_share(more, weights, 0.025), weighted_share(more, 1000 * weights, 0.025)
    assert (first.low, first.high) == pytest.approx((second.low, second.high), abs=2e-6)
    assert kish_sample_size(weights) <= len(weights) + 1e-6


@pytest.mark.parametrize(("first", "second", "rows"), [(0.3, 0.25, 40), (0.05, 0.05, 60), (0.5, 0.1, 100)])
def test_the_excess_is_covered_as_often_as_it_says(first: float, second: float, rows: int) -> None:
    """2,000 made sets of rows; each bound may err in 2.5 % of them."""
    rng = np.random.default_rng(0)
    below = above = 0
    for _ in range(2000):
        found = paired_difference(rng.random(rows) < first, rng.random(rows) < second, np.ones(rows), 0.025)
        below += found.high < first - second
        above += found.low > first - second
    assert below / 2000 < 0.035
    assert above / 2000 < 0.035


@pytest.mark.parametrize(("won", "lost"), [(0, 4), (1, 6), (3, 3), (0, 0)])
def test_no_difference_is_ruled_out_no_sooner_than_by_the_sign_test(won: int, lost: int) -> None:
    exact = binomtest(won, won + lost, alternative="less").pvalue if won + lost else 1.0
    assert PairedProportions(won, lost, 100).chance_of(0.0) >= exact - 1e-9


@pytest.mark.parametrize(("rows", "shown"), [(70, False), (73, True)])
def test_rows_without_a_loss_rule_a_loss_out_no_sooner_than_the_exact_test(rows: int, shown: bool) -> None:
    """The exact test does from 72 rows on: 0.95 ** 72 is below 0.025."""
    nothing = np.zeros(rows, dtype=bool)
    assert (paired_difference(nothing, nothing, np.ones(rows), 0.025).low > -0.05) == shown


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.floats(0.0005, 0.2))
def test_bounds_and_chances_agree(more: int, less: int, same: int, level: float) -> None:
    shares = PairedProportions(more, less, max(more + less + same, 1))
    bounds = shares.between(level)
    assert -1 <= bounds.low <= bounds.value + 1e-6
    assert bounds.value - 1e-6 <= bounds.high <= 1
    if bounds.low > -0.999 and bounds.high < 0.999:
        assert shares.chance_of(bounds.high) >= level - 1e-3
        assert shares.chance_of(bounds.low) >= 1 - level - 1e-3


def test_a_mean_is_covered_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    found = [weighted_mean(rng.exponential(2, 200), np.ones(200), 0.025) for _ in range(500)]
    assert 0.91 < np.mean([one.low <= 2 <= one.high for one in found]) < 0.98
