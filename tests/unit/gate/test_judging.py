"""The gate against planted faults: none of them may become champion."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tiltyard.evaluation.predictions import Predictions
from tiltyard.gate.decision import Judgement, decide
from tiltyard.gate.inputs import Evidence
from tiltyard.gate.sequential_design import MOST_WANTED, required_sample_size
from tiltyard.schemas.project import Gate
from tiltyard.schemas.records import Check, Interval

NAMES = ("no", "yes")


def said(right: NDArray[np.bool_], labels: NDArray[np.str_], sure: float = 0.8) -> Predictions:
    """A model that is right on the rows that ``right`` marks, with one probability for what it says."""
    decisions = np.where(right, labels, np.where(labels == "yes", "no", "yes"))
    told = np.where(decisions == "yes", sure, 1 - sure)
    return Predictions(np.column_stack([1 - told, told]), decisions, NAMES, "yes")


def labels_of(n: int, seed: int = 0) -> NDArray[np.str_]:
    return np.random.default_rng(seed).choice(NAMES, n)


def evidence(n: int = 400, old: float = 0.7, new: float = 0.9, **changes: Any) -> Evidence:
    labels = labels_of(n)
    chance = np.random.default_rng(1).random(n)
    first = {"labels": labels, "champion": said(chance < old, labels), "challenger": said(chance < new, labels)}
    return Evidence(**{**first, "overlap": 0, **changes})


def outcome(judgement: Judgement, name: str) -> Check:
    (check,) = [check for check in judgement.checks if check.name == name]
    return check


def test_a_clearly_better_challenger_is_promoted_and_says_why() -> None:
    judgement = decide(evidence(), Gate(floors={"accuracy": 0.8, "log_loss": 0.6}, minimum_gain=0.05))
    assert judgement.decision == "promote"
    assert [check.name for check in judgement.checks] == [
        "labels",
        "classes",
        "floor accuracy",
        "floor log_loss",
        "overlap",
        "gain",
        "looks",
    ]
    assert judgement.labels_wanted == 0
    assert judgement.rows == 400
    assert outcome(judgement, "gain").why in judgement.reason
    assert judgement.gain is not None
    assert judgement.gain.low > 0.05


@pytest.mark.parametrize(
    ("fault", "policy", "check", "result"),
    [
        ({"overlap": 1}, {}, "overlap", "fail"),
        ({"n": 30}, {}, "labels", "undecided"),
        ({"n": 0}, {}, "labels", "undecided"),
        ({"new": 0.7}, {}, "gain", "undecided"),
        ({"new": 0.4}, {}, "gain", "fail"),
        ({"new": 0.71}, {}, "gain", "undecided"),
        ({}, {"minimum_gain": 0.5}, "gain", "fail"),
        ({}, {"floors": {"accuracy": 0.99}}, "floor accuracy", "fail"),
        ({}, {"floors": {"log_loss": 0.1}}, "floor log_loss", "fail"),
        ({}, {"floors": {"brier": 0.01}}, "floor brier", "fail"),
        ({"n": 0}, {"floors": {"f1": 0.1}}, "floor f1", "undecided"),
    ],
)
def test_a_fault_keeps_the_champion(fault: dict[str, Any], policy: dict[str, Any], check: str, result: str) -> None:
    judgement = decide(evidence(**fault), Gate(**policy))
    assert judgement.decision == "keep"
    assert outcome(judgement, check).outcome == result
    assert outcome(judgement, check).why in judgement.reason


def test_a_constant_predictor_never_wins_by_a_metric_that_sees_it() -> None:
    labels = np.array(["no"] * 190 + ["yes"] * 10)
    constant = Predictions(np.tile([0.95, 0.05], (200, 1)), np.full(200, "no"), NAMES, "yes")
    useful = said(np.random.default_rng(0).random(200) < 0.9, labels)
    for metric in ("balanced_accuracy", "f1", "macro_f1", "roc_auc", "average_precision"):
        gate = Gate.model_validate({"metric": metric})
        assert decide(Evidence(labels=labels, champion=useful, challenger=constant, overlap=0), gate).decision == "keep"


def test_a_challenger_with_swapped_labels_fails() -> None:
    good = evidence().challenger
    swapped = Predictions(good.probabilities[:, ::-1], np.where(good.decisions == "yes", "no", "yes"), NAMES, "yes")
    judgement = decide(evidence(challenger=swapped), Gate())
    assert judgement.decision == "keep"
    assert outcome(judgement, "gain").outcome == "fail"
    assert judgement.labels_wanted == 0


@pytest.mark.parametrize("metric", ["roc_auc", "f1", "balanced_accuracy"])
def test_evaluation_labels_of_one_class_are_undecided(metric: str) -> None:
    labels = np.full(80, "no")
    both = said(np.ones(80, dtype=bool), labels)
    gate = Gate.model_validate({"metric": metric, "floors": {metric: 0.5}})
    judgement = decide(Evidence(labels=labels, champion=both, challenger=both, overlap=0), gate)
    assert judgement.decision == "keep"
    assert [check.outcome for check in judgement.checks] == [
        "pass",
        "undecided",
        "undecided",
        "pass",
        "undecided",
        "pass",
    ]
    assert "no evaluation label is 'yes'" in judgement.reason
    assert judgement.labels_wanted == 80


def test_a_class_the_challenger_never_saw_is_scored_as_wrong() -> None:
    names = ("a", "b", "c")
    labels = np.array(["a", "b", "c"] * 40)
    told = np.where(labels[:, None] == np.array(names), 0.98, 0.01)
    champion = Predictions(told, labels, names, "c")
    blind = Predictions(
        np.where(labels[:, None] == "c", [0.5, 0.5, 0.0], told), np.where(labels == "c", "a", labels), names, "c"
    )
    judgement = decide(Evidence(labels=labels, champion=champion, challenger=blind, overlap=0), Gate(metric="log_loss"))
    assert judgement.decision == "keep"
    assert judgement.challenger is not None
    assert judgement.challenger.value > 10


def test_a_rare_class_that_is_not_labelled_yet_does_not_block_many_classes() -> None:
    names = ("a", "b", "c")
    labels = np.array(["a", "b"] * 100)
    told = np.where(labels[:, None] == np.array(names), 0.8, 0.1)
    good = Predictions(told, labels, names, "c")
    poor = Predictions(told, np.full(200, "a"), names, "c")
    judgement = decide(Evidence(labels=labels, champion=poor, challenger=good, overlap=0), Gate(metric="macro_f1"))
    assert judgement.decision == "promote"
    assert "no evaluation label is 'c'" in outcome(judgement, "classes").why


def test_too_few_rows_say_how_many_are_missing() -> None:
    judgement = decide(evidence(n=30), Gate(minimum_labels=50))
    assert judgement.labels_wanted == 20
    assert "20 more evaluation labels are wanted" in judgement.reason


def test_a_promising_but_unproven_gain_says_how_many_labels_would_prove_it() -> None:
    judgement = decide(evidence(n=60, old=0.80, new=0.82), Gate())
    assert judgement.decision == "keep"
    assert outcome(judgement, "gain").outcome == "undecided"
    assert 0 < judgement.labels_wanted <= MOST_WANTED * 60
    assert f"{judgement.labels_wanted} more evaluation labels are wanted" in judgement.reason


def test_the_first_model_needs_only_labels_and_floors() -> None:
    poor = evidence(champion=None, new=0.55)
    assert decide(poor, Gate()).decision == "promote"
    assert decide(poor, Gate(floors={"accuracy": 0.8})).decision == "keep"
    assert decide(evidence(n=20, champion=None), Gate()).decision == "keep"
    first = decide(poor, Gate())
    assert first.champion is None
    assert first.gain is None
    assert "first champion" in first.reason


@pytest.mark.parametrize(("margin", "decision"), [(0.0, "keep"), (0.10, "promote")])
def test_not_worse_takes_a_small_gain_within_its_margin(margin: float, decision: str) -> None:
    judgement = decide(evidence(n=200, old=0.80, new=0.81), Gate(rule="not_worse", margin=margin))
    assert judgement.decision == decision


def test_not_worse_still_refuses_a_tie() -> None:
    assert decide(evidence(old=0.8, new=0.8), Gate(rule="not_worse", margin=0.1)).decision == "keep"


def test_looks_are_told() -> None:
    check = outcome(decide(evidence(look=7, looks_at_challenger=2), Gate()), "looks")
    assert (check.outcome, check.value) == ("pass", 7)
    assert check.why == "look 7 that counts, judged at a one-sided error of 0.00089; look 2 at this challenger"


@pytest.mark.parametrize(
    ("new", "counts"),
    [({"new": 0.9}, False), ({"n": 60, "new": 0.78}, False), ({"new": 0.7}, True), ({"new": 0.5}, True)],
)
def test_a_look_that_came_close_does_not_count_for_later_ones(new: dict[str, Any], counts: bool) -> None:
    assert decide(evidence(**new), Gate()).evidence["counts"] is counts


def test_a_look_that_could_not_compare_counts() -> None:
    assert decide(evidence(champion=None), Gate()).evidence["counts"] is True


@given(
    n=st.integers(0, 120),
    old=st.floats(0, 1),
    new=st.floats(0, 1),
    overlap=st.integers(0, 2),
    minimum=st.integers(2, 100),
    metric=st.sampled_from(["accuracy", "f1", "log_loss"]),
)
def test_only_enough_clean_rows_with_a_sure_gain_promote(
    n: int, old: float, new: float, overlap: int, minimum: int, metric: str
) -> None:
    gate = Gate.model_validate({"metric": metric, "minimum_labels": minimum, "resamples": 100})
    judgement = decide(evidence(n=n, old=old, new=new, overlap=overlap), gate)
    if judgement.decision == "promote":
        assert n >= minimum
        assert overlap == 0
        assert new > old
        assert judgement.gain is not None
        assert judgement.gain.low > 0
    assert judgement.reason
    assert judgement == decide(evidence(n=n, old=old, new=new, overlap=overlap), gate)


@given(rows=st.integers(1, 5000), value=st.floats(-1, 1), width=st.floats(0.001, 1))
def test_wanted_labels_are_bounded_and_positive(rows: int, value: float, width: float) -> None:
    wanted = required_sample_size(rows, Interval(value, value - width, value + width), Gate())
    assert 1 <= wanted <= MOST_WANTED * rows
