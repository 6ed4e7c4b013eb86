"""The champion in a script: it answers data frames as scikit-learn's estimators do, and checks them first."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import tiltyard
from tests.python_api.conftest import made_project
from tiltyard.samples.features import feature_frame

BAD = [
    ({"x": "much"}, "row 0: x 'much' is not a number"),
    ({"x": 500.0}, "row 0: x '500.0' is not"),
    ({"colour": "mauve"}, "row 0: colour 'mauve' is not"),
]


def rows_of(project: tiltyard.Project, number: int = 20) -> pd.DataFrame:
    return project.pool().head(number)


def test_predictions_are_those_of_the_stored_model(project: tiltyard.Project) -> None:
    rows = project.pool(frame="polars")
    model = project.champion.estimator
    frame = feature_frame(rows, project.config)
    assert project.champion.predict(rows).tolist() == model.predict(frame).tolist()
    order = [list(model.classes_).index(name) for name in project.champion.classes_]
    assert np.allclose(project.champion.predict_proba(rows), model.predict_proba(frame)[:, order])


def test_both_kinds_of_frames_and_any_order_of_columns_are_the_same(project: tiltyard.Project) -> None:
    rows = rows_of(project)
    expected = project.champion.predict(rows).tolist()
    assert project.champion.predict(pl.from_pandas(rows)).tolist() == expected
    assert project.champion.predict(rows[["colour", "y", "x"]]).tolist() == expected
    assert project.champion.predict(rows.set_index("sample_id")).tolist() == expected
    assert project.champion.predict(rows.astype({"colour": "category"})).tolist() == expected
    assert project.champion.predict(rows.astype({"x": "Float64", "colour": "object"})).tolist() == expected


def test_probabilities_sum_to_one_in_the_order_of_the_classes(project: tiltyard.Project) -> None:
    champion, rows = project.champion, rows_of(project)
    shares = champion.predict_proba(rows)
    assert shares.shape == (20, 2)
    assert shares.dtype == np.float64
    assert np.allclose(shares.sum(axis=1), 1)
    assert champion.classes_.tolist() == project.config.class_names
    assert champion.feature_names_in_.tolist() == list(project.config.columns.features)


def test_no_rows_have_no_predictions(project: tiltyard.Project) -> None:
    assert project.champion.predict(rows_of(project, 0)).shape == (0,)
    assert project.champion.predict_proba(rows_of(project, 0)).shape == (0, 2)


@pytest.mark.parametrize(("changed", "words"), BAD)
def test_a_row_that_the_pool_would_refuse_is_refused(
    changed: dict[str, object], words: str, project: tiltyard.Project
) -> None:
    row = {"x": 1.0, "y": 2.0, "colour": "red", **changed}
    with pytest.raises(tiltyard.TiltyardError) as caught:
        project.champion.predict(pd.DataFrame([row]))
    assert words in str(caught.value)
    assert "1 of 1 rows break the rules of the project file" in str(caught.value)


def test_missing_values_are_left_to_the_model(project: tiltyard.Project) -> None:
    rows = rows_of(project, 3).assign(y=np.nan)
    rows.loc[0, "colour"] = None
    assert set(project.champion.predict(rows)) <= {"no", "yes"}


def test_many_faults_are_counted(project: tiltyard.Project) -> None:
    rows = rows_of(project, 10).assign(x=1e6)
    with pytest.raises(tiltyard.TiltyardError, match=r"10 of 10 rows .* and 7 more"):
        project.champion.predict(rows)


def test_a_missing_column_is_named_with_the_nearest_one(project: tiltyard.Project) -> None:
    with pytest.raises(tiltyard.TiltyardError, match=r"no column 'colour'; did you mean 'color'\?"):
        project.champion.predict(rows_of(project).rename(columns={"colour": "color"}))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"x": 1}], "expected a pandas or polars data frame, got list"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "column 'x' is in the data frame 2 times"),
        (pd.DataFrame([[1]], columns=[0]), "column 0: names of columns must be text"),
        (pd.DataFrame({"x": [1, "a"]}, dtype="object"), "column 'x' mixes values of int and str"),
    ],
)
def test_what_is_not_a_table_is_refused(rows: object, words: str, project: tiltyard.Project) -> None:
    with pytest.raises(tiltyard.TiltyardError, match=words):
        project.champion.predict(rows)


def test_without_a_champion_the_error_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    champion = made_project(tmp_path_factory.mktemp("new") / "small").champion
    assert not champion
    assert repr(champion) == "FittedModel(champion='none yet')"
    for use in (lambda: champion.predict(pd.DataFrame()), lambda: champion.model_id, lambda: champion.estimator):
        with pytest.raises(tiltyard.TiltyardError, match=r"there is no champion yet; project\.status"):
            use()


def test_models_have_names(project: tiltyard.Project) -> None:
    champion = project.champion
    assert project.model("challenger").model_id == champion.model_id
    assert project.model(champion.model_id[:6]).version == "1.0.0"
    with pytest.raises(tiltyard.TiltyardError, match=r"no model has version '9.9.9'"):
        project.model("9.9.9")
    assert repr(champion).startswith(f"FittedModel(model='{champion.model_id[:8]}', version='1.0.0'")
