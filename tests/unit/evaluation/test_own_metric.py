"""A metric of one's own by import path: it judges like any other, and mistakes are refused in a sentence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from tiltyard.evaluation.custom_metrics import MOST_COPIES, load_metric, repeat_rows
from tiltyard.evaluation.metrics import greater_is_better, score, scores
from tiltyard.evaluation.paired_comparison import Bootstrap, compare
from tiltyard.evaluation.predictions import Predictions
from tiltyard.evaluation.strata import Strata
from tiltyard.gate.decision import decide
from tiltyard.gate.inputs import Evidence
from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.project import Gate

NAMES = ("no", "yes")
HERE = "tests.projects.own_metrics:"


def said(told: NDArray[np.float64]) -> Predictions:
    return Predictions(np.column_stack([1 - told, told]), np.where(told >= 0.5, "yes", "no"), NAMES, "yes")


def rows(n: int, seed: int = 0) -> tuple[NDArray[np.str_], Predictions, Predictions]:
    """Labels, a poor model and a good one."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    told = [np.clip(np.where(truth, 0.7, 0.3) + rng.normal(size=n) * spread, 0.01, 0.99) for spread in (0.5, 0.1)]
    return np.where(truth, "yes", "no"), said(told[0]), said(told[1])


@pytest.mark.parametrize(("own", "known"), [("share_right", "accuracy"), ("mean_surprise_loss", "log_loss")])
def test_a_known_metric_written_anew_gives_the_same_comparison(own: str, known: str) -> None:
    labels, old, new = rows(150)
    bootstrap = Bootstrap(resamples=400)
    ours, theirs = compare(HERE + own, labels, old, new, bootstrap), compare(known, labels, old, new, bootstrap)
    assert ours.gain is not None
    assert theirs.gain is not None
    assert ours.gain.value == pytest.approx(theirs.gain.value)
    # Two bootstraps of 400 know a standard error to about 5 %.
    assert ours.gain.low == pytest.approx(theirs.gain.low, abs=0.2 * (theirs.gain.value - theirs.gain.low))


@pytest.mark.parametrize(
    ("name", "better"), [("profit", True), ("mean_surprise_loss", False), ("waste", False), ("share_right", True)]
)
def test_losses_say_so_by_name_or_attribute(name: str, better: bool) -> None:
    assert greater_is_better(HERE + name) is better


def test_the_gate_promotes_by_it_and_says_its_name() -> None:
    labels, old, new = rows(200)
    evidence = Evidence(labels=labels, champion=old, challenger=new, overlap=0)
    judgement = decide(evidence, Gate(metric=HERE + "profit"))
    assert judgement.decision == "promote"
    assert "profit is" in judgement.reason
    worse = Evidence(labels=labels, champion=new, challenger=old, overlap=0)
    assert decide(worse, Gate(metric=HERE + "profit")).decision == "keep"


def test_rows_that_stand_for_others_are_repeated() -> None:
    labels, old, new = rows(120)
    strata = Strata(np.array([0] * 80 + [1] * 40), (1600, 40))
    weights = np.array([20.0] * 80 + [1.0] * 40)
    ours = compare(HERE + "share_right", labels, old, new, Bootstrap(resamples=100), strata)
    assert ours.challenger is not None
    assert ours.challenger.value == pytest.approx(scores("accuracy", labels, new, weights[None, :])[0], abs=0.01)


@given(weights=st.lists(st.floats(0.0, 1000.0), min_size=1, max_size=50))
def test_copies_are_bounded_and_in_proportion(weights: list[float]) -> None:
    given_weights = np.array(weights) + 0.01
    copies = np.bincount(repeat_rows(given_weights), minlength=len(weights))
    assert copies.sum() <= (MOST_COPIES + 0.5) * len(weights)
    expected = given_weights / given_weights.sum() * MOST_COPIES * len(weights)
    whole = bool((given_weights == np.rint(given_weights)).all())
    assert whole or np.abs(copies - expected).max() <= 0.5


def test_an_undefined_metric_of_ones_own_keeps_the_champion() -> None:
    labels, old, new = rows(80)
    evidence = Evidence(labels=labels, champion=old, challenger=new, overlap=0)
    judgement = decide(evidence, Gate(metric=HERE + "undefined"))
    assert judgement.decision == "keep"
    assert "cannot be compared" in judgement.reason


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no_such_module:f", "cannot import 'no_such_module'"),
        (HERE + "profti", "has no function 'profti'.*did you mean 'profit'"),
        (HERE + "NUMBER", "has no function 'NUMBER'"),
        (HERE + "of_two", "cannot be called: too many positional arguments; a metric is a function of"),
    ],
)
def test_a_path_that_is_no_metric_is_refused(path: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        load_metric(path)


@pytest.mark.parametrize(("name", "message"), [("failing", "no such column"), ("wordy", "could not convert")])
def test_a_function_that_fails_or_gives_no_number_is_named(name: str, message: str) -> None:
    labels, old, _ = rows(10)
    with pytest.raises(
        TrainingError, match=f"metric 'tests.projects.own_metrics:{name}' failed on 10 rows: .*{message}"
    ):
        score(HERE + name, labels, old)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("rmse", "regression is not offered"),
        ("R2", "regression is not offered"),
        ("acuracy", "did you mean 'accuracy'"),
        ("bank.metrics", "name your own as module:function"),
        ("bank metrics:profit", "is not known"),
    ],
)
def test_what_is_no_metric_of_classes_is_refused_where_it_is_written(metric: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Gate(metric=metric)
