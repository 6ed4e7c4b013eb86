"""Influences are the metric's derivatives by the rows' weights, and tell how few rows a gain rests on."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tiltyard.evaluation.influence import MOST_LEFT_OUT, effective_sample_size, influences
from tiltyard.evaluation.metrics import TWO_CLASSES, EncodedRows, score_encoded
from tiltyard.schemas.project import MetricName

ALL: tuple[MetricName, ...] = get_args(MetricName)


def rows_of(seed: int, rows: int, classes: int, ties: int = 5) -> EncodedRows:
    """Answers with many equal probabilities, so that ties count."""
    rng = np.random.default_rng(seed)
    shares = rng.integers(1, ties + 1, size=(rows, classes)).astype(float)
    probabilities = shares / shares.sum(axis=1, keepdims=True)
    truth = rng.integers(classes, size=rows)
    truth[:classes] = np.arange(classes)
    names = tuple("abc"[:classes])
    return EncodedRows(truth, probabilities.argmax(axis=1), probabilities, classes - 1, names)


def by_difference(metric: str, rows: EncodedRows, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The derivative as a difference quotient."""
    step = 1e-6 * np.eye(len(weights))
    up, down = score_encoded(metric, rows, weights + step), score_encoded(metric, rows, weights - step)
    derivative: NDArray[np.float64] = (up - down) / 2e-6 * weights.sum()
    return derivative


@pytest.mark.parametrize(
    ("metric", "classes"), [(name, count) for name in ALL for count in (2, 3) if count == 2 or name not in TWO_CLASSES]
)
@given(seed=st.integers(0, 1000))
def test_an_influence_is_the_derivative_by_the_weight(metric: str, classes: int, seed: int) -> None:
    rows = rows_of(seed, 25, classes)
    weights = np.random.default_rng(seed).random(25) + 0.5
    found = influences(metric, rows, weights)
    assert found == pytest.approx(by_difference(metric, rows, weights), abs=1e-6)
    assert weights @ found == pytest.approx(0, abs=1e-9)


def test_a_decision_for_no_class_counts_as_wrong() -> None:
    rows = rows_of(1, 20, 2)
    gone = EncodedRows(rows.truth, np.where(np.arange(20) < 4, -1, rows.decided), rows.probabilities, 1, rows.names)
    for metric in ("accuracy", "balanced_accuracy", "f1", "macro_f1"):
        assert influences(metric, gone, np.ones(20)) == pytest.approx(
            by_difference(metric, gone, np.ones(20)), abs=1e-6
        )


def test_an_undefined_metric_has_no_influences() -> None:
    rows = rows_of(0, 20, 2)
    one_class = EncodedRows(np.zeros(20, dtype=np.int64), rows.decided, rows.probabilities, 1, rows.names)
    assert np.isnan(influences("roc_auc", one_class, np.ones(20))).all()


@given(same=st.integers(0, 40), others=st.integers(0, 40), size=st.floats(0.01, 100))
def test_rows_that_carry_alike_are_counted(same: int, others: int, size: float) -> None:
    signs = np.where(np.arange(same) % 2, size, -size)
    assert effective_sample_size(np.concatenate([signs, np.zeros(others)])) == pytest.approx(same)


def test_one_row_that_carries_nearly_all_counts_as_one() -> None:
    assert effective_sample_size(np.array([100.0] + [0.1] * 500)) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("rows", [30, MOST_LEFT_OUT + 60])
def test_a_metric_of_ones_own_is_left_out_in_turn(rows: int) -> None:
    answers = rows_of(2, rows, 2)
    own = influences("tests.projects.own_metrics:share_right", answers, np.ones(rows))
    known = influences("accuracy", answers, np.ones(rows))
    assert effective_sample_size(own) == pytest.approx(effective_sample_size(known), rel=0.1)
    assert own[:30] == pytest.approx(known[:30], abs=0.06)
