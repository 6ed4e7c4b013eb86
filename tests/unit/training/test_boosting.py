"""LightGBM, XGBoost and CatBoost as candidates: what they are told, what they say, how they are stored and refused."""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

from tiltyard.evaluation.predictions import predict_rows
from tiltyard.schemas.errors import RegistryError, TrainingError
from tiltyard.schemas.project import Project
from tiltyard.stores.registry.serialization import dump_model, load_model
from tiltyard.training.boosting.candidates import Boosted
from tiltyard.training.boosting.stored_formats import refuse_unsound_lightgbm, refuse_unsound_xgboost
from tiltyard.training.estimators import build_estimator
from tiltyard.training.search.tuning import fit_candidates

LIGHTGBM, XGBOOST = "lightgbm.LGBMClassifier", "xgboost.XGBClassifier"
CATBOOST, FOREST = "catboost.CatBoostClassifier", "xgboost.XGBRFClassifier"
FEW = {
    LIGHTGBM: {"n_estimators": 6},
    XGBOOST: {"n_estimators": 6},
    CATBOOST: {"iterations": 6},
    FOREST: {"n_estimators": 6},
}
CALIBRATED = "sklearn.calibration.CalibratedClassifierCV"


@pytest.fixture(params=FEW)
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def data(classes: int = 3, number: int = 150) -> tuple[Any, Any]:
    """Rows with holes whose class follows from the first column; the names are in no order."""
    rng = np.random.default_rng(0)
    names = np.array(["mid", "low", "high"][:classes])
    codes = np.arange(number) % classes
    rows = np.column_stack([4.0 * codes + rng.normal(size=number), rng.normal(size=number)])
    rows[::17, 1] = np.nan
    return rows, names[codes]


def project(*candidates: dict[str, Any], classes: int = 3, **changes: Any) -> Project:
    columns = {"x": {"kind": "number"}, "note": {"kind": "text"}, "shop": {"kind": "category"}}
    names = ["low", "mid", "high"][:classes]
    body = {"name": "boost", "columns": {"features": columns}, "classes": names, "candidates": list(candidates)}
    return Project.model_validate({**body, **changes})


def frame(classes: int = 3) -> tuple[pd.DataFrame, Any]:
    rows, labels = data(classes)
    told = pd.DataFrame({"note": ["👍 fine", "no"] * 75, "shop": ["a", "b", "c"] * 50, "x": rows[:, 0]})
    return told, labels


@pytest.mark.parametrize("classes", [2, 3])
def test_it_learns_text_classes_in_scikit_learns_order_and_says_the_same_once_stored(path: str, classes: int) -> None:
    rows, labels = data(classes)
    model = build_estimator(path, FEW[path], seed=4).fit(rows, labels)
    assert model.classes_.tolist() == sorted(set(labels))
    told = model.predict_proba(rows)
    assert told.shape == (len(rows), classes)
    assert np.allclose(told.sum(axis=1), 1, atol=1e-5)
    assert (model.predict(rows) == labels).mean() > 0.8
    back = load_model(dump_model(model))
    assert np.array_equal(back.predict_proba(rows), told)
    assert np.array_equal(back.predict(rows), model.predict(rows))
    assert isinstance(back, Boosted)
    assert repr(back.get_params()) == repr(model.get_params())  # NaN is no NaN


