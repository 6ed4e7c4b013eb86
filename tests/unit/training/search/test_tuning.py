"""Folds, thresholds and the choice among trials: deterministic, robust to tiny classes, honest when they fail."""

import warnings
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tiltyard.evaluation.metrics import score
from tiltyard.evaluation.predictions import Predictions, predict_rows, predictions_hash
from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.project import MetricName, Project
from tiltyard.training.folds import make_folds
from tiltyard.training.search.tuning import Fitted, fit_candidates
from tiltyard.training.thresholds import CUTS, apply_threshold, best_threshold, with_threshold

LOGISTIC = {"name": "logistic", "estimator": "sklearn.linear_model.LogisticRegression"}
TREES = {"name": "trees", "estimator": "sklearn.ensemble.HistGradientBoostingClassifier", "parameters": {"max_iter": 5}}


class Broken(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Keeps the contract until it is fitted."""

    def fit(self, _X: Any, _y: Any) -> "Broken":
        raise RuntimeError("out of luck")

    def predict(self, X: Any) -> Any: ...

    def predict_proba(self, X: Any) -> Any: ...


class Loud(LogisticRegression):  # type: ignore[misc]  # scikit-learn ships no types
    """Warns while it is fitted."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        warnings.warn("something is odd", UserWarning, stacklevel=1)
        return super().fit(X, y, sample_weight)


class Stubborn(LogisticRegression):  # type: ignore[misc]  # scikit-learn ships no types
    """Decides otherwise than its probabilities say."""

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[0])


def project(classes: tuple[str, ...] = ("no", "yes"), **changes: Any) -> Project:
    body = {
        "name": "small",
        "columns": {"features": {"x": {"kind": "number"}, "z": {"kind": "number"}}},
        "classes": list(classes),
        "candidates": [LOGISTIC],
        "tuning": {"minimum_labels": 4},
        **changes,
    }
    return Project.model_validate(body)


def rows(n: int, share: float = 0.5, seed: int = 0) -> tuple[pd.DataFrame, NDArray[np.str_]]:
    rng = np.random.default_rng(seed)
    true = rng.random(n) < share
    x = np.where(true, 1.0, -1.0) + rng.normal(size=n)
    return pd.DataFrame({"x": x, "z": rng.normal(size=n)}), np.where(true, "yes", "no")


def said(fitted: Fitted, frame: pd.DataFrame, ours: Project) -> Predictions:
    return predict_rows(fitted.model, frame, ours)


@given(
    sizes=st.lists(st.integers(1, 12), min_size=2, max_size=6),
    folds=st.integers(2, 6),
    seed=st.integers(0, 1000),
)
def test_folds_treat_classes_alike_and_never_score_what_they_fit(sizes: list[int], folds: int, seed: int) -> None:
    labels = np.repeat([f"c{number}" for number in range(len(sizes))], sizes)
    splits = make_folds(labels, folds, seed)
    scored = Counter(int(row) for _, held_out in splits for row in held_out)
    lonely = {name for name, size in Counter(labels.tolist()).items() if size == 1}
    assert set(scored) == {row for row, name in enumerate(labels) if name not in lonely}
    assert set(scored.values()) <= {1}
    for fit_on, held_out in splits:
        assert not set(fit_on) & set(held_out)
        assert len(fit_on) + len(held_out) == len(labels)
        assert set(labels[fit_on]) == set(labels)
    for name, size in Counter(labels.tolist()).items():
        shares = [int((labels[held_out] == name).sum()) for _, held_out in splits]
        if size > 1:
            assert max(shares) - min(shares) <= 1


@given(
    entities=st.lists(
        st.tuples(st.integers(1, 6), st.lists(st.sampled_from("abc"), min_size=1, max_size=3)), min_size=1
    ),
    folds=st.integers(2, 6),
    seed=st.integers(0, 1000),
)
@settings(deadline=None)
def test_folds_keep_the_rows_of_an_entity_together(
    entities: list[tuple[int, list[str]]], folds: int, seed: int
) -> None:
    units = np.array([f"e{number}" for number, (rows, names) in enumerate(entities) for _ in range(rows * len(names))])
    labels = np.array([name for rows, names in entities for name in names * rows])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        splits = make_folds(labels, folds, seed, units)
    again = make_folds(labels, folds, seed, units)
    assert [one[1].tolist() for one in splits] == [one[1].tolist() for one in again]
    assert len(splits) <= folds
    scored = Counter(int(row) for _, held_out in splits for row in held_out)
    assert set(scored.values()) <= {1}
    for fit_on, held_out in splits:
        assert not set(units[fit_on]) & set(units[held_out])
        assert len(fit_on) + len(held_out) == len(labels)
        assert len(held_out)
        assert set(labels[fit_on]) == set(labels)


