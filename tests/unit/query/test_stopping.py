"""Advice to stop comes when successive models agree or the curve is flat, names its methods, and not before."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from tiltyard.query.learning_curve import Point, expected_gain
from tiltyard.query.stopping import decision_kappa, learning_points, stopping_advice, successive_agreements
from tiltyard.schemas.project import Stopping
from tiltyard.schemas.records import Interval, Model, ModelId, StoredFile, TrainingId, Verdict, VerdictId

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def curve(a: float, b: float, c: float, sizes: list[int], error: float = 0.002) -> list[Point]:
    return [Point(size, a - b * size**-c, error) for size in sizes]


RISING = curve(0.95, 2.0, 0.5, [50, 100, 150, 200])
FLAT = curve(0.9, 0.0, 0.5, [50, 100, 150, 200], error=0.001)
STABLE, RESTLESS = [0.95, 0.992, 0.995, 0.991], [0.99, 0.9, 0.97, 0.95]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1))
def test_agreement_is_cohens_kappa(pairs: list[tuple[str, str]]) -> None:
    before, after = (np.array(side) for side in zip(*pairs, strict=True))
    if (before == after).all():
        assert decision_kappa(before, after) == 1.0
    else:
        assert decision_kappa(before, after) == pytest.approx(cohen_kappa_score(before, after), abs=1e-6)


@pytest.mark.parametrize(
    ("kappas", "points", "enough", "says"),
    [
        ([], [], False, "too early to say"),
        (STABLE[:2], RISING[:2], False, "too early to say"),
        (STABLE, [], True, "more labels are unlikely to improve the model"),
        (STABLE, FLAT, True, "more labels are unlikely to improve the model"),
        (STABLE, RISING, False, "labels still pay"),
        (RESTLESS, [], False, "labels still pay"),
        (RESTLESS, RISING, False, "labels still pay"),
        (RESTLESS, FLAT, True, "more labels are unlikely to improve the model"),
    ],
)
def test_the_advice(kappas: list[float], points: list[Point], enough: bool, says: str) -> None:
    advice = stopping_advice(kappas, points, "accuracy", Stopping(), seed=0)
    assert advice.enough is enough
    assert advice.sentence.startswith(says)
    assert "stabilizing predictions" in advice.sentence
    assert "predicted gain" in advice.sentence


def test_the_last_agreements_count_and_their_number_is_the_policys() -> None:
    assert stopping_advice(STABLE, [], "accuracy", Stopping(), 0).agreement == pytest.approx(np.mean(STABLE[-3:]))
    assert stopping_advice(STABLE, [], "accuracy", Stopping(models=4), 0).agreement == pytest.approx(np.mean(STABLE))
    assert not stopping_advice(STABLE, [], "accuracy", Stopping(kappa=0.999), 0).enough
    assert stopping_advice(STABLE, RISING, "accuracy", Stopping(gain=0.1), 0).enough


def test_the_sentence_says_how_many_labels_would_add_how_much() -> None:
    sentence = stopping_advice(RESTLESS, RISING, "accuracy", Stopping(), 0).sentence
    assert "200 labels more would add +4." in sentence
    assert "points of accuracy (between" in sentence
    assert "kappa 0.940, mean of 3, 0.99 is stable" in sentence


def test_the_expected_gain_is_that_of_the_law_that_made_the_curve() -> None:
    found = expected_gain(RISING, seed=1)
    assert found is not None
    assert found.value == pytest.approx(2.0 * (200**-0.5 - 400**-0.5), abs=1e-6)
    assert found.low < found.value < found.high


def test_the_interval_holds_the_true_gain_as_often_as_it_says() -> None:
    rng, truth, held = np.random.default_rng(0), 2.0 * (320**-0.5 - 640**-0.5), 0
    for _ in range(100):
        noisy = [
            Point(one.labels, one.score + rng.normal() * 0.01, 0.01)
            for one in curve(0.95, 2.0, 0.5, [40, 80, 120, 160, 240, 320])
        ]
        found = expected_gain(noisy, seed=1)
        assert found is not None
        held += found.low <= truth <= found.high
    assert held >= 88


def test_wide_points_give_a_wide_interval_and_few_give_none() -> None:
    narrow, wide = expected_gain(RISING, 0), expected_gain(curve(0.95, 2.0, 0.5, [50, 100, 150, 200], error=0.05), 0)
    assert narrow is not None
    assert wide is not None
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)
    assert expected_gain(RISING[:3], 0) is None
    assert expected_gain([*RISING[:3], RISING[2]], 0) is None  # the same number of labels twice is one


def test_a_falling_curve_expects_nothing() -> None:
    falling = [Point(size, 0.9 - size / 10_000, 0.001) for size in (50, 100, 150, 200)]
    found = expected_gain(falling, 0)
    assert found is not None
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high < 0.002


def model(name: str, training: str) -> Model:
    file = StoredFile("f", "0" * 64, 1)
    return Model(ModelId(name), TrainingId(training), "", {}, 0, "", {}, {}, None, "", "", file, "", NOW)


def verdict(name: str, value: float, gain: float | None = None, **more: Any) -> Verdict:
    given: dict[str, Any] = {
        "verdict_id": VerdictId(f"v-{name}-{value}"), "challenger_id": ModelId(name), "champion_id": None,
        "evaluation_id": None, "decision": "keep", "metric": "accuracy", "rows": 100,
        "challenger": Interval(value, value - 0.05, value + 0.05), "champion": None, "gain": None, "checks": (),
        "policy": {"confidence": 0.95}, "decided_by": "gate", "reason": "", "recorded_at": NOW,
    }  # fmt: skip
    if gain is not None:
        old = value - gain if more.get("metric") != "mine:cost" else value + gain
        given |= {"champion": Interval(old, old, old), "gain": Interval(gain, gain, gain)}
    return Verdict(**given | more)


MODELS, LABELS = [model("a", "s1"), model("b", "s2")], {"s1": 40, "s2": 80}


def test_the_curve_has_a_models_last_verdict_and_leaves_others_metrics_out() -> None:
    given = [
        verdict("a", 0.1, metric="f1"),
        verdict("a", 0.7),
        verdict("a", 0.75),
        verdict("b", 0.8, evidence={"level": 0.0125}),
        verdict("a", 0.9, decision="roll_back", decided_by="ada"),
    ]
    first, second = learning_points(given, MODELS, LABELS)
    assert (first.labels, first.score, second.labels, second.score) == (40, 0.75, 80, 0.8)
    assert learning_points([], MODELS, LABELS) == []


@pytest.mark.parametrize(("level", "error"), [(None, 0.05 / 1.96), (0.0125, 0.05 / 2.2414)])
def test_a_points_error_is_that_of_its_interval(level: float | None, error: float) -> None:
    evidence = level and {"level": level}
    (point,) = learning_points([verdict("a", 0.8, evidence=evidence, rows=10_000)], MODELS, LABELS)
    assert point.error == pytest.approx(error, rel=1e-3)


def test_a_model_that_is_right_on_all_of_few_rows_is_not_surely_perfect() -> None:
    perfect = Interval(1.0, 1.0, 1.0)
    (few,) = learning_points([verdict("a", 1.0, challenger=perfect, rows=9)], MODELS, LABELS)
    (many,) = learning_points([verdict("a", 1.0, challenger=perfect, rows=900)], MODELS, LABELS)
    assert few.error > 0.09
    assert many.error < 0.002
    curve = [Point(size, 1.0, few.error) for size in (15, 30, 44, 58)]
    assert not stopping_advice([], curve, "accuracy", Stopping(), 0).enough


@pytest.mark.parametrize(("metric", "score"), [("accuracy", 0.8), ("log_loss", -0.8), ("mine:cost", -0.8)])
def test_a_loss_counts_downwards_even_where_the_metric_is_ones_own(metric: str, score: float) -> None:
    (point,) = learning_points([verdict("b", 0.8, gain=0.1, metric=metric)], MODELS, LABELS)
    assert point.score == score


def test_agreements_are_read_once_a_model_in_their_order() -> None:
    assert successive_agreements([verdict("a", 0.7), agreeing("b", 0.9), agreeing("b", 0.95)]) == [0.95]
    back = verdict("b", 0.8, decision="roll_back", decided_by="ada")
    assert successive_agreements([verdict("a", 0.7), agreeing("b", 0.9), back, agreeing("c", 0.95)]) == [0.9, 0.95]


def test_a_model_that_could_not_be_compared_begins_anew() -> None:
    assert successive_agreements([verdict("a", 0.7), agreeing("b", 0.9), verdict("c", 0.7), agreeing("d", 0.8)]) == [
        0.8
    ]


def agreeing(name: str, kappa: float) -> Verdict:
    return verdict(name, kappa, evidence={"stability": {"kappa": kappa, "rows": 9, "previous": "a"}})
