"""What a model lives on is found, on evaluation rows, within bounds, the same each time."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss

from tiltyard.evaluation import permutation_importance as importance
from tiltyard.evaluation.permutation_importance import permutation_importances
from tiltyard.schemas.project import Project, parse_project


def project_with(names: list[str], **gate: Any) -> Project:
    columns = {"features": {name: {"kind": "number"} for name in names}}
    return parse_project({"name": "p", "classes": ["no", "yes"], "columns": columns, "gate": gate}, "p.yaml")


def made(names: list[str], rows: int = 400, seed: int = 0) -> tuple[pd.DataFrame, Any]:
    """Rows whose label follows from the first column mostly and from the second a little."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, len(names))), columns=names)
    signal = 2 * frame[names[0]] + 0.7 * frame[names[1]]
    return frame, np.where(signal + rng.logistic(size=rows) * 0.3 > 0, "yes", "no")


class Counting(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Says yes where the column ``of`` is above 0, and counts how often it is asked."""

    def __init__(self, of: str = "a") -> None:
        self.of, self.calls = of, 0
        self.classes_ = np.array(["no", "yes"])

    def fit(self, *_: Any) -> "Counting":
        return self

    def predict_proba(self, X: pd.DataFrame) -> Any:
        self.calls += 1
        yes = (X[self.of] > 0).to_numpy().astype(float)
        return np.column_stack([1 - yes, yes])

    def predict(self, X: pd.DataFrame) -> Any:
        return np.where(X[self.of] > 0, "yes", "no")


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "roc_auc", "log_loss", "brier"])
def test_columns_are_told_by_what_they_are_worth(metric: str) -> None:
    frame, labels = made(["a", "b", "c"])
    model = LogisticRegression().fit(frame, labels)
    found = permutation_importances(model, frame, labels, project_with(["a", "b", "c"], metric=metric), seed=1)
    assert [row["column"] for row in found] == ["a", "b", "c"]
    assert found[0]["low"] > found[1]["high"] > 0
    assert found[2]["low"] <= 0 <= found[2]["high"]


def test_the_value_is_what_shuffling_loses() -> None:
    frame, labels = made(["a", "b"], rows=4000)
    model = Counting("a")
    project = project_with(["a", "b"])
    (first, second) = permutation_importances(model, frame[:1000], labels[:1000], project, seed=0)
    right = accuracy_score(labels[:1000], model.predict(frame[:1000]))
    by_chance = accuracy_score(labels, model.predict(frame.sample(frac=1, random_state=3)))
    assert first["value"] == pytest.approx(right - by_chance, abs=0.03)
    assert first["low"] < right - by_chance < first["high"]
    assert second == {"column": "b", "value": 0.0, "low": 0.0, "high": 0.0}


def test_a_loss_counts_as_a_gain_lost() -> None:
    frame, labels = made(["a", "b"])
    model = LogisticRegression().fit(frame, labels)
    (first, _) = permutation_importances(model, frame, labels, project_with(["a", "b"], metric="log_loss"), seed=0)
    shuffled = frame.assign(a=frame["a"].sample(frac=1, random_state=5).to_numpy())
    costs = [log_loss(labels, model.predict_proba(rows)) for rows in (frame, shuffled)]
    assert first["value"] == pytest.approx(costs[1] - costs[0], rel=0.2)


def test_work_is_bounded_and_the_column_that_counts_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "MOST_ROWS", 100)
    names = [f"n{number:03d}" for number in range(300)]
    frame, labels = made([*names[217:], *names[:217]], rows=500)
    model = Counting("n217")
    found = permutation_importances(model, frame[names], labels, project_with(names), seed=0)
    assert found[0]["column"] == "n217"
    assert len(found) == importance.MOST_COLUMNS
    # As the rows are; the groups; the columns: the latter two with the rows as they are once more, and in chunks.
    assert model.calls <= 1 + 2 * (1 + 40 * importance.REPEATS * 100 * 300 // importance.CELLS + 1)


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc"])
def test_values_are_those_of_scikit_learn(metric: str) -> None:
    frame, labels = made(["a", "b", "c"], rows=150)
    model = LogisticRegression().fit(frame, labels)
    found = permutation_importances(model, frame, labels, project_with(["a", "b", "c"], metric=metric), seed=11)
    theirs = permutation_importance(model, frame, labels, scoring=metric, n_repeats=importance.REPEATS, random_state=11)
    ours = {row["column"]: row["value"] for row in found}
    assert [ours[name] for name in "abc"] == pytest.approx(theirs.importances_mean, abs=1e-6)


def test_chunks_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, labels = made(["a", "b", "c"])
    model, project = LogisticRegression().fit(frame, labels), project_with(["a", "b", "c"])
    whole = permutation_importances(model, frame, labels, project, 3)
    monkeypatch.setattr(importance, "CELLS", 1)
    assert permutation_importances(model, frame, labels, project, 3) == whole


def test_the_same_seed_gives_the_same_answer() -> None:
    frame, labels = made(["a", "b", "c"])
    model = LogisticRegression().fit(frame, labels)
    project = project_with(["a", "b", "c"])
    assert permutation_importances(model, frame, labels, project, 3) == permutation_importances(
        model, frame, labels, project, 3
    )
    assert permutation_importances(model, frame, labels, project, 3) != permutation_importances(
        model, frame, labels, project, 4
    )


def test_an_undefined_metric_or_no_rows_give_nothing() -> None:
    frame, labels = made(["a", "b"])
    model = LogisticRegression().fit(frame, labels)
    alone = labels == "yes"
    assert (
        permutation_importances(model, frame[alone], labels[alone], project_with(["a", "b"], metric="roc_auc"), 0) == []
    )
    assert permutation_importances(model, frame[:0], labels[:0], project_with(["a", "b"]), 0) == []