def test_enough_entities_give_all_folds_that_are_asked_for() -> None:
    units = np.repeat([f"e{number}" for number in range(30)], 4)
    labels = np.where(np.arange(120) // 4 % 3 == 0, "yes", "no")
    splits = make_folds(labels, 5, 0, units)
    assert [len(held_out) for _, held_out in splits] == [24] * 5
    assert [int((labels[held_out] == "yes").sum()) for _, held_out in splits] == [8] * 5


def of_entities(number: int, each: int = 8) -> tuple[pd.DataFrame, NDArray[np.str_], NDArray[np.str_]]:
    """Rows that give away whose they are, with a label that hangs on nothing else; and whose they are."""
    rng = np.random.default_rng(0)
    whose = np.repeat(np.arange(number), each)
    frame = pd.DataFrame({"x": whose + rng.normal(0, 0.01, len(whose)), "z": rng.normal(size=len(whose))})
    return frame, np.where(rng.random(number) < 0.5, "yes", "no")[whose], np.array([f"e{one}" for one in whose])


def test_cross_validation_is_not_fooled_by_rows_of_one_entity_on_both_sides() -> None:
    frame, labels, units = of_entities(40)
    deep = {"name": "deep", "estimator": "sklearn.tree.DecisionTreeClassifier", "parameters": {"random_state": 0}}
    ours = project(candidates=[deep], gate={"metric": "accuracy"}, tuning={"folds": 4, "minimum_labels": 4})
    fooled, honest = (fit_candidates(frame, labels, ours, 0, units=one).best for one in (None, units))
    assert fooled.mean is not None
    assert fooled.mean > 0.95
    assert honest.mean is not None
    assert honest.mean < 0.75
    assert not any("folds" in note for note in honest.notes)


@pytest.mark.parametrize(
    ("entities", "told"),
    [
        (
            3,
            "2 folds instead of 4 were scored: all rows of an entity stay together, and each class must be in the "
            "training part",
        ),
        (2, "not cross-validated: all rows of an entity stay together, and each class must be in the training part"),
    ],
)
def test_too_few_entities_are_told_of(entities: int, told: str) -> None:
    frame, _, units = of_entities(entities)
    labels = np.where(units == "e0", "yes", "no")
    tuning = {"folds": 4, "minimum_labels": 4}
    best = fit_candidates(frame, labels, project(tuning=tuning), 0, units=units).best
    assert [note.startswith(told) for note in best.notes] == [True]


def test_folds_depend_on_the_seed_alone() -> None:
    labels = np.array(["a", "b"] * 20)
    first, again, other = (make_folds(labels, 3, seed) for seed in (1, 1, 2))
    assert all((one[1] == two[1]).all() for one, two in zip(first, again, strict=True))
    assert any(len(one[1]) != len(two[1]) or (one[1] != two[1]).any() for one, two in zip(first, other, strict=True))


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1", "macro_f1"])
def test_the_threshold_curve_equals_scoring_at_every_cut(metric: MetricName) -> None:
    from tiltyard.training.thresholds import _curve  # the fast way, compared with the plain one

    rng = np.random.default_rng(0)
    told = np.concatenate([rng.random(80), CUTS])
    labels = rng.choice(["no", "yes"], len(told))
    both = Predictions(np.column_stack([1 - told, told]), labels, ("no", "yes"), "yes")
    plain = [score(metric, labels, apply_threshold(cut, both)) for cut in CUTS]
    assert _curve(metric, labels, both) == pytest.approx(plain)


def test_the_threshold_is_found_where_the_classes_part_and_stays_even_without_cause() -> None:
    def fold(parted_at: float, n: int, seed: int) -> tuple[NDArray[np.str_], Predictions]:
        told = np.random.default_rng(seed).random(n)
        labels = np.where(told >= parted_at, "yes", "no")
        return labels, Predictions(np.column_stack([1 - told, told]), labels, ("no", "yes"), "yes")

    for parted_at, expected in ((0.2, 0.2), (0.5, 0.5), (0.8, 0.8)):
        folds = [fold(parted_at, 3000, seed) for seed in range(3)]
        labels, predictions = [one[0] for one in folds], [one[1] for one in folds]
        assert best_threshold("f1", labels, predictions) == pytest.approx(expected, abs=0.021)
    only_no = np.full(10, "no")
    nothing = Predictions(np.tile([0.9, 0.1], (10, 1)), only_no, ("no", "yes"), "yes")
    assert best_threshold("f1", [only_no], [nothing]) == 0.5


@pytest.mark.parametrize("threshold", [None, 0.3, 0.8])
@pytest.mark.parametrize("positive", ["no", "yes"])
def test_predictions_are_the_models_own_predict(threshold: float | None, positive: str) -> None:
    frame, labels = rows(200)
    ours = project(positive=positive)
    for model in (make_pipeline(StandardScaler(), Stubborn()), Stubborn(), LogisticRegression()):
        cut = with_threshold(model.fit(frame, labels), threshold, positive)
        told = predict_rows(cut, frame, ours)
        assert np.array_equal(told.decisions, cut.predict(frame))
        assert np.array_equal(told.probabilities, cut.predict_proba(frame))


@pytest.mark.parametrize("positive", ["no", "yes"])
def test_one_artefact_decides_at_the_threshold_for_the_positive_class(positive: str) -> None:
    frame, labels = rows(200)
    plain = LogisticRegression().fit(frame, labels)
    model = with_threshold(plain, 0.8, positive)
    assert list(model.classes_) == ["no", "yes"]
    assert (model.predict_proba(frame) == plain.predict_proba(frame)).all()
    sure = plain.predict_proba(frame)[:, list(plain.classes_).index(positive)] >= 0.8
    assert ((model.predict(frame) == positive) == sure).all()
    assert with_threshold(plain, None, positive) is plain
    assert with_threshold(plain, 0.5, positive) is plain


def test_imbalanced_classes_get_a_threshold_and_a_better_f1() -> None:
    frame, labels = rows(2000, share=0.05)
    searched, plain = (
        fit_candidates(frame, labels, project(gate={"metric": "f1"}, tuning={"threshold": how}), 0)
        for how in ("search", "none")
    )
    assert searched.best.threshold is not None
    assert searched.best.threshold < 0.5
    assert plain.best.threshold is None
    test_frame, test_labels = rows(4000, share=0.05, seed=9)
    ours = project()
    assert score("f1", test_labels, said(searched, test_frame, ours)) > score(
        "f1", test_labels, said(plain, test_frame, ours)
    )


@pytest.mark.parametrize(("metric", "searched"), [("roc_auc", False), ("log_loss", False), ("accuracy", True)])
def test_a_threshold_is_searched_only_where_it_matters(metric: str, searched: bool) -> None:
    fitted = fit_candidates(*rows(100), project(gate={"metric": metric}), 0)
    assert (fitted.best.threshold is not None) == searched


def test_the_same_rows_and_seed_give_the_same_model() -> None:
    frame, labels = rows(120)
    ours = project(
        candidates=[
            LOGISTIC,
            {**TREES, "estimator": "sklearn.ensemble.RandomForestClassifier", "parameters": {"n_estimators": 10}},
        ]
    )
    first, again = (fit_candidates(frame, labels, ours, 5) for _ in range(2))
    assert first.trials == again.trials
    hashes = [predictions_hash(said(fitted, frame, ours)) for fitted in (first, again)]
    assert hashes[0] == hashes[1]
    other = fit_candidates(frame, labels, ours, 6)
    assert [trial.mean for trial in other.trials] != [trial.mean for trial in first.trials]


def test_the_better_candidate_wins_whatever_its_place() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=400), "z": rng.normal(size=400)})
    labels = np.where(frame["x"] * frame["z"] > 0, "yes", "no")  # no line parts these
    for candidates in ([LOGISTIC, TREES], [TREES, LOGISTIC]):
        for metric in ("accuracy", "log_loss"):
            fitted = fit_candidates(frame, labels, project(candidates=candidates, gate={"metric": metric}), 0)
            assert fitted.best.candidate == "trees"
            assert len(fitted.trials) == 2


