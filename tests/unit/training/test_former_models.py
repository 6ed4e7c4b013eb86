"""A model of other columns answers today's rows as it answered the rows of its time."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from tiltyard.evaluation.predictions import predict_rows
from tiltyard.query.committee import fit_committee
from tiltyard.query.feature_space import fitted_preprocessing
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.project import Project, parse_project
from tiltyard.training.model_migration import adapt_model
from tiltyard.training.recipes import restore_recipe
from tiltyard.training.thresholds import with_threshold

LINEAR = {"candidate": "linear", "estimator": "sklearn.linear_model.LogisticRegression", "parameters": {}}
ROWS = pl.DataFrame(
    {"x": [0.0, 1.0, 2.0, 3.0], "colour": ["red", "red", "blue", None], "z": [None, 1.0, 2.0, 3.0], "done": [True] * 4}
)
LABELS = np.array(["a", "a", "b", "b"])


def project_of(*names: str) -> Project:
    """A project with some of the columns."""
    kinds = {"x": "number", "colour": "category", "z": "number", "done": "boolean"}
    columns = {"features": {name: {"kind": kinds[name]} for name in names}}
    return parse_project({"name": "p", "classes": ["a", "b"], "columns": columns}, "p.yaml")


def fitted(project: Project, threshold: float | None, **recipe: Any) -> Any:
    """A model of the project's columns."""
    model = restore_recipe({**LINEAR, **recipe}, project, 0).fitted(feature_frame(ROWS, project), LABELS)
    return with_threshold(model, threshold, "b")


def features(project: Project) -> dict[str, Any]:
    """The features as the ledger keeps them."""
    said: dict[str, Any] = project.model_dump(mode="json")["columns"]["features"]
    return said


@pytest.mark.parametrize("threshold", [None, 0.7])
@pytest.mark.parametrize(
    "recipe", [{}, {"calibration": "sigmoid", "calibration_folds": 2}], ids=["plain", "calibrated"]
)
def test_a_column_that_came_later_is_kept_from_the_model(threshold: float | None, recipe: dict[str, Any]) -> None:
    then, now = project_of("x", "colour"), project_of("colour", "z", "x")
    model = fitted(then, threshold, **recipe)
    before = predict_rows(model, feature_frame(ROWS, then), then)
    after = predict_rows(adapt_model(model, features(then), now), feature_frame(ROWS, now), now)
    assert before.decisions.tolist() == after.decisions.tolist()
    assert np.array_equal(before.probabilities, after.probabilities)


@pytest.mark.parametrize("gone", ["x", "colour", "done"])
@pytest.mark.parametrize("threshold", [None, 0.7])
def test_a_column_that_went_is_missing_to_the_model(gone: str, threshold: float | None) -> None:
    names = ["x", "colour", "done"]
    then, now = project_of(*names), project_of(*(name for name in names if name != gone))
    model = fitted(then, threshold)
    emptied = ROWS.with_columns(pl.lit(None, ROWS.schema[gone]).alias(gone))
    before = predict_rows(model, feature_frame(emptied, then), then)
    after = predict_rows(adapt_model(model, features(then), now), feature_frame(ROWS.drop(gone), now), now)
    assert np.array_equal(before.probabilities, after.probabilities)
    assert before.decisions.tolist() == after.decisions.tolist()


def test_the_space_of_points_and_a_committee_are_those_of_the_model(recwarn: pytest.WarningsRecorder) -> None:
    then, now = project_of("x", "colour"), project_of("x", "z")
    model = adapt_model(fitted(then, 0.7), features(then), now)
    points = fitted_preprocessing(model)
    assert points is not None
    assert np.asarray(points.transform(feature_frame(ROWS, now))).dtype == np.float64
    members = fit_committee(model, feature_frame(ROWS, now), LABELS, 2, seed=0)
    assert [len(member.predict(feature_frame(ROWS, now))) for member in members] == [4, 4]
    assert not list(recwarn)


def test_a_model_of_the_same_columns_is_itself() -> None:
    project = project_of("x", "colour")
    model = fitted(project, 0.7)
    assert adapt_model(model, features(project), project) is model
