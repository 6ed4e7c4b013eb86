"""Whatever finite number a contract lets in: models, distances and clusters go on, and say nothing."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline

from tiltyard.evaluation.explanations import explain_rows, explanation_background
from tiltyard.evaluation.predictions import predict_rows
from tiltyard.gate.checks.robustness import perturb
from tiltyard.query.feature_space import Candidates, to_points
from tiltyard.query.linear_margin import rows_below_margin
from tiltyard.query.selection import QuerySpec, select_samples
from tiltyard.samples.features import feature_frame
from tiltyard.samples.numeric_bounds import LARGEST, Bounded, clip_to_bounds
from tiltyard.schemas.project import Project
from tiltyard.stores.registry.serialization import dump_model, load_model
from tiltyard.training.model_migration import with_numeric_bounds
from tiltyard.training.recipes import build_recipes
from tiltyard.training.thresholds import with_threshold

EXTREMES = [3.5e38, -3.5e38, 1e300, -1e300, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 1e-150, 0.0, -0.0]
FOREST = "sklearn.ensemble.RandomForestClassifier"
ESTIMATORS: list[tuple[str, dict[str, Any]]] = [
    (FOREST, {"n_estimators": 5}),
    ("sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 3}),
    ("sklearn.linear_model.LogisticRegression", {}),
    ("sklearn.naive_bayes.GaussianNB", {}),
    ("sklearn.neighbors.KNeighborsClassifier", {}),
    ("sklearn.neural_network.MLPClassifier", {"max_iter": 5, "hidden_layer_sizes": [3]}),
]
NUMBERS = st.sampled_from(EXTREMES) | st.floats(allow_nan=False, allow_infinity=False) | st.none()


def project(*candidates: dict[str, Any], **changes: Any) -> Project:
    columns = {"x": {"kind": "number"}, "y": {"kind": "number"}, "colour": {"kind": "category"}}
    body = {"name": "p", "columns": {"features": columns}, "classes": ["a", "b", "c"], "candidates": list(candidates)}
    return Project.model_validate({**body, **changes})


def rows(number: int = 60, **changed: list[float | None]) -> tuple[pl.DataFrame, np.ndarray[Any, Any]]:
    """Rows whose class follows from x; some cells are changed."""
    rng = np.random.default_rng(0)
    labels = np.array(list("abc"))[np.arange(number) % 3]
    values = {"x": 3 * (np.arange(number) % 3) + rng.normal(size=number), "y": rng.normal(size=number)}
    cells = {name: [*changed.get(name, []), *column.tolist()][:number] for name, column in values.items()}
    ids = [f"{place:032x}" for place in range(number)]
    return pl.DataFrame({"sample_id": ids, **cells, "colour": ["red", "blue"] * (number // 2)}), labels


def probabilities_of(model: Any, frame: pd.DataFrame, ours: Project) -> np.ndarray[Any, Any]:
    return predict_rows(model, frame, ours).probabilities


@pytest.mark.parametrize(("path", "parameters"), ESTIMATORS)
@pytest.mark.parametrize("prepared", ["default", "none"])
def test_every_estimator_is_fitted_on_extreme_numbers_and_asked_about_others(
    path: str, parameters: dict[str, Any], prepared: str
) -> None:
    ours = project({"name": "one", "estimator": path, "parameters": parameters, "preprocessing": prepared})
    # Without preprocessing an estimator gets what it can take itself: no text.
    if prepared == "none":
        kinds = {name: {"kind": "number"} for name in ("x", "y")}
        ours = ours.model_copy(update={"columns": ours.columns.model_validate({"features": kinds})})
    seen, labels = rows(x=[*EXTREMES])
    new, _ = rows(y=[*EXTREMES])
    (recipe,) = build_recipes(ours, seed=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(converge|Convergence|iterations|ITERATIONS).*")
        model = recipe.fitted(feature_frame(seen, ours), labels)
        told = probabilities_of(model, feature_frame(new, ours), ours)
    assert np.isfinite(told).all()
    assert np.allclose(told.sum(axis=1), 1)


@settings(max_examples=12)
@given(seen=st.lists(NUMBERS, max_size=12), asked=st.lists(NUMBERS, max_size=12), seed=st.integers(0, 3))
def test_default_models_choose_and_explain_whatever_the_numbers(
    seen: list[float | None], asked: list[float | None], seed: int
) -> None:
    ours = project()
    known, labels = rows(x=seen)
    pool, _ = rows(x=asked, y=asked[::-1])
    recipe = build_recipes(ours, seed=0)[seed % 2]
    model = recipe.fitted(feature_frame(known, ours), labels)
    assert np.isfinite(probabilities_of(model, feature_frame(pool, ours), ours)).all()
    strategies: list[Any] = ["margin_kmeans", "ranked_batch", "margin", "entropy"]
    wanted = QuerySpec(number=7, strategy=strategies[seed], seed=seed)
    chosen = select_samples([pool], wanted, ours, model=model, labeled=known)
    assert chosen.height == 7
    assert explain_rows(model, chosen, explanation_background(known, ours), ours)[0].label in ours.class_names
    assert select_samples([pool], QuerySpec(number=7, seed=seed), ours, labeled=known).height == 7
    assert perturb(pool.with_columns(sample_key=pl.int_range(pl.len())), ours, seed).height == pool.height


@settings(max_examples=30)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=9))
def test_points_of_any_numbers_are_finite_with_and_without_an_encoder(cells: list[tuple[Any, Any]]) -> None:
    values = np.array(cells, dtype=np.float64)
    frame = pd.DataFrame(values, columns=["x", "y"])
    for X in (values, frame):
        points, none = to_points(Candidates(X=X, scores=np.zeros(len(values))))
        assert np.isfinite(points).all()
        assert len(none) == 0


@given(st.lists(st.floats(), min_size=1, max_size=9))
def test_bounded_changes_what_is_beyond_and_nothing_else(cells: list[float]) -> None:
    values = np.array([cells, cells])
    within = clip_to_bounds(values)
    beyond = np.abs(values) > LARGEST
    assert np.array_equal(within[~beyond], values[~beyond], equal_nan=True)
    assert (np.abs(within[beyond]) == LARGEST).all()
    assert (np.sign(within[beyond]) == np.sign(values[beyond])).all()
    frame = pd.DataFrame(values).assign(text="a", whole=2**62)
    own = clip_to_bounds(frame)
    assert np.array_equal(own[[*range(len(cells))]].to_numpy(), within, equal_nan=True)
    assert own[["text", "whole"]].equals(frame[["text", "whole"]])
    compressed = sparse.csr_matrix(values)
    assert np.array_equal(clip_to_bounds(compressed).toarray(), clip_to_bounds(compressed.toarray()), equal_nan=True)


def test_rows_within_the_bounds_are_not_copied_and_the_step_is_stored() -> None:
    frame = feature_frame(rows()[0], project())
    step = Bounded()
    assert step.fit(frame).transform(frame) is frame
    assert step.get_feature_names_out().tolist() == ["colour", "x", "y"]
    assert clone(step).get_params() == {}
    assert load_model(dump_model(step)).transform(frame) is frame


@pytest.mark.parametrize("threshold", [None, 0.7])
def test_models_of_before_meet_huge_numbers_behind_the_same_step(threshold: float | None) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=40)})
    labels = np.where(frame["x"] > 0, "yes", "no")
    before = with_threshold(make_pipeline(LogisticRegression()).fit(frame, labels), threshold, "yes")
    now = with_numeric_bounds(before)
    assert isinstance(now, FixedThresholdClassifier) == (threshold is not None)
    assert np.array_equal(now.predict_proba(frame), before.predict_proba(frame))
    assert np.array_equal(now.predict(frame), before.predict(frame))
    assert now.predict(pd.DataFrame({"x": [1e300, -1e300]})).tolist() == ["yes", "no"]
    assert with_numeric_bounds(now) is now


def test_margins_beyond_float32_are_wide_and_say_nothing() -> None:
    values = np.array([[1e300], [0.0], [-1e300]])
    for names in (["a", "b"], ["a", "b", "c"]):
        model = LogisticRegression().fit(
            np.arange(30.0)[:, None] % len(names), np.array(names)[np.arange(30) % len(names)]
        )
        found = rows_below_margin(model, values, 0.9)
        assert found is not None
        assert found.tolist() == [1]