def test_equal_trials_go_to_the_first() -> None:
    fitted = fit_candidates(*rows(60), project(candidates=[LOGISTIC, {**LOGISTIC, "name": "twin"}]), 0)
    assert fitted.best.candidate == "logistic"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], r"0 training labels, 4 are needed: 4 are missing"),
        (["no", "yes", "no"], r"3 training labels, 4 are needed: 1 are missing"),
        (["no"] * 6, r"all 6 training labels are 'no': at least 1 label of another class is missing \(yes\)"),
        (["no", "yes", "ye", "no"], r"label 'ye' is not a class of the project file; did you mean 'yes'"),
    ],
)
def test_labels_that_cannot_be_trained_from_say_what_is_missing(labels: list[str], message: str) -> None:
    frame = pd.DataFrame({"x": np.arange(len(labels), dtype=float), "z": np.zeros(len(labels))})
    with pytest.raises(TrainingError, match=message):
        fit_candidates(frame, np.array(labels, dtype=object), project(), 0)


@pytest.mark.parametrize("sizes", [(3, 1), (2, 2), (9, 1, 1), (5, 2, 1)])
def test_tiny_classes_are_trained_from(sizes: tuple[int, ...]) -> None:
    names = ("a", "b", "c")
    labels = np.repeat(names[: len(sizes)], sizes)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=len(labels)), "z": rng.normal(size=len(labels))})
    ours = project(names, gate={"metric": "macro_f1"})
    fitted = fit_candidates(frame, labels, ours, 0)
    assert list(fitted.model.classes_) == list(names[: len(sizes)])
    told = said(fitted, frame, ours)
    assert told.probabilities.shape == (len(labels), 3)
    assert told.probabilities.sum(axis=1) == pytest.approx(1)


