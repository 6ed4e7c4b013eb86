"""Labels drawn within strata: what rows stand for, and that an estimate over them is unbiased and honestly wide."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tiltyard.evaluation.paired_comparison import Bootstrap, compare, estimate
from tiltyard.evaluation.predictions import Predictions
from tiltyard.evaluation.strata import Strata, single_stratum, weights_of
from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.records import Interval

NAMES = ("no", "yes")


def said(told: NDArray[np.float64]) -> Predictions:
    return Predictions(np.column_stack([1 - told, told]), np.where(told >= 0.5, "yes", "no"), NAMES, "yes")


def population(rng: np.random.Generator, rows: int, better: float) -> tuple[NDArray[np.str_], Predictions, Predictions]:
    """Labels and two models that decide differently on few rows; where they do, the challenger is right ``better``."""
    truth = rng.random(rows) < 0.4
    easy = np.where(rng.random(rows) < 0.85, truth, ~truth)
    differ = rng.random(rows) < 0.06
    right = rng.random(rows) < better
    new, old = np.where(right, truth, ~truth), np.where(right, ~truth, truth)
    decided = [np.where(differ, side, easy) for side in (old, new)]
    told = [said(np.where(side, 0.8, 0.2)) for side in decided]
    return np.where(truth, "yes", "no"), told[0], told[1]


def drawn(
    rng: np.random.Generator, champion: Predictions, challenger: Predictions, by_chance: int, at_disagreement: int
) -> tuple[NDArray[np.int64], Strata]:
    """Rows drawn by chance, then more where the two disagree; and what they stand for."""
    differ = champion.decisions != challenger.decisions
    order = rng.permutation(len(differ))
    more = [row for row in order[by_chance:] if differ[row]][:at_disagreement]
    rows = np.concatenate([order[:by_chance], np.array(more, dtype=np.int64)])
    return rows, Strata(differ[rows].astype(np.int64), (int((~differ).sum()), int(differ.sum())))


@given(counts=st.lists(st.integers(1, 30), min_size=1, max_size=5), more=st.lists(st.integers(0, 50), min_size=5))
def test_the_labels_stand_for_all_rows_of_the_population(counts: list[int], more: list[int]) -> None:
    sizes = tuple(count + extra for count, extra in zip(counts, more, strict=False))
    strata = Strata(np.repeat(np.arange(len(counts)), counts), sizes)
    weights = weights_of(strata)
    assert weights.sum() == pytest.approx(sum(sizes))
    assert np.bincount(strata.of, weights) == pytest.approx(sizes)


@pytest.mark.parametrize(
    ("of", "sizes", "thin"),
    [
        ([0, 0, 1, 1], (9, 9), ()),
        ([0, 0], (9, 9), (1,)),
        ([0, 0, 1], (9, 9), (1,)),
        ([0, 0, 1], (9, 1), ()),
        ([], (0,), ()),
    ],
)
def test_a_stratum_with_too_few_labels_is_thin(of: list[int], sizes: tuple[int, ...], thin: tuple[int, ...]) -> None:
    assert Strata(np.array(of, dtype=np.int64), sizes).undersampled == thin


def test_a_row_in_no_stratum_or_more_labels_than_rows_are_refused() -> None:
    with pytest.raises(TrainingError, match="stratum 2, there are 2"):
        Strata(np.array([0, 2]), (5, 5))
    with pytest.raises(TrainingError, match="stratum 1 has 1 rows, and 2 of them are labeled"):
        Strata(np.array([1, 1]), (5, 1))


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "log_loss", "roc_auc"])
def test_one_stratum_is_a_plain_sample(metric: str) -> None:
    rng = np.random.default_rng(0)
    labels, old, new = population(rng, 150, 0.6)
    plain = compare(metric, labels, old, new, Bootstrap(resamples=100))
    assert compare(metric, labels, old, new, Bootstrap(resamples=100), single_stratum(150)) == plain


@pytest.mark.parametrize("metric", ["accuracy", "f1", "log_loss"])
def test_a_gain_from_draws_at_the_disagreement_is_unbiased_and_its_interval_holds_the_truth(metric: str) -> None:
    rng = np.random.default_rng(1)
    truth = compare(metric, *population(rng, 200_000, 0.6), Bootstrap(resamples=100)).gain
    assert truth is not None
    values, held = [], []
    for seed in range(200):
        labels, old, new = population(rng, 2000, 0.6)
        rows, strata = drawn(rng, old, new, 60, 60)
        found = compare(metric, labels[rows], old.rows(rows), new.rows(rows), Bootstrap(0.95, 200, seed), strata).gain
        assert found is not None
        values.append(found.value)
        held.append(found.low <= truth.value <= found.high)
    # The mean of 200 estimates is known to a fourteenth of their spread.
    assert abs(np.mean(values) - truth.value) < 3.5 * np.std(values) / np.sqrt(200)
    assert 0.90 <= np.mean(held) <= 1.0


def test_draws_at_the_disagreement_are_worth_many_by_chance() -> None:
    rng = np.random.default_rng(2)
    labels, old, new = population(rng, 20_000, 0.6)
    rows, strata = drawn(rng, old, new, 50, 300)
    there = compare("accuracy", labels[rows], old.rows(rows), new.rows(rows), Bootstrap(resamples=500), strata).gain
    first = np.arange(3500)
    plain = compare("accuracy", labels[first], old.rows(first), new.rows(first), Bootstrap(resamples=500)).gain
    assert there is not None
    assert plain is not None
    assert there.high - there.low < plain.high - plain.low


def test_without_weights_the_draws_would_mislead() -> None:
    rng = np.random.default_rng(3)
    labels, old, new = population(rng, 5000, 0.8)
    rows, strata = drawn(rng, old, new, 100, 200)
    whole = estimate("accuracy", labels, new, Bootstrap())
    weighted = estimate("accuracy", labels[rows], new.rows(rows), Bootstrap(), strata)
    unweighted = estimate("accuracy", labels[rows], old.rows(rows), Bootstrap())
    assert whole is not None
    assert weighted is not None
    assert unweighted is not None
    assert weighted.low <= whole.value <= weighted.high
    assert not unweighted.low <= whole.value <= unweighted.high


@pytest.mark.parametrize("labeled", [0, 1])
def test_a_thin_stratum_says_nothing(labeled: int) -> None:
    labels, old, new = population(np.random.default_rng(4), 100, 0.5)
    strata = Strata(np.array([0] * (100 - labeled) + [1] * labeled), (500, 20))
    assert compare("accuracy", labels, old, new, Bootstrap(), strata).gain is None
    assert estimate("accuracy", labels, old, Bootstrap(), strata) is None


def there(wins: int, losses: int, alike: int, sizes: tuple[int, int], level: float = 0.025) -> dict[str, Interval]:
    """The gain where so many rows were won and lost at the disagreement, and others drawn elsewhere, by metric."""
    rows = alike + wins + losses
    labels, number = np.array(["yes", "no"] * rows)[:rows], np.arange(rows)
    right, wrong = labels == "yes", labels != "yes"
    old = said(np.where(np.where(number < wins, wrong, right), 0.8, 0.2))
    new = said(np.where(np.where((number >= wins) & (number < wins + losses), wrong, right), 0.8, 0.2))
    strata = Strata((number < wins + losses).astype(np.int64), sizes)
    found = {
        metric: compare(metric, labels, old, new, Bootstrap(1 - 2 * level), strata).gain
        for metric in ("accuracy", "macro_f1", "brier")
    }
    return {metric: gain for metric, gain in found.items() if gain is not None}


@pytest.mark.parametrize(("wins", "losses", "sizes"), [(15, 2, (79, 27)), (20, 5, (160, 40))])
def test_a_disagreement_that_is_mostly_won_is_well_known(wins: int, losses: int, sizes: tuple[int, int]) -> None:
    for gain in there(wins, losses, 47, sizes, level=0.005).values():
        assert 0 < gain.low < gain.value < gain.high < 0.5


@pytest.mark.parametrize("wins", [2, 3, 4])
def test_a_few_rows_there_that_were_all_won_prove_nothing(wins: int) -> None:
    for gain in there(wins, 0, 60, (900, 40)).values():
        assert gain.low < 0 < gain.value
