"""Recipes: the right default for the kinds of columns, robust preprocessing, grids as trials."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from tiltyard.samples.features import feature_frame, pool_schema
from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.project import Candidate, Project
from tiltyard.training.recipes import build_recipes, candidates_of

KINDS = {"amount": "number", "visits": "integer", "city": "category", "note": "text", "member": "boolean"}


def project(kinds: dict[str, str] | None = None, **changes: Any) -> Project:
    features = {name: {"kind": kind} for name, kind in (kinds or {**KINDS, "seen": "timestamp"}).items()}
    body = {"name": "shop", "columns": {"features": features}, "classes": ["no", "yes"], **changes}
    return Project.model_validate(body)


def rows(n: int, seed: int = 0, **changes: Any) -> pl.DataFrame:
    """Rows with rare categories, and a fifth of every column missing."""
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "amount": rng.normal(size=n),
            "visits": rng.integers(0, 9, n),
            "city": rng.choice(["Bonn", "Lima", "Oslo", *map(str, range(20))], n),
            "note": rng.choice(["fine day", "bad night", "hello"], n),
            "member": rng.random(n) < 0.5,
            "seen": [1_700_000_000_000_000 + int(value) for value in rng.integers(0, 10**12, n)],
        }
    ).with_columns(**{name: pl.lit(value) for name, value in changes.items()})
    typed = frame.cast(dict(pool_schema(project())))  # type: ignore[arg-type]  # polars narrows too far
    holes = [pl.when(pl.Series(rng.random(n) < 0.8)).then(pl.col(name)).alias(name) for name in typed.columns]
    return typed.select(holes)


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        ({"note": "text"}, ["text-linear"]),
        ({"note": "text", "title": "text"}, ["text-linear"]),
        ({"amount": "number"}, ["linear", "trees"]),
        ({"note": "text", "amount": "number"}, ["linear", "trees"]),
    ],
)
def test_defaults_follow_the_kinds_of_columns(kinds: dict[str, str], names: list[str]) -> None:
    assert [candidate.name for candidate in candidates_of(project(kinds))] == names


@pytest.mark.parametrize(
    "estimator",
    [
        "sklearn.linear_model.LogisticRegression",
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "sklearn.ensemble.RandomForestClassifier",
        "sklearn.naive_bayes.GaussianNB",
        "sklearn.neighbors.KNeighborsClassifier",
    ],
)
def test_every_kind_of_column_reaches_every_kind_of_estimator(estimator: str) -> None:
    ours = project(candidates=[{"name": "one", "estimator": estimator}])
    (recipe,) = build_recipes(ours, seed=0)
    labels = np.where(np.arange(60) % 2, "yes", "no")
    model = recipe.pipeline.fit(feature_frame(rows(60), ours), labels)
    # Unseen categories, words and missing cells in every column survive.
    new = rows(40, seed=1, city="Never seen", note="unknown words")
    nothing = new.clear(5)
    for frame in (new, nothing):
        told = model.predict_proba(feature_frame(frame, ours))
        assert told.shape == (frame.height, 2)
        assert np.isfinite(told).all()


@pytest.mark.parametrize("name", ["amount", "city", "member"])
def test_a_column_that_is_all_missing_or_constant_is_no_trouble(name: str) -> None:
    for value in (None, rows(1).with_columns(pl.all().forward_fill())[name][0]):
        ours = project()
        frame = rows(40).with_columns(pl.lit(value, dtype=pool_schema(ours)[name]).alias(name))
        labels = np.where(np.arange(40) % 2, "yes", "no")
        for recipe in build_recipes(ours, seed=0):
            assert recipe.pipeline.fit(feature_frame(frame, ours), labels).predict(feature_frame(frame, ours)).size


def test_rare_categories_share_a_column_with_unseen_ones() -> None:
    ours = project({"city": "category"})
    cities = ["Bonn"] * 20 + ["Lima"] * 20 + ["Oslo", "Rome", "Kyiv"]
    frame = feature_frame(pl.DataFrame({"city": cities}), ours)
    linear = build_recipes(ours, seed=0)[0].pipeline.fit(frame, ["no", "yes"] * 21 + ["no"])
    told = linear.predict_proba(feature_frame(pl.DataFrame({"city": ["Oslo", "Rome", "Paris"]}), ours))
    assert (told == told[0]).all()


def test_every_combination_of_a_grid_is_a_trial() -> None:
    logistic = {
        "name": "logistic",
        "estimator": "sklearn.linear_model.LogisticRegression",
        "parameters": {"max_iter": 50},
        "grid": {"C": [0.1, 1.0], "fit_intercept": [True, False]},
    }
    recipes = build_recipes(project(candidates=[logistic, {**logistic, "name": "plain", "grid": {}}]), seed=0)
    assert [recipe.candidate for recipe in recipes] == ["logistic"] * 4 + ["plain"]
    assert len({str(recipe.parameters) for recipe in recipes[:4]}) == 4
    for recipe in recipes:
        set_to = recipe.pipeline.named_steps["estimator"].get_params()
        assert {name: set_to[name] for name in recipe.parameters} == recipe.parameters


def test_preprocessing_can_be_declined() -> None:
    ours = project(
        {"amount": "number"},
        candidates=[{"name": "bare", "estimator": "sklearn.naive_bayes.GaussianNB", "preprocessing": "none"}],
    )
    assert list(build_recipes(ours, seed=0)[0].pipeline.named_steps) == ["bounds", "estimator"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grid": {"Q": [1]}}, r"candidate 'bad': .*no parameter 'Q'"),
        ({"estimator": "sklearn.linear_model.Nothing"}, r"candidate 'bad': .*'Nothing'"),
    ],
)
def test_a_broken_candidate_is_named(change: dict[str, Any], message: str) -> None:
    bad = {"name": "bad", "estimator": "sklearn.linear_model.LogisticRegression", **change}
    with pytest.raises(TrainingError, match=message):
        build_recipes(project(candidates=[bad]), seed=0)


def test_the_project_files_candidates_replace_the_defaults() -> None:
    one = Candidate(name="one", estimator="sklearn.naive_bayes.GaussianNB")
    assert candidates_of(project(candidates=[one])) == [one]
