"""Searches: what is tried, in which order, with how many workers, until when; and that each finds what is there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.architecture.sources import ROOT
from tests.architecture.written_commands import blocks
from tiltyard.schemas.errors import ProjectFileError, TrainingError
from tiltyard.schemas.project import Candidate, Project, Range, Tuning, parse_project
from tiltyard.training.search.search import balanced_order, rung_sizes
from tiltyard.training.search.search_space import parameter_combinations, sample_combinations
from tiltyard.training.search.tuning import Chosen, choose_recipe, fit_candidates, fit_recorded

PAGE = ROOT / "docs" / "how-to" / "tune-candidates.md"
LOGISTIC = "sklearn.linear_model.LogisticRegression"
TREES = "sklearn.ensemble.HistGradientBoostingClassifier"
SPACE = {"C": {"low": 1e-4, "high": 100.0, "log": True}}
SEARCHED = {"name": "logistic", "estimator": LOGISTIC, "space": SPACE, "grid": {"fit_intercept": [True, False]}}


def body(candidates: list[dict[str, Any]] | None = None, **tuning: Any) -> dict[str, Any]:
    return {
        "name": "small",
        "columns": {"features": {"x": {"kind": "number"}, "z": {"kind": "number"}}},
        "classes": ["no", "yes"],
        "candidates": [SEARCHED] if candidates is None else candidates,
        "tuning": {"minimum_labels": 4, "folds": 2, **tuning},
    }


def project(candidates: list[dict[str, Any]] | None = None, **tuning: Any) -> Project:
    return Project.model_validate(body(candidates, **tuning))


def rows(n: int = 200, seed: int = 0) -> tuple[pd.DataFrame, NDArray[np.str_]]:
    rng = np.random.default_rng(seed)
    true = rng.random(n) < 0.5
    x = np.where(true, 1.0, -1.0) + rng.normal(size=n)
    return pd.DataFrame({"x": x, "z": rng.normal(size=n)}), np.where(true, "yes", "no")


def searched(search: str, seed: int = 0, n: int = 200, **tuning: Any) -> Chosen:
    return choose_recipe(*rows(n), project(search=search, **tuning), seed)


@pytest.mark.parametrize(("search", "number"), [("random", 7), ("optuna", 7), ("halving", 7)])
def test_a_search_tries_as_many_combinations_as_it_may(search: str, number: int) -> None:
    chosen = searched(search, trials=number)
    first = [trial for trial in chosen.trials if trial.rung == 0]
    assert len(first) == number
    assert {trial.stage for trial in chosen.trials} == {"search"}
    assert len({str(trial.parameters) for trial in first}) == number
    for trial in first:
        assert 1e-4 <= trial.parameters["C"] <= 100
        assert trial.parameters["fit_intercept"] in {True, False}
    assert chosen.recipe["search"] == {"method": search, "tried": len(chosen.trials), "left": 0}
    assert chosen.recipe["parameters"] == chosen.best.parameters


@pytest.mark.parametrize("search", ["random", "halving", "optuna"])
def test_the_same_rows_and_seed_give_the_same_search_and_another_seed_another(search: str) -> None:
    first, again, other = (searched(search, seed, trials=6) for seed in (3, 3, 4))
    assert first == again
    assert [trial.parameters for trial in first.trials] != [trial.parameters for trial in other.trials]


@pytest.mark.parametrize("search", ["random", "optuna"])
def test_the_number_of_workers_changes_no_result(search: str) -> None:
    alone, together = (searched(search, trials=5, workers=workers) for workers in (1, 2))
    assert alone.trials == together.trials
    assert alone.recipe == together.recipe


@pytest.mark.parametrize("search", ["random", "halving", "optuna"])
def test_a_search_finds_the_parameter_that_matters(search: str) -> None:
    # Depth 1 cannot part these, deeper trees can.
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=400), "z": rng.normal(size=400)})
    labels = np.where(frame["x"] * frame["z"] > 0, "yes", "no")
    tree = {"name": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier",
            "space": {"max_depth": {"low": 1, "high": 12, "integer": True}}}  # fmt: skip
    chosen = choose_recipe(frame, labels, project([tree], search=search, trials=9), 0)
    assert chosen.best.parameters["max_depth"] >= 3
    assert chosen.best.mean is not None
    assert chosen.best.mean > 0.9


def test_halving_gives_few_rows_to_many_and_all_rows_to_few() -> None:
    chosen = searched("halving", trials=9, n=600)
    by_rung = {rung: [one for one in chosen.trials if one.rung == rung] for rung in range(3)}
    assert [len(by_rung[rung]) for rung in range(3)] == [9, 3, 1]
    assert [{one.rows for one in by_rung[rung]} for rung in range(3)] == [{66}, {200}, {600}]
    assert [one.state for one in chosen.trials].count("dropped") == 8
    assert chosen.best.rung == 2
    best = max(by_rung[0], key=lambda one: (one.mean, -one.metrics["log_loss"]))
    assert best.state == "complete"
    assert str(best.parameters) in {str(one.parameters) for one in by_rung[1]}


@given(rows=st.integers(10, 100_000), trials=st.integers(1, 500), classes=st.integers(2, 80))
def test_rungs_grow_to_all_rows_and_never_are_too_small(rows: int, trials: int, classes: int) -> None:
    sizes = rung_sizes(rows, trials, classes)
    assert sizes[-1] == rows
    assert sizes == sorted(sizes)
    assert len(sizes) == 1 or sizes[0] >= max(60, 10 * classes)


@given(st.lists(st.sampled_from("abc"), min_size=3, max_size=60), st.integers(0, 100))
def test_every_first_part_of_the_balanced_order_has_each_class_in_its_share(names: list[str], seed: int) -> None:
    labels = np.array(names)
    order = balanced_order(labels, seed)
    assert sorted(order.tolist()) == list(range(len(names)))
    for size in range(len(set(names)), len(names) + 1):
        for name in set(names):
            held, share = (labels[order[:size]] == name).sum(), (labels == name).mean()
            assert abs(held - share * size) <= len(set(names))
            assert held >= 1


def test_a_grid_is_tried_whole_and_chance_never_repeats_one() -> None:
    grid = {"C": [0.1, 1.0, 10.0], "fit_intercept": [True, False]}
    named = Candidate(name="c", estimator=LOGISTIC, grid=grid)
    assert len(parameter_combinations(named, Tuning(), 0)) == 6
    some = parameter_combinations(named, Tuning(search="random", trials=4), 0)
    assert len({str(one) for one in some}) == 4
    assert len(parameter_combinations(named, Tuning(search="random", trials=50), 0)) == 6


@pytest.mark.parametrize(
    ("bounds", "whole"),
    [
        (Range(low=1, high=5, integer=True), True),
        (Range(low=1, high=1000, integer=True, log=True), True),
        (Range(low=0.5, high=2), False),
        (Range(low=1e-6, high=1e-2, log=True), False),
    ],
)
def test_drawn_numbers_stay_in_their_range_and_reach_its_ends(bounds: Range, whole: bool) -> None:
    values = [
        one["a"] for one in sample_combinations(Candidate(name="c", estimator="m.C", space={"a": bounds}), 400, seed=0)
    ]
    assert all(bounds.low <= value <= bounds.high for value in values)
    assert all(isinstance(value, int) == whole for value in values)
    assert all(type(value) in {int, float} for value in values)
    if whole and bounds.high < 10:
        assert set(values) == set(range(1, 6))
    middle = np.sqrt(bounds.low * bounds.high) if bounds.log else (bounds.low + bounds.high) / 2
    assert 0.35 < np.mean([value < middle for value in values]) < 0.65


def ticks(*times: float) -> Iterator[float]:
    yield from times
    while True:
        yield times[-1]


@pytest.mark.parametrize(("search", "tried"), [("random", 3), ("optuna", 3), ("halving", 3), ("grid", 1)])
def test_no_trial_is_begun_after_the_time_is_over(search: str, tried: int) -> None:
    # The clock is read when the search begins and before each trial but the first.
    clock = ticks(0.0, 1.0, 2.0, 9.0) if search != "grid" else ticks(0.0, 99.0)
    candidates = [{"name": "c", "estimator": LOGISTIC, "grid": {"C": [0.1, 1.0, 10.0]}}] if search == "grid" else None
    ours = project(candidates, search=search, trials=12, seconds=5)
    chosen = choose_recipe(*rows(), ours, 0, clock=lambda: next(clock))
    assert len(chosen.trials) == tried
    assert chosen.recipe["search"]["left"] == (3 if search == "grid" else 12) - len(chosen.trials)
    assert chosen.best in chosen.trials


def test_time_that_is_over_in_a_halving_leaves_the_rung_that_saw_most_rows() -> None:
    clock = ticks(*[0.0] * 11, 9.0)
    chosen = choose_recipe(*rows(600), project(search="halving", trials=9, seconds=5), 0, clock=lambda: next(clock))
    assert {one.rung for one in chosen.trials} == {0, 1}
    assert chosen.best.rung == 1
    assert chosen.best.rows == 200


def test_what_a_search_came_to_is_read_back_as_it_was_written() -> None:
    import json

    chosen = searched("random", trials=3)
    assert Chosen.read(json.loads(json.dumps(chosen.written()))) == chosen


@pytest.mark.parametrize("search", ["grid", "random", "halving", "optuna"])
def test_fitting_what_was_recorded_needs_no_search(search: str) -> None:
    frame, labels = rows()
    first = {"name": "c", "estimator": LOGISTIC, "grid": {"C": [0.01, 10.0]}}
    ours = project([first, {"name": "t", "estimator": TREES}], search=search, trials=3)
    fitted = fit_candidates(frame, labels, ours, 5)
    again = fit_recorded(frame, labels, ours, 5, recipe=fitted.recipe, threshold=fitted.best.threshold)
    assert np.array_equal(again.predict_proba(frame), fitted.model.predict_proba(frame))
    assert np.array_equal(again.predict(frame), fitted.model.predict(frame))


def test_warm_tries_the_champions_own_parameters_first() -> None:
    champion = {"candidate": "logistic", "estimator": LOGISTIC, "parameters": {"C": 0.123}}
    ours = project(search="random", trials=2)
    chosen = choose_recipe(*rows(), ours, 0, warm=champion)
    assert [one.stage for one in chosen.trials] == ["warm", "search", "search"]
    assert chosen.trials[0].parameters == {"C": 0.123}
    only = choose_recipe(*rows(), project([{"name": "c", "estimator": LOGISTIC, "parameters": {"C": 1e-9}}]), 0,
                         warm=champion)  # fmt: skip
    assert only.recipe["start"] == "warm"
    assert only.recipe["parameters"] == {"C": 0.123}
    with pytest.raises(TrainingError, match=r"the champion's own recipe: .*set tuning.start to cold"):
        choose_recipe(*rows(), ours, 0, warm={**champion, "estimator": "gone.Away"})


def test_candidates_of_the_default_are_searched_in_spaces_of_their_own() -> None:
    ours = project([], search="random", trials=3)
    chosen = choose_recipe(*rows(), ours, 0)
    assert [one.candidate for one in chosen.trials] == ["linear"] * 3 + ["trees"] * 3
    assert len({one.parameters["C"] for one in chosen.trials[:3]}) == 3
    plain = choose_recipe(*rows(), project([]), 0)
    assert dict(plain.trials[0].parameters) == {"max_iter": 1000}


def test_a_candidate_without_a_space_is_tried_once_beside_those_that_are_searched() -> None:
    for search in ("random", "halving", "optuna"):
        ours = project([SEARCHED, {"name": "plain", "estimator": LOGISTIC}], search=search, trials=3)
        chosen = choose_recipe(*rows(), ours, 0)
        assert [one.candidate for one in chosen.trials].count("plain") == 1


@pytest.mark.parametrize(
    ("candidates", "tuning", "message"),
    [
        ([SEARCHED], {}, r"'logistic' has a space, which search 'grid' does not read"),
        ([{"name": "c", "estimator": LOGISTIC}], {"search": "random"}, r"no candidate has a grid or a space"),
        ([{**SEARCHED, "grid": {"C": [1]}}], {"search": "random"}, r"'C' is under both grid and space"),
        ([{"name": "c", "estimator": LOGISTIC, "grid": {"C": []}}], {}, r"grid names no values of 'C'"),
        ([{**SEARCHED, "space": {"C": {"low": 2, "high": 1}}}], {"search": "random"}, r"low 2 is not below high 1"),
        ([{**SEARCHED, "space": {"C": {"low": 0, "high": 1, "log": True}}}], {"search": "random"}, r"low above 0"),
        (
            [{**SEARCHED, "space": {"C": {"low": 0.5, "high": 3, "integer": True}}}],
            {"search": "random"},
            r"ends in whole numbers, got 0.5",
        ),
        (None, {"search": "gird"}, r"search: .*'grid', 'random', 'halving' or 'optuna'"),
    ],
)
def test_a_search_that_cannot_be_meant_is_refused(candidates: Any, tuning: dict[str, Any], message: str) -> None:
    with pytest.raises(ProjectFileError, match=message):
        parse_project(body(candidates, **tuning), "project.yaml")


def test_a_parameter_that_the_estimator_does_not_have_is_named() -> None:
    unknown = {**SEARCHED, "space": {"Q": SPACE["C"]}}
    for search in ("random", "halving", "optuna"):
        with pytest.raises(TrainingError, match=r"candidate 'logistic': .*no parameter 'Q'"):
            choose_recipe(*rows(), project([unknown], search=search), 0)


def test_the_page_on_tuning_shows_project_files_that_can_be_read() -> None:
    shown = [yaml.safe_load(block.text) for block in blocks(PAGE) if block.language == "yaml"]
    assert len(shown) >= 3
    named = {name for keys in shown for name in keys.get("tuning", {})}
    assert named >= {"search", "trials", "seconds", "workers", "threshold"}
    for keys in shown:
        parse_project({**body([]), "tuning": {}, **keys}, "the page")
    text = PAGE.read_text("utf-8")
    assert [name for name in Tuning.model_fields if f"`{name}" not in text and name != "minimum_labels"] == []


def test_optuna_is_asked_for_only_where_it_is_used_and_named_where_it_is_missing(tmp_path: Path) -> None:
    (tmp_path / "optuna.py").write_text("raise ModuleNotFoundError('no optuna here')")
    code = (
        "from tests.unit.training.search.test_searching import *\n"
        "searched('random', trials=2)\n"
        "try:\n    searched('optuna', trials=2)\n"
        "except TrainingError as error:\n    print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "tuning.search is 'optuna', which is not installed; pip install 'tiltyard[optuna]'" in run.stdout