def test_the_seed_decides_nothing_is_printed_and_nothing_is_written(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows, labels = data()
    drawn = {CATBOOST: {"bootstrap_type": "Bernoulli", "subsample": 0.5}}.get(path, {"subsample": 0.5})
    drawn |= {"subsample_freq": 1} if path == LIGHTGBM else {}
    one, same, other = (
        build_estimator(path, {**FEW[path], **drawn}, seed).fit(rows, labels) for seed in (2**33 + 1, 2**33 + 1, 2)
    )
    assert np.array_equal(one.stored_, same.stored_)
    assert not np.array_equal(one.predict_proba(rows), other.predict_proba(rows))
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("tuning", [{"threshold": "search"}, {"class_weight": "balanced"}, {"calibration": "sigmoid"}])
def test_a_whole_search_with_text_numbers_and_categories(path: str, tuning: dict[str, Any]) -> None:
    candidate = {"name": "one", "estimator": path, "parameters": FEW[path], "grid": {"max_depth": [2, 3]}}
    rows, labels = frame(2)
    fitted = fit_candidates(rows, labels, project(candidate, classes=2, tuning={"folds": 2, **tuning}), seed=0)
    assert not [trial.problem for trial in fitted.trials if trial.problem]
    assert "rebuild" not in " ".join(fitted.best.notes)
    stored = load_model(dump_model(fitted.model))
    ours = project(classes=2)
    assert np.array_equal(
        predict_rows(stored, rows, ours).probabilities, predict_rows(fitted.model, rows, ours).probabilities
    )


def test_a_boosted_model_inside_another_estimator_is_cloned_set_and_stored(path: str) -> None:
    rows, labels = data()
    rows = np.nan_to_num(rows)
    inner = {"estimator": path, "parameters": FEW[path]}
    made = build_estimator(CALIBRATED, {"estimator": inner, "cv": 2, "estimator__max_depth": 3}, seed=0)
    assert made.estimator.get_params()["max_depth"] == 3
    model = clone(made).fit(rows, labels)
    assert np.array_equal(load_model(dump_model(model)).predict_proba(rows), model.predict_proba(rows))


def test_sparse_rows_frames_and_a_single_class(path: str) -> None:
    rows, labels = data()
    rows = np.nan_to_num(rows)
    model = build_estimator(path, FEW[path], seed=0)
    named = clone(model).fit(pd.DataFrame(rows, columns=["a,b[", '"{']), labels)
    assert named.predict(pd.DataFrame(rows, columns=["a,b[", '"{'])).shape == (150,)
    if model.__sklearn_tags__().input_tags.sparse:
        assert clone(model).fit(sparse.csr_matrix(rows), labels).predict_proba(sparse.csr_matrix(rows)).shape == (
            150,
            3,
        )
    alone = load_model(dump_model(clone(model).fit(rows, ["a"] * 150)))
    assert alone.predict_proba(rows).tolist() == [[1.0]] * 150


@pytest.mark.parametrize(
    ("path", "weights"),
    [
        (LIGHTGBM, {"class_weight": {"low": 50.0, "high": 0.01}}),
        (CATBOOST, {"class_weights": {"low": 50.0, "mid": 1.0, "high": 0.01}}),
        (CATBOOST, {"class_weights": [0.01, 50.0, 1.0]}),
    ],
)
def test_class_weights_are_written_by_name_and_lists_are_parameters(path: str, weights: dict[str, Any]) -> None:
    rows, labels = data()
    plain, weighed = (
        build_estimator(path, {**FEW[path], **extra}, seed=0).fit(rows, labels) for extra in ({}, weights)
    )
    shares = [model.predict_proba(rows).mean(axis=0) for model in (plain, clone(weighed).fit(rows, labels))]
    assert shares[1][1] > shares[0][1] + 0.05
    assert shares[1][0] < shares[0][0]


@pytest.mark.parametrize(
    ("path", "wrong", "right"),
    [
        (LIGHTGBM, "n_estimator", "n_estimators"),
        (LIGHTGBM, "num_leafs", "num_leaf"),
        (XGBOOST, "n_estimator", "n_estimators"),
        (FOREST, "max_deph", "max_depth"),
        (CATBOOST, "iteration", "iterations"),
    ],
)
def test_a_misspelt_parameter_is_refused_before_anything_is_fitted(path: str, wrong: str, right: str) -> None:
    with pytest.raises(TrainingError, match=f"no parameter '{wrong}'; did you mean '{right}'"):
        build_estimator(path, {wrong: 3}, seed=0)


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        (LIGHTGBM, {"eta": 0.1, "num_iterations": 3, "min_data_in_leaf": 5, "num_threads": 1, "seed": 3}),
        (XGBOOST, {"eta": 0.1, "booster": "dart", "rate_drop": 0.1, "nthread": 1}),
        (XGBOOST, {"booster": "gblinear", "updater": "coord_descent"}),
        (CATBOOST, {"eta": 0.1, "num_trees": 3, "random_state": 3, "verbose": 0}),
    ],
)
def test_a_librarys_own_spellings_are_known_and_take_the_place_of_our_defaults(
    path: str, parameters: dict[str, Any]
) -> None:
    rows, labels = data()
    rows = np.nan_to_num(rows)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(will be ignored|is set|Unused).*")
        model = build_estimator(path, parameters, seed=0).fit(rows, labels)
        back = load_model(dump_model(model))
    assert np.array_equal(back.predict_proba(rows), model.predict_proba(rows))


