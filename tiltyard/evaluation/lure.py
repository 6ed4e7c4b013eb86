"""A second estimate from the same labels: each is weighted by the probability with which it was drawn.

Source: LURE, the levelled unbiased risk estimator for rows that are drawn one after another by an uneven, known chance
(Farquhar, Gal and Rainforth 2021, On Statistical Bias In Active Learning, arXiv 2101.11665; for testing: Kossen,
Farquhar, Gal and Rainforth 2021, Active Testing, arXiv 2103.05331). It needs a chance above zero for every row, which
draws at the disagreement alone do not give; so random labels and labels at the disagreement count as drawn from
the mixture of both, in any order (the balance heuristic, Veach and Guibas 1995). The weights are brought to a mean of
one: the paper's own sum is unbiased for a mean of losses that are drawn one by one, and is off by percents where so
many were drawn at random and so many at the disagreement, as here.

Only labels of the evaluation set may be weighed so. Labels that training asked for have known chances too, but the
models have seen them: LURE corrects how rows were chosen, never that a model was trained on them.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.metrics import encode, greater_is_better, score_encoded
from tiltyard.evaluation.predictions import Predictions

Floats = NDArray[np.float64]

ORDERS: Final = 50
"""Orders of drawing that are averaged: in which of them the labels came is chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisagreementSample:
    """How n labeled rows were drawn: bool (n,) whether the models differ on each, and how many of the rows came by
    chance; the others were drawn where the models differ. Of the population's rows ``differing`` are such."""

    differs: NDArray[np.bool_]
    by_chance: int
    population: int
    differing: int
    seed: int = 0


def lure(
    metric: str, labels: NDArray[np.str_], champion: Predictions, challenger: Predictions, drawn: DisagreementSample
) -> dict[str, Any]:
    """Both models' metric and the gain by LURE, by name; each None where it is undefined.

    The gain is positive where the challenger is better, for losses too.
    """
    weights = lure_weights(drawn)
    old, new = (_value(metric, labels, side, weights) for side in (champion, challenger))
    sign = 1 if greater_is_better(metric) else -1
    gain = sign * (new - old)
    return {"challenger": _plain(new), "champion": _plain(old), "gain": _plain(gain)}


def lure_weights(drawn: DisagreementSample) -> Floats:
    """What each labeled row counts; float64 (n,), about 1 on average, the mean over several orders of drawing.

    All ones if every row was drawn at random.
    """
    rng, total = np.random.default_rng(drawn.seed), np.zeros(len(drawn.differs))
    for _ in range(ORDERS):
        order = rng.permutation(len(drawn.differs))
        total[order] += _levelled(_proposals(drawn, drawn.differs[order]), drawn.population)
    return total / ORDERS


def _proposals(drawn: DisagreementSample, differs: NDArray[np.bool_]) -> Floats:
    """With which chance each row was drawn at its turn, of those that were left; float64 (n,)."""
    turn = np.arange(len(differs))
    share = drawn.by_chance / max(len(differs), 1)
    left = drawn.population - turn
    left_differing = drawn.differing - (differs.cumsum() - differs)
    there = np.where(differs, 1 / np.maximum(left_differing, 1), 0.0)
    return np.where(left_differing > 0, share / left + (1 - share) * there, 1 / left)


def _levelled(proposals: Floats, population: int) -> Floats:
    """The weights v_m of LURE (Farquhar 2021, eq. 11) for M rows drawn one after another with these chances.

    >>> _levelled(np.array([1 / 5, 1 / 4, 1 / 3]), 5).tolist()
    [1.0, 1.0, 1.0]
    """
    count, turn = len(proposals), np.arange(1, len(proposals) + 1)
    left = population - turn + 1
    uneven = 1 / (left * proposals) - 1
    # Where every row is labeled the last fraction is 0 / 0: nothing is left to correct.
    weights: Floats = 1 + (population - count) / np.maximum(population - turn, 1) * uneven
    return weights


def _value(metric: str, labels: NDArray[np.str_], predictions: Predictions, weights: Floats) -> float:
    """A model's metric under the weights."""
    return float(score_encoded(metric, encode(labels, predictions), weights[None, :])[0])


def _plain(value: float) -> Any:
    """A number for the evidence."""
    return round(value, 6) if np.isfinite(value) else None
