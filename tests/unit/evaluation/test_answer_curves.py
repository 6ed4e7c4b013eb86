"""Curves of answers equal scikit-learn's, and a row that stands for several counts as often."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from tiltyard.evaluation.curves import (
    MOST_POINTS,
    Curve,
    accuracy_by_coverage,
    calibration,
    confusion,
    cost_by_threshold,
    metric_by_threshold,
    precision_recall,
    roc,
)
from tiltyard.evaluation.metrics import EncodedRows

NAMES = ("no", "yes")


def made(rows: int = 400, classes: int = 2, seed: int = 0) -> EncodedRows:
    """Answers that know something."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=rows)
    told = rng.dirichlet(np.ones(classes), size=rows) + np.eye(classes)[truth]
    told /= told.sum(axis=1, keepdims=True)
    return EncodedRows(truth, told.argmax(axis=1), told, classes - 1)


def repeated(rows: EncodedRows, times: np.ndarray) -> EncodedRows:
    return EncodedRows(
        np.repeat(rows.truth, times), np.repeat(rows.decided, times), np.repeat(rows.probabilities, times, axis=0),
        rows.positive,
    )  # fmt: skip


def once(rows: EncodedRows) -> np.ndarray:
    return np.ones(len(rows.truth))


def test_areas_are_scikit_learns() -> None:
    rows = made()
    told = rows.probabilities[:, 1]
    ranked, precise = roc(rows, once(rows)), precision_recall(rows, once(rows))
    assert ranked is not None
    assert precise is not None
    assert ranked.area == pytest.approx(roc_auc_score(rows.truth, told))
    assert precise.area == pytest.approx(average_precision_score(rows.truth, told))
    assert len(ranked.x) <= MOST_POINTS
    assert (ranked.x[0], ranked.y[0], ranked.x[-1], ranked.y[-1]) == (0, 0, 1, 1)


def test_with_more_classes_every_pair_counts() -> None:
    rows = made(classes=4)
    hit = np.eye(4)[rows.truth]
    ranked, precise = roc(rows, once(rows)), precision_recall(rows, once(rows))
    assert ranked is not None
    assert precise is not None
    assert ranked.area == pytest.approx(roc_auc_score(hit, rows.probabilities, average="micro"))
    assert precise.area == pytest.approx(average_precision_score(hit, rows.probabilities, average="micro"))


def test_labels_of_one_class_give_no_ranking() -> None:
    rows = made()
    yes = EncodedRows(np.ones_like(rows.truth), rows.decided, rows.probabilities, 1)
    assert roc(yes, once(yes)) is None
    assert precision_recall(yes, once(yes)) is None
    assert metric_by_threshold("balanced_accuracy", yes, once(yes)) is None


@given(st.integers(0, 50), st.integers(2, 4))
def test_a_row_that_stands_for_several_counts_as_often(seed: int, classes: int) -> None:
    rows = made(30, classes, seed)
    times = np.random.default_rng(seed).integers(1, 4, size=30)
    many = repeated(rows, times)
    assert np.array_equal(confusion(rows, times.astype(float)), confusion(many, once(many)))
    one, other = roc(rows, times.astype(float)), roc(many, once(many))
    assert (one and one.area) == pytest.approx(other and other.area)
    bins = calibration(rows, times.astype(float))
    assert bins.rows.sum() == times.sum()
    assert bins.rows @ bins.told == pytest.approx(
        calibration(many, once(many)).rows @ calibration(many, once(many)).told
    )


def test_the_metric_at_a_cut_is_that_of_its_decisions() -> None:
    rows = made()
    curve = metric_by_threshold("accuracy", rows, once(rows))
    assert curve is not None
    at_half = np.mean((rows.probabilities[:, 1] >= 0.5) == rows.truth)
    assert curve.y[list(curve.x).index(0.5)] == pytest.approx(at_half)
    assert metric_by_threshold("accuracy", made(classes=3), once(made(classes=3))) is None


def test_a_metric_that_no_cut_changes_is_shown_as_accuracy() -> None:
    rows = made()
    ranked, plain = metric_by_threshold("roc_auc", rows, once(rows)), metric_by_threshold("accuracy", rows, once(rows))
    assert ranked is not None
    assert plain is not None
    assert np.array_equal(ranked.y, plain.y)


def test_costs_by_cut() -> None:
    rows = EncodedRows(np.array([0, 1]), np.array([0, 1]), np.array([[0.6, 0.4], [0.3, 0.7]]), 1)
    curve = cost_by_threshold({"yes": {"no": 10.0}, "no": {"yes": 1.0}}, NAMES, rows, once(rows))
    assert isinstance(curve, Curve)
    by_cut = dict(zip(curve.x.round(2).tolist(), curve.y.tolist(), strict=True))
    assert (by_cut[0.3], by_cut[0.5], by_cut[0.8]) == (0.5, 0.0, 5.0)
    assert cost_by_threshold({}, NAMES, rows, once(rows)) is None


def test_the_surest_decisions_first() -> None:
    told = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    rows = EncodedRows(np.array([0, 1, 0]), told.argmax(axis=1), told, 1)
    curve = accuracy_by_coverage(rows, once(rows))
    assert curve is not None
    assert curve.x.tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert curve.y.tolist() == pytest.approx([1, 1, 2 / 3])


def test_no_rows_give_no_curves() -> None:
    none = EncodedRows(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2)), 1)
    assert (roc(none, once(none)), accuracy_by_coverage(none, once(none))) == (None, None)
    assert cost_by_threshold({"yes": {"no": 1.0}}, NAMES, none, once(none)) is None
    assert confusion(none, once(none)).tolist() == [[0, 0], [0, 0]]
    assert len(calibration(none, once(none)).rows) == 0