def test_a_class_that_training_never_saw_gets_probability_zero() -> None:
    ours = project(("yes", "maybe", "no"))
    frame, labels = rows(40)
    told = said(fit_candidates(frame, labels, ours, 0), frame, ours)
    assert told.class_names == ("yes", "maybe", "no")
    assert (told.probabilities[:, 1] == 0).all()
    assert np.array_equal(told.decisions, np.where(told.probabilities[:, 0] > 0.5, "yes", "no"))


def test_a_candidate_that_fails_is_kept_with_its_reason_and_the_others_go_on() -> None:
    broken = {"name": "broken", "estimator": f"{__name__}.Broken"}
    fitted = fit_candidates(*rows(40), project(candidates=[broken, LOGISTIC]), 0)
    assert [trial.problem for trial in fitted.trials] == ["RuntimeError: out of luck", ""]
    assert fitted.best.candidate == "logistic"
    with pytest.raises(TrainingError, match=r"no candidate could be fitted from 40 labels: broken: RuntimeError"):
        fit_candidates(*rows(40), project(candidates=[broken]), 0)


def test_a_candidates_warnings_are_its_notes() -> None:
    fitted = fit_candidates(*rows(40), project(candidates=[{"name": "loud", "estimator": f"{__name__}.Loud"}]), 0)
    assert fitted.best.notes == ("UserWarning: something is odd",)


def test_predictions_for_no_rows_are_empty() -> None:
    frame, labels = rows(40)
    told = said(fit_candidates(frame, labels, project(), 0), frame.head(0), project())
    assert told.probabilities.shape == (0, 2)


def test_the_predictions_hash_sees_a_flip_and_not_the_last_bit() -> None:
    base = Predictions(np.array([[0.25, 0.75]]), np.array(["yes"]), ("no", "yes"), "yes")
    near = Predictions(base.probabilities + 1e-9, base.decisions, base.class_names, "yes")
    far = Predictions(base.probabilities + 1e-4, base.decisions, base.class_names, "yes")
    flipped = Predictions(base.probabilities, np.array(["no"]), base.class_names, "yes")
    hashes = [predictions_hash(one) for one in (base, near, far, flipped)]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
