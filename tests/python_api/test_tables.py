"""Records as data frames: the documented columns and types, in both libraries, now and as of an earlier time."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import polars as pl
import pytest

import tiltyard
from tests.python_api.conftest import annotate_queue
from tiltyard.project.tables import TABLES, schema_of
from tiltyard.schemas.pool_types import pool_schema

OWN = ("pool", "labels", "queue")


@pytest.mark.parametrize("name", TABLES)
def test_columns_and_types_are_those_that_are_documented(name: str, project: tiltyard.Project) -> None:
    project.ask(budget=3)
    table = getattr(project, name)(frame="polars")
    assert isinstance(table, pl.DataFrame)
    own = pool_schema(project.config) if name in OWN else {}
    assert table.schema == pl.Schema({**schema_of(TABLES[name]), **own})
    assert not table.is_empty()


@pytest.mark.parametrize("name", TABLES)
def test_pandas_has_the_same_values(name: str, project: tiltyard.Project) -> None:
    project.ask(budget=3)
    table, frame = getattr(project, name)(frame="polars"), getattr(project, name)()
    assert isinstance(frame, pd.DataFrame)
    pd.testing.assert_frame_equal(frame, table.to_pandas())


@pytest.mark.parametrize("name", TABLES)
def test_a_new_project_has_empty_tables(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.projects.small_project import make_project

    folder = tmp_path_factory.mktemp("new")
    make_project(folder)
    assert getattr(tiltyard.open(folder), name)().empty


def test_texts_numbers_and_moments_have_plain_pandas_types(project: tiltyard.Project) -> None:
    types = {name: str(dtype) for name, dtype in project.annotations().dtypes.items()}
    assert types["label"] == "str"
    assert types["seq"] == "int64"
    assert types["recorded_at"] == "datetime64[us, UTC]"
    assert str(project.pool()["evaluation"].dtype) == "bool"


def test_an_unknown_kind_of_frame_is_refused(project: tiltyard.Project) -> None:
    with pytest.raises(tiltyard.TiltyardError, match=r"frame='dask': .* choose 'pandas' or 'polars'"):
        project.pool(frame="dask")  # type: ignore[call-overload]  # the very mistake


def test_labels_as_of_a_position_and_of_a_moment(project: tiltyard.Project) -> None:
    before, position = len(project.labels()), project.workspace.ledger.position()
    moment = datetime.now(UTC)
    project.ask(budget=4)
    annotate_queue(project)
    assert len(project.labels()) == before + 4
    assert len(project.labels(as_of=position)) == before
    assert len(project.labels(as_of=moment)) == before
    assert len(project.labels(as_of=moment - timedelta(days=365))) == 0
    assert len(project.annotations(as_of=position)) == before


def test_the_pool_as_of_a_moment(project: tiltyard.Project) -> None:
    moment = datetime.now(UTC)
    (project.folder / "incoming" / "more.csv").write_text("x,y,colour,row_id\n1,2,red,7001\n", "utf-8")
    assert project.ingest().samples == 121
    assert (len(project.pool()), len(project.pool(as_of=moment))) == (121, 120)


@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        (datetime(2026, 1, 1), "has no time zone"),
        (-1, "as_of=-1: give a position"),
        ("yesterday", "as_of='yesterday': give a position"),
        (True, "as_of=True: give a position"),
    ],
)
def test_a_time_that_cannot_be_is_refused(as_of: object, words: str, project: tiltyard.Project) -> None:
    with pytest.raises(tiltyard.TiltyardError, match=words):
        project.labels(as_of=as_of)  # type: ignore[call-overload]  # the very mistake


def test_evaluation_rows_are_marked_in_pool_and_labels(project: tiltyard.Project) -> None:
    pool, labels = project.pool(), project.labels()
    marked = set(pool.loc[pool["evaluation"], "sample_id"])
    assert set(labels.loc[labels["evaluation"], "sample_id"]) <= marked
    assert 0 < len(marked) < len(pool)


def test_labels_are_ready_to_train_on(project: tiltyard.Project) -> None:
    from sklearn.linear_model import LogisticRegression

    labels = project.labels()
    training = labels[~labels["evaluation"]]
    model = LogisticRegression().fit(training[["x", "y"]], training["label"])
    assert model.score(training[["x", "y"]], training["label"]) > 0.7
