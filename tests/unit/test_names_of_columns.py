"""A project's columns may be called what ours are called inside, and keep their values."""

from datetime import UTC, datetime

import polars as pl
import pytest

from schemas.columns import RESERVED
from schemas.errors import ProjectFileError
from schemas.project import Project, parse_project
from schemas.records import Query, QueryId
from tiltyard.rules.asking import assignments_of, pick_evaluation
from tiltyard.rules.choosing import Wanted, choose
from tiltyard.rules.identity import sample_ids, sample_keys

NAMES = ["strategy", "score", "probability", "purpose", "priority", "order", "text", "reasons", "uniform"]


def project_with(*names: str) -> Project:
    features = {name: {"kind": "integer"} for name in names}
    return parse_project({"name": "p", "classes": ["a", "b"], "columns": {"features": features}}, "project.yaml")


def test_values_reach_the_annotator_unchanged() -> None:
    project = project_with(*NAMES)
    rows = pl.DataFrame({name: range(place, place + 20) for place, name in enumerate(NAMES)})
    ids = sample_ids(rows, project)
    pool = rows.with_columns(ids.alias("sample_id"), sample_keys(ids).alias("sample_key"), row=pl.int_range(20))
    chosen = pl.concat(
        [pick_evaluation([pool[:10]], 5, project), choose([pool[10:]], Wanted(number=5), project)], how="diagonal"
    )
    query = Query(QueryId("q"), "random", None, 10, 0, "", datetime(2026, 1, 1, tzinfo=UTC))
    sent = {dict(zip(ids, rows.to_dicts(), strict=True))[one.sample_id] == one.payload: one
            for one in assignments_of(chosen, query, project)}  # fmt: skip
    assert list(sent) == [True]


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_name_that_the_stores_need_is_refused(name: str) -> None:
    with pytest.raises(ProjectFileError, match=f"{name}: a name that the stores need"):
        project_with("x", name)


def test_the_label_may_be_called_label() -> None:
    columns = {"features": {"x": {"kind": "integer"}}, "label": "label"}
    assert parse_project({"name": "p", "classes": ["a", "b"], "columns": columns}, "p.yaml").columns.label == "label"
