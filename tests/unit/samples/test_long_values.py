"""Memory does not multiply with one long value: no array of text gives each cell the room of the longest."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from tests.projects.examined_models import RuleModel
from tiltyard.evaluation.explanations import explain_rows, explanation_background
from tiltyard.gate.checks.slice_definitions import slice_by_value
from tiltyard.monitoring.drift import profile_rows
from tiltyard.query.feature_space import Candidates, column_encoder, to_points
from tiltyard.samples.evaluation_split import entity_groups
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.errors import ProjectFileError
from tiltyard.schemas.project import parse_project
from tiltyard.training.folds import make_folds
from tiltyard.training.preprocessing import preprocessing

ROWS = 2000
LONG = "x" * 90_000
MOST = 100_000_000
"""Bytes; an array of text would take 720 MB."""

COLUMNS = {
    "features": {"n": {"kind": "number"}, "c": {"kind": "category"}, "t": {"kind": "text"}},
    "context": {"who": {"kind": "category"}},
    "entity": "who",
}
PROJECT = parse_project({"name": "p", "classes": ["no", "yes"], "columns": COLUMNS}, "p.yaml")
NAMES = np.array(["no", "yes"] * (ROWS // 2))


def rows() -> pl.DataFrame:
    """Short values, and one long one in each column of text."""
    return pl.DataFrame(
        {
            "sample_id": [f"{row:032x}" for row in range(ROWS)],
            "n": np.arange(ROWS) / ROWS,
            "c": [*["u", "v"] * (ROWS // 2 - 1), "u", LONG],
            "t": [*["good day", "bad night"] * (ROWS // 2 - 1), "so", LONG],
            "who": [*[f"w{row % 50}" for row in range(ROWS - 1)], LONG],
        }
    )


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """The most bytes that were held at once since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def model_of(estimator: Any) -> Pipeline:
    return make_pipeline(preprocessing(PROJECT, estimator), estimator)


@pytest.mark.parametrize("estimator", [LogisticRegression(), HistGradientBoostingClassifier(max_iter=2)])
def test_training_and_asking_a_model(peak: Callable[[], int], estimator: Any) -> None:
    frame = feature_frame(rows(), PROJECT)
    model = model_of(estimator).fit(frame, NAMES)
    model.predict_proba(frame)
    assert peak() < MOST


def test_choosing_without_a_model(peak: Callable[[], int]) -> None:
    frame = feature_frame(rows().head(300).vstack(rows().tail(1)), PROJECT)
    to_points(Candidates(X=frame, scores=np.zeros(len(frame)), encoder=column_encoder(PROJECT)))
    assert peak() < MOST


def test_explaining(peak: Callable[[], int]) -> None:
    asked = rows().tail(20)
    model = RuleModel(lambda frame: frame["n"])
    labeled = rows()
    *_, last = explain_rows(model, asked, explanation_background(labeled, PROJECT), PROJECT)
    assert last.factors
    assert peak() < MOST


def test_what_is_told_of_a_batch(peak: Callable[[], int]) -> None:
    told = profile_rows(rows(), PROJECT)
    assert sorted(map(len, told["columns"]["c"]["top"]))[:2] == [1, 1]
    assert len(json.dumps(told)) < 20_000
    assert peak() < MOST


def test_a_class_has_a_name_of_some_length_at_most() -> None:
    with pytest.raises(ProjectFileError, match="has 201 characters, and 200 are the most"):
        parse_project({"name": "p", "classes": ["a" * 201, "b"], "columns": COLUMNS}, "p.yaml")


def test_cutting_into_slices_and_entities(peak: Callable[[], int]) -> None:
    frame = rows()
    parts = list(slice_by_value("c", frame["c"]))
    assert [(part.value[:1], part.rows) for part in parts] == [("u", ROWS // 2), ("v", ROWS // 2 - 1), ("x", 1)]
    units = entity_groups(frame, PROJECT)
    assert units is not None
    assert len(set(units.tolist())) == 51
    assert units.itemsize < 1000
    make_folds(NAMES, 3, 0, units)
    assert peak() < MOST
