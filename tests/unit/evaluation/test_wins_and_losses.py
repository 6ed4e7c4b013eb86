"""The exact interval of a gain in accuracy says no more than the sign test does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from tiltyard.evaluation.metrics import EncodedRows
from tiltyard.evaluation.paired_comparison import accuracy_gain, rule_of_three, sign_test_interval
from tiltyard.schemas.records import Interval


def sides(wins: int, losses: int, alike: int) -> tuple[EncodedRows, EncodedRows]:
    """A champion and a challenger that differ on some rows, all of one class."""
    rows = wins + losses + alike
    truth, told = np.zeros(rows, dtype=np.int64), np.full((rows, 2), 0.5)
    number = np.arange(rows)
    old = np.where(number < wins, 1, 0)
    new = np.where((number >= wins) & (number < wins + losses), 1, 0)
    return EncodedRows(truth, old, told, 1), EncodedRows(truth, new, told, 1)


@given(wins=st.integers(0, 60), losses=st.integers(0, 60), level=st.floats(0.0001, 0.1))
def test_sure_means_that_the_sign_test_rejects(wins: int, losses: int, level: float) -> None:
    low, high = sign_test_interval(wins, losses, level)
    assert 0 <= low <= high <= 1
    if wins + losses:
        p = binomtest(wins, wins + losses, alternative="greater").pvalue
        assert (low > 0.5) == (p < level)


@pytest.mark.parametrize(("wins", "losses", "sure"), [(4, 0, False), (5, 0, False), (6, 0, True), (19, 8, False)])
def test_a_few_wins_are_not_yet_a_gain(wins: int, losses: int, sure: bool) -> None:
    # Of 100 rows 4 won and none lost: a percentile bootstrap is sure, and yet 1 of 16 coins would do as well.
    gain = accuracy_gain(*sides(wins, losses, 100 - wins - losses), np.ones(100), 0.025)
    assert gain is not None
    assert gain.value == pytest.approx((wins - losses) / 100)
    assert (gain.low > 0) is sure


def test_no_row_won_or_lost_hides_as_much_as_the_rows_can() -> None:
    gain = accuracy_gain(*sides(0, 0, 100), np.ones(100), 0.025)
    hidden = rule_of_three(100, 0.025)
    assert gain == Interval(0.0, -hidden, hidden)
    assert (1 - hidden) ** 100 == pytest.approx(0.025)


def test_rows_that_stand_for_different_numbers_have_no_exact_test() -> None:
    assert accuracy_gain(*sides(2, 1, 7), np.array([1.0, 2.0, 1.0] + [5.0] * 7), 0.025) is None
    even = accuracy_gain(*sides(2, 1, 7), np.array([2.0, 2.0, 2.0] + [5.0] * 7), 0.025)
    assert even is not None
    assert even.value == pytest.approx(2 / 41)
