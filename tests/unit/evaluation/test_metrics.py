"""Metrics equal scikit-learn's, on one weighting and on many, and are NaN (never a warning) where undefined."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as reference

from tiltyard.evaluation.metrics import TWO_CLASSES, class_codes, greater_is_better, report, score, scores
from tiltyard.evaluation.predictions import Predictions
from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.project import MetricName

TWO, THREE = ("no", "yes"), ("cat", "dog", "eel")
ALL: tuple[MetricName, ...] = get_args(MetricName)


def predictions(shares: NDArray[Any], names: tuple[str, ...]) -> Predictions:
    probabilities = shares / shares.sum(axis=1, keepdims=True)
    return Predictions(probabilities, np.array(names)[probabilities.argmax(axis=1)], names, names[-1])


@st.composite
def answered_rows(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[NDArray[np.str_], Predictions]:
    n = draw(st.integers(len(names), 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    # Few distinct probabilities, so that ties are common; every class stands in the labels.
    shares = rng.integers(1, draw(st.integers(2, 9)), size=(n, len(names))).astype(float)
    labels = np.array([*names, *rng.choice(names, n - len(names))])
    return labels, predictions(shares, names)


def expected(metric: MetricName, labels: NDArray[np.str_], said: Predictions, weights: Any = None) -> float:
    """What scikit-learn says."""
    names, true = list(said.class_names), sorted(set(labels))
    positive = said.probabilities[:, -1]
    rules: dict[str, Any] = {
        "accuracy": lambda: reference.accuracy_score(labels, said.decisions, sample_weight=weights),
        "f1": lambda: reference.f1_score(
            labels, said.decisions, pos_label=said.positive, sample_weight=weights, zero_division=0
        ),
        "macro_f1": lambda: reference.f1_score(
            labels, said.decisions, labels=true, average="macro", sample_weight=weights, zero_division=0
        ),
        "balanced_accuracy": lambda: reference.balanced_accuracy_score(labels, said.decisions, sample_weight=weights),
        "roc_auc": lambda: reference.roc_auc_score(labels == said.positive, positive, sample_weight=weights),
        "average_precision": lambda: reference.average_precision_score(
            labels == said.positive, positive, sample_weight=weights
        ),
        "log_loss": lambda: reference.log_loss(labels, said.probabilities, labels=names, sample_weight=weights),
        "brier": lambda: reference.brier_score_loss(
            labels, said.probabilities, labels=names, sample_weight=weights, scale_by_half=len(names) == 2
        ),
    }
    return float(rules[metric]())


@pytest.mark.parametrize("metric", ALL)
@given(rows=answered_rows(TWO))
def test_two_classes_equal_scikit_learn(metric: MetricName, rows: tuple[NDArray[np.str_], Predictions]) -> None:
    assert score(metric, *rows) == pytest.approx(expected(metric, *rows), abs=1e-12)


@pytest.mark.parametrize("metric", sorted(set(ALL) - TWO_CLASSES))
@given(rows=answered_rows(THREE))
def test_three_classes_equal_scikit_learn(metric: MetricName, rows: tuple[NDArray[np.str_], Predictions]) -> None:
    assert score(metric, *rows) == pytest.approx(expected(metric, *rows), abs=1e-12)


@pytest.mark.parametrize("metric", ALL)
def test_each_weighting_counts_rows_as_scikit_learn_does(metric: MetricName) -> None:
    rng = np.random.default_rng(0)
    said = predictions(rng.random((60, 2)), TWO)
    labels = rng.choice(TWO, 60)
    weights = rng.integers(0, 4, size=(20, 60)).astype(float)
    values = scores(metric, labels, said, weights)
    assert values == pytest.approx([expected(metric, labels, said, row) for row in weights], abs=1e-12)


@pytest.mark.parametrize("metric", ALL)
def test_one_class_gives_a_number_or_nan_but_never_a_warning(metric: MetricName) -> None:
    said = predictions(np.array([[0.2, 0.8], [0.9, 0.1], [0.5, 0.5]]), TWO)
    value = score(metric, np.array(["no", "no", "no"]), said)
    assert np.isfinite(value) == (metric in {"accuracy", "log_loss", "brier"})


@pytest.mark.parametrize("metric", ALL)
def test_no_rows_are_undefined(metric: MetricName) -> None:
    nothing = Predictions(np.zeros((0, 2)), np.array([], dtype=str), TWO, "yes")
    assert np.isnan(score(metric, np.array([], dtype=str), nothing))


def test_the_report_leaves_undefined_metrics_out() -> None:
    said = predictions(np.eye(3) + 0.1, THREE)
    assert set(report(np.array(THREE), said)) == set(ALL) - TWO_CLASSES
    assert set(report(np.array(["cat", "cat", "cat"]), said)) == {"accuracy", "log_loss", "brier"}


def test_a_class_the_model_never_saw_costs_but_does_not_crash() -> None:
    said = Predictions(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), np.array(["cat", "dog"]), THREE, "eel")
    labels = np.array(["cat", "eel"])
    assert score("accuracy", labels, said) == 0.5
    assert score("log_loss", labels, said) == pytest.approx(-np.log(np.finfo(float).eps) / 2)


def test_a_label_outside_the_project_file_is_refused_by_name() -> None:
    said = predictions(np.ones((1, 2)), TWO)
    with pytest.raises(TrainingError, match=r"label 'yess' is not a class.*did you mean 'yes'"):
        score("accuracy", np.array(["yess"]), said)


def test_a_decision_outside_the_project_file_is_simply_wrong() -> None:
    said = Predictions(np.array([[0.1, 0.2]]), np.array(["gone"]), TWO, "yes")
    assert score("accuracy", np.array(["yes"]), said) == 0.0


@given(names=st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=6, unique=True), data=st.data())
def test_codes_are_positions_in_the_project_files_order(names: list[str], data: st.DataObject) -> None:
    # numpy's text drops trailing NULs, which no class name may hold.
    names = [name.replace("\0", "0") + str(number) for number, name in enumerate(names)]
    asked = data.draw(st.lists(st.sampled_from([*names, "?", "~~~~~~"]), max_size=8))
    given_codes = class_codes(np.array(asked, dtype=str), tuple(names)).tolist()
    assert given_codes == [names.index(name) if name in names else -1 for name in asked]


def test_losses_are_better_when_smaller() -> None:
    assert [metric for metric in ALL if not greater_is_better(metric)] == ["log_loss", "brier"]
