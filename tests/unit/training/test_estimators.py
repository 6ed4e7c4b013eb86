"""Estimators by import path: seeded, nested, and refused with a reason."""

from typing import Any

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import get_tags

from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.project import Candidate
from tiltyard.training.estimators import build_estimator, named_types, with_parameters

HERE = __name__
FOREST = "sklearn.ensemble.RandomForestClassifier"
CALIBRATED = "sklearn.calibration.CalibratedClassifierCV"


class NoProbabilities(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    def fit(self, _X: Any, _y: Any) -> "NoProbabilities":
        return self

    def predict(self, X: Any) -> Any:
        return ["a"] * len(X)


class NotOurs:
    def fit(self, X: Any, y: Any) -> None: ...

    def predict(self, X: Any) -> None: ...

    def predict_proba(self, X: Any) -> None: ...


class Meddling(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Changes what it was given, so that no fresh copy is like it."""

    def __init__(self, names: Any = ("a",)) -> None:
        self.names = list(names)

    def fit(self, X: Any, y: Any) -> None: ...

    def predict(self, X: Any) -> None: ...

    def predict_proba(self, X: Any) -> None: ...


def made_by_a_function(depth: int = 3) -> Any:
    return build_estimator(FOREST, {"max_depth": depth}, seed=1)


def test_random_states_come_from_the_seed_unless_they_are_set() -> None:
    assert build_estimator(FOREST, {}, seed=7).random_state == 7
    assert build_estimator(FOREST, {"random_state": 3}, seed=7).random_state == 3
    assert build_estimator(FOREST, {}, seed=2**32 + 5).random_state == 5
    assert not hasattr(build_estimator("sklearn.naive_bayes.GaussianNB", {}, seed=7), "random_state")


def test_a_parameter_can_be_an_estimator() -> None:
    inner = {"estimator": "sklearn.svm.LinearSVC", "parameters": {"C": 0.5}}
    estimator = build_estimator(CALIBRATED, {"estimator": inner, "cv": 3}, seed=4)
    assert (estimator.estimator.C, estimator.estimator.random_state, estimator.cv) == (0.5, 4, 3)


def test_nested_names_reach_inside() -> None:
    inner = {"estimator": "sklearn.svm.LinearSVC"}
    estimator = build_estimator(CALIBRATED, {"estimator": inner, "estimator__C": 9.0}, seed=0)
    assert estimator.estimator.C == 9.0
    assert with_parameters(estimator, CALIBRATED, {"estimator__C": 2.0}).estimator.C == 2.0


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        ("LogisticRegression", {}, r"'LogisticRegression' is not an import path"),
        ("sklearn.nothing.Here", {}, r"cannot import 'sklearn.nothing'"),
        ("sklearn.linear_model.LogisticRegresion", {}, r"did you mean 'LogisticRegression'"),
        ("sklearn.linear_model.LogisticRegression", {"c": 1}, r"no parameter 'c'; .*C"),
        ("sklearn.linear_model.LogisticRegression", {"max_itr": 1}, r"no parameter 'max_itr'; did you mean 'max_iter'"),
        (CALIBRATED, {"estimator": {"estimator": "sklearn.svm.LinearSVC", "parameters": {"B": 1}}}, r"LinearSVC"),
        ("sklearn.svm.LinearSVC", {}, r"no predict_proba\(\); .*CalibratedClassifierCV"),
        (f"{HERE}.NoProbabilities", {}, r"no predict_proba\(\)"),
        (f"{HERE}.NotOurs", {}, r"no get_params\(\); .*BaseEstimator"),
        ("sklearn.ensemble.VotingClassifier", {}, r"cannot be made: .*estimators"),
        ("sklearn.linear_model.Ridge", {}, r"predicts numbers, .*regression is not offered; .*LogisticRegression"),
        ("sklearn.ensemble.HistGradientBoostingRegressor", {}, r"predicts numbers"),
        ("sklearn.cluster.KMeans", {}, r"finds groups without labels, and is not a classifier"),
        ("sklearn.ensemble.IsolationForest", {}, r"finds outliers without labels"),
        ("sklearn.preprocessing.StandardScaler", {}, r"(changes columns|no predict\(\))"),
        (f"{HERE}.Meddling", {}, r"cannot be cloned: .*__init__ must keep each parameter"),
        ("sklearn.linear_model.__doc__", {}, r"has no '__doc__'"),
    ],
)
def test_a_broken_contract_is_refused_with_a_reason(path: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        build_estimator(path, parameters, seed=0)


def test_a_function_may_make_the_estimator() -> None:
    made = build_estimator(f"{HERE}.made_by_a_function", {"depth": 2}, seed=0)
    assert made.max_depth == 2
    assert get_tags(made).classifier_tags is not None


def test_named_types_are_where_classes_are_defined_nested_ones_too() -> None:
    inner = {"estimator": {"estimator": "sklearn.svm.LinearSVC"}}
    candidates = [
        Candidate(name="a", estimator=CALIBRATED, parameters=inner),
        Candidate(name="b", estimator="no.such.Thing"),
        Candidate(name="c", estimator=f"{HERE}.made_by_a_function"),
    ]
    assert named_types(candidates) == ["sklearn.calibration.CalibratedClassifierCV", "sklearn.svm._classes.LinearSVC"]
