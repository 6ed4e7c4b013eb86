"""Rows of one entity are drawn together: repeating a row teaches the gate nothing."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from tiltyard.evaluation.paired_comparison import Bootstrap, Comparison, compare, estimate
from tiltyard.evaluation.predictions import Predictions
from tiltyard.evaluation.strata import Strata
from tiltyard.gate.decision import decide
from tiltyard.gate.inputs import CheckContext, Evidence, ModelUnderTest
from tiltyard.monitoring.champion_watch import detect_regression
from tiltyard.schemas.project import METRICS, Gate, MetricName

NAMES = ("no", "yes")
EACH = 12
Sides = tuple[Predictions, Predictions]


def said(scores: NDArray[np.float64]) -> Predictions:
    told = 1 / (1 + np.exp(-scores))
    return Predictions(np.column_stack([1 - told, told]), np.where(told >= 0.5, "yes", "no"), NAMES, "yes")


def rows(n: int, seed: int, noise: tuple[float, float] = (2.0, 2.0)) -> tuple[NDArray[np.str_], Sides]:
    """Labels, and two models that see the same truth through their own noise."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    common = np.where(truth, 1.0, -1.0) + rng.normal(size=n)
    first, second = (said(common + rng.normal(size=n) * scale) for scale in noise)
    return np.where(truth, "yes", "no"), (first, second)


def named(of: NDArray[np.int64]) -> NDArray[np.str_]:
    """Whose each row is."""
    return np.array([f"e{number:04d}" for number in of])


def repeated(labels: NDArray[np.str_], sides: Sides) -> tuple[NDArray[np.str_], Sides, NDArray[np.str_]]:
    """Every row ``EACH`` times, and whose they are."""
    whose = np.repeat(np.arange(len(labels)), EACH)
    return labels[whose], (sides[0].rows(whose), sides[1].rows(whose)), named(whose)


def bounds(compared: Comparison) -> list[float]:
    """The ends of all three intervals."""
    return [
        end for one in (compared.champion, compared.challenger, compared.gain) if one for end in (one.low, one.high)
    ]


@pytest.mark.parametrize("metric", METRICS)
def test_a_row_that_is_repeated_is_as_good_as_once(metric: MetricName) -> None:
    labels, sides = rows(150, 1)
    many, both, units = repeated(labels, sides)
    once = compare(metric, labels, *sides, Bootstrap(seed=3))
    again = compare(metric, many, *both, Bootstrap(seed=3, units=units))
    assert once.gain is not None
    assert bounds(again) == pytest.approx(bounds(once), abs=0.012)
    assert again.carried_by == pytest.approx(once.carried_by)
    alone = estimate(metric, many, both[0], Bootstrap(seed=3, units=units))
    plain = estimate(metric, labels, sides[0], Bootstrap(seed=3))
    assert alone is not None
    assert plain is not None
    assert (alone.low, alone.high) == pytest.approx((plain.low, plain.high), abs=0.012)


@pytest.mark.parametrize("metric", ["brier", "roc_auc", "log_loss"])
def test_rows_that_are_an_entity_each_are_what_they_were(metric: MetricName) -> None:
    labels, sides = rows(80, 2)
    plain = compare(metric, labels, *sides, Bootstrap(resamples=300))
    own = compare(metric, labels, *sides, Bootstrap(resamples=300, units=named(np.arange(80))))
    assert bounds(own) == pytest.approx(bounds(plain))
    assert own.error == pytest.approx(plain.error)


def test_one_entity_alone_says_nothing() -> None:
    labels, sides = rows(80, 2)
    units = named(np.zeros(80, dtype=np.int64))
    compared = compare("accuracy", labels, *sides, Bootstrap(resamples=300, units=units))
    assert (compared.gain, compared.champion, compared.challenger) == (None, None, None)
    assert estimate("accuracy", labels, sides[0], Bootstrap(resamples=300, units=units)) is None


def test_strata_draw_their_entities_together() -> None:
    labels, sides = rows(200, 4)
    differs = (sides[0].decisions != sides[1].decisions).astype(np.int64)
    sizes = (4000, 1000)
    once = compare("accuracy", labels, *sides, Bootstrap(seed=1), Strata(differs, sizes)).gain
    many, both, units = repeated(labels, sides)
    strata = Strata(np.repeat(differs, EACH), (4000, 1000))
    again = compare("accuracy", many, *both, Bootstrap(seed=1, units=units), strata).gain
    fooled = compare("accuracy", many, *both, Bootstrap(seed=1), strata).gain
    assert once is not None
    assert again is not None
    assert fooled is not None
    assert again.high - again.low == pytest.approx(once.high - once.low, rel=0.1)
    assert fooled.high - fooled.low < 0.5 * (once.high - once.low)


def test_equal_models_are_rarely_promoted_on_rows_of_few_entities() -> None:
    """200 null retrains on 60 entities of 12 rows: about the level's 2.5 %, where rows alone promote many."""
    fooled = honest = 0
    for seed in range(200):
        labels, sides = rows(60, 100 + seed)
        many, both, units = repeated(labels, sides)
        gate = Gate(metric="brier", resamples=150, minimum_labels=2)
        evidence = Evidence(labels=many, challenger=both[1], champion=both[0], overlap=0, seed=seed)
        fooled += decide(evidence, gate).decision == "promote"
        honest += decide(replace(evidence, units=units), gate).decision == "promote"
    assert fooled >= 40
    assert honest <= 11


def test_the_watch_draws_entities_too() -> None:
    policy = Gate.model_validate({"metric": "brier", "resamples": 150, "watch": {"labels": 120}})
    sent = {"rows": 0, "entities": 0}
    for seed in range(40):
        many, both, units = repeated(*rows(10, 500 + seed))
        sent["rows"] += detect_regression(many, both[0], both[1], policy, seed) is not None
        sent["entities"] += detect_regression(many, both[0], both[1], policy, seed, units) is not None
    assert sent["rows"] >= 8
    assert sent["entities"] <= 3


def test_parts_of_the_data_draw_entities_too() -> None:
    of, weights = np.repeat(np.arange(5), 6), np.ones(30)
    examined = drawing(weights, named(of)).resampled_weights(200)
    assert examined.shape == (201, 30)
    assert (examined[0] == 1).all()
    by_entity = examined[1:].reshape(200, 5, 6)
    assert (by_entity == by_entity[:, :, :1]).all(), "an entity's rows are drawn together"
    assert (by_entity[:, :, 0].sum(axis=1) == 5).all()
    assert len({tuple(draw) for draw in by_entity[:, :, 0].tolist()}) > 50
    alone = drawing(weights, None).resampled_weights(200)
    assert len({tuple(draw) for draw in alone[1:].tolist()}) == 200


def drawing(weights: NDArray[np.float64], units: NDArray[np.str_] | None) -> CheckContext:
    """What is looked at, as far as drawing looks at it."""
    labels, sides = rows(len(weights), 1)
    side = ModelUnderTest(model_id="m", model=None, predictions=sides[0], training=pl.DataFrame(), size=None)
    return CheckContext(
        rows=pl.DataFrame({"label": labels}), labels=labels, weights=weights, challenger=side, champion=None, seed=0,
        now=datetime(2026, 1, 1, tzinfo=UTC), units=units,
    )  # fmt: skip
