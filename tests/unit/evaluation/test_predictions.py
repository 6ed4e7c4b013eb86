"""What a model says is its own ``predict`` and ``predict_proba``, asked no more often than needed."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from tiltyard.evaluation.predictions import predict_rows
from tiltyard.schemas.project import parse_project

NAMES = ["no", "maybe", "yes"]
PROJECT = parse_project(
    {"name": "p", "classes": NAMES, "columns": {"features": {"x": {"kind": "number"}, "y": {"kind": "number"}}}}, "p"
)
ROWS = pd.DataFrame(np.random.default_rng(0).integers(0, 4, (300, 2)).astype(float), columns=["x", "y"])
LABELS = np.random.default_rng(1).choice(NAMES, 300)


class Contrary(RandomForestClassifier):  # type: ignore[misc]  # scikit-learn ships no types
    """A forest that decides in its own way."""

    def predict(self, X: Any) -> NDArray[Any]:
        return np.full(len(X), "maybe")


class Counting(RandomForestClassifier):  # type: ignore[misc]  # scikit-learn ships no types
    """A forest that counts how often its trees vote."""

    votes = 0

    def predict_proba(self, X: Any) -> Any:
        type(self).votes += 1
        return super().predict_proba(X)


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(2, random_state=0),
        ExtraTreesClassifier(2, random_state=0),
        Contrary(2, random_state=0),
        CalibratedClassifierCV(GaussianNB(), cv=2),
        DecisionTreeClassifier(max_depth=2),
        HistGradientBoostingClassifier(max_iter=3),
        LogisticRegression(),
    ],
    ids=lambda one: type(one).__name__,
)
@pytest.mark.parametrize("scaled", [False, True], ids=["alone", "in a pipeline"])
def test_decisions_are_the_models_own_where_votes_are_equal_too(estimator: Any, scaled: bool) -> None:
    # Two trees over a few distinct rows often vote for two classes alike.
    model = (make_pipeline(StandardScaler(), estimator) if scaled else estimator).fit(ROWS, LABELS)
    said = predict_rows(model, ROWS, PROJECT)
    assert said.decisions.tolist() == model.predict(ROWS).tolist()
    columns = [list(model.classes_).index(name) for name in NAMES]
    assert np.array_equal(said.probabilities, model.predict_proba(ROWS)[:, columns])


def test_a_forest_votes_once() -> None:
    model = Counting(2, random_state=0).fit(ROWS, LABELS)
    predict_rows(model, ROWS, PROJECT)
    assert Counting.votes == 1