@pytest.mark.parametrize(("path", "named"), [(LIGHTGBM, "lightgbm"), (XGBOOST, "xgboost"), (CATBOOST, "catboost")])
def test_a_library_that_is_missing_is_named_with_the_command(
    path: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels = data()
    stored = dump_model(build_estimator(path, FEW[path], seed=0).fit(rows, labels))
    monkeypatch.setitem(sys.modules, named, None)
    with pytest.raises(TrainingError, match=f"{named} is not installed; pip install {named}"):
        build_estimator(path, {}, seed=0)
    with pytest.raises(RegistryError, match=f"{named} is not installed; pip install {named}"):
        load_model(stored)


def test_regressors_are_no_candidates() -> None:
    for path in ("lightgbm.LGBMRegressor", "xgboost.XGBRegressor", "catboost.CatBoostRegressor"):
        with pytest.raises(TrainingError, match=r"regression is not offered|has no predict_proba"):
            build_estimator(path, {}, seed=0)


def test_a_state_of_another_class_is_refused() -> None:
    state = build_estimator(XGBOOST, {}, seed=0).__getstate__()
    for change in ({"library": "os"}, {"own": "XGBRegressor"}, {"library": "subprocess", "own": "Popen"}):
        with pytest.raises(ValueError, match="is not a classifier of"):
            Boosted.__new__(Boosted).__setstate__({**state, **change})


Change = Callable[[str], str]
TEXTS: list[tuple[str, Change]] = [
    (LIGHTGBM, lambda text: text.replace("left_child=", "left_child=99999 ", 1)),
    (LIGHTGBM, lambda text: text.replace("split_feature=0", "split_feature=7", 1)),
    (LIGHTGBM, lambda text: text.replace("split_feature=", "split_featurX=", 1)),
    (LIGHTGBM, lambda text: text.replace("max_feature_idx=1", "max_feature_idx=9", 1)),
    (LIGHTGBM, lambda text: text.replace("num_class=3", "num_class=4", 1)),
    (LIGHTGBM, lambda text: text.replace("Tree=1\n", "Tree=9\n", 1)),
    (LIGHTGBM, lambda text: text.replace("leaf_value=", "leaf_value=1 ", 1)),
    (LIGHTGBM, lambda text: text.replace("num_cat=0", "num_cat=3", 1)),
    (LIGHTGBM, lambda text: text.replace("end of trees", "", 1)),
    (LIGHTGBM, lambda text: text[: len(text) // 3]),
    (XGBOOST, lambda text: text.replace('"left_children":[1', '"left_children":[99999', 1)),
    (XGBOOST, lambda text: text.replace('"left_children":[1', '"left_children":[0', 1)),
    (XGBOOST, lambda text: text.replace('"split_indices":[0', '"split_indices":[77', 1)),
    (XGBOOST, lambda text: text.replace('"num_feature":"2"', '"num_feature":"200"', 1)),
    (XGBOOST, lambda text: text.replace('"num_class":"3"', '"num_class":"30"')),
    (XGBOOST, lambda text: text.replace('"tree_info":[0', '"tree_info":[9', 1)),
    (XGBOOST, lambda text: text.replace('"split_conditions":[', '"split_conditionX":[', 1)),
    (XGBOOST, lambda text: text[: len(text) // 2]),
]


@pytest.mark.parametrize(("path", "change"), TEXTS, ids=[f"{path} {n}" for n, (path, _) in enumerate(TEXTS)])
def test_stored_trees_that_point_beyond_themselves_are_refused_before_a_library_reads_them(
    path: str, change: Change
) -> None:
    rows, labels = data()
    model = build_estimator(path, FEW[path], seed=0).fit(rows, labels)
    text = model.stored_.tobytes().decode()
    crafted = change(text)
    assert crafted != text
    refuse = refuse_unsound_lightgbm if path == LIGHTGBM else refuse_unsound_xgboost
    refuse(text.encode(), 2, 3)
    with pytest.raises((ValueError, KeyError)):
        refuse(crafted.encode(), 2, 3)
    model.stored_ = np.frombuffer(crafted.encode(), dtype=np.uint8)
    with pytest.raises(RegistryError, match="not a skops model"):
        load_model(dump_model(model))
