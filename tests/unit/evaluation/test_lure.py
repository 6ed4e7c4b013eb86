"""LURE over labels that were drawn unevenly: right on average, plain where all came by chance."""

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from tiltyard.evaluation.lure import DisagreementSample, lure, lure_weights
from tiltyard.evaluation.metrics import score
from tiltyard.evaluation.predictions import Predictions

NAMES = ("no", "yes")


def said(told: NDArray[np.float64]) -> Predictions:
    return Predictions(np.column_stack([1 - told, told]), np.where(told >= 0.5, "yes", "no"), NAMES, "yes")


def population(rng: np.random.Generator, rows: int) -> tuple[NDArray[np.str_], Predictions, Predictions]:
    """Labels and two models that decide otherwise on about a tenth of the rows, which are hard for both."""
    truth = rng.random(rows) < 0.4
    hard = rng.random(rows) < 0.1
    told = [np.where(truth ^ (hard & (rng.random(rows) < wrong)), 0.8, 0.2) for wrong in (0.6, 0.4)]
    return np.where(truth, "yes", "no"), said(told[0]), said(told[1])


def drawn_rows(
    rng: np.random.Generator, differs: NDArray[np.bool_], by_chance: int, more: int
) -> tuple[NDArray[np.int64], DisagreementSample]:
    order = rng.permutation(len(differs))
    there = [row for row in order[by_chance:] if differs[row]][:more]
    rows = np.concatenate([order[:by_chance], np.array(there, dtype=np.int64)])
    return rows, DisagreementSample(
        differs=differs[rows], by_chance=by_chance, population=len(differs), differing=int(differs.sum())
    )


def test_rows_by_chance_weigh_alike() -> None:
    rng = np.random.default_rng(0)
    labels, old, new = population(rng, 500)
    rows, drawn = drawn_rows(rng, old.decisions != new.decisions, 90, 0)
    assert lure_weights(drawn) == pytest.approx(np.ones(90))
    told = lure("f1", labels[rows], old.rows(rows), new.rows(rows), drawn)
    assert told["challenger"] == pytest.approx(score("f1", labels[rows], new.rows(rows)), abs=1e-6)
    assert told["gain"] == pytest.approx(told["challenger"] - told["champion"], abs=2e-6)


def test_where_every_row_is_labeled_it_is_the_truth() -> None:
    labels, old, new = population(np.random.default_rng(1), 60)
    differs = old.decisions != new.decisions
    drawn = DisagreementSample(differs=differs, by_chance=50, population=60, differing=int(differs.sum()))
    told = lure("accuracy", labels, old, new, drawn)
    assert told["challenger"] == pytest.approx(score("accuracy", labels, new), abs=1e-6)


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "brier"])
def test_it_is_right_on_average_where_the_plain_mean_is_not(metric: str) -> None:
    rng = np.random.default_rng(2)
    labels, old, new = population(rng, 1000)
    differs = old.decisions != new.decisions
    truth = score(metric, labels, new)
    figures, plain = [], []
    for _ in range(300):
        rows, drawn = drawn_rows(rng, differs, 80, 30)
        figures.append(lure(metric, labels[rows], old.rows(rows), new.rows(rows), drawn)["challenger"])
        plain.append(score(metric, labels[rows], new.rows(rows)))
    assert abs(np.mean(figures) - truth) < 0.2 * np.std(figures)
    assert abs(np.mean(plain) - truth) > 2 * np.std(figures)


def test_a_loss_gains_where_it_falls() -> None:
    rng = np.random.default_rng(3)
    labels, old, new = population(rng, 1000)
    rows, drawn = drawn_rows(rng, old.decisions != new.decisions, 200, 40)
    told = lure("log_loss", labels[rows], old.rows(rows), new.rows(rows), drawn)
    assert told["gain"] == pytest.approx(told["champion"] - told["challenger"], abs=2e-6)
    assert told["gain"] > 0


def test_an_undefined_metric_is_told_as_none() -> None:
    _, old, new = population(np.random.default_rng(4), 50)
    drawn = DisagreementSample(differs=np.zeros(50, dtype=bool), by_chance=50, population=50, differing=0)
    told = lure("roc_auc", np.full(50, "no"), old, new, drawn)
    assert told == {"challenger": None, "champion": None, "gain": None}


def test_the_exact_expectation_over_all_draws_of_a_small_population() -> None:
    # Three of four rows, each drawn by the mixture: summed over every order with its chance, the mean is exact.
    losses, differs, share = np.array([0.1, 0.9, 0.4, 0.7]), np.array([False, True, False, True]), 2 / 3
    expected = 0.0
    for rows in permutations(range(4), 3):
        chance, weights, left = 1.0, [], list(range(4))
        for turn, row in enumerate(rows, start=1):
            there = [other for other in left if differs[other]]
            at_disagreement = (row in there) / len(there) if there else 1 / len(left)
            proposal = share / len(left) + (1 - share) * at_disagreement
            weights.append(1 + (4 - 3) / (4 - turn) * (1 / (len(left) * proposal) - 1))
            chance *= proposal
            left.remove(row)
        expected += chance * float(np.array(weights) @ losses[list(rows)]) / 3
    assert expected == pytest.approx(losses.mean())
