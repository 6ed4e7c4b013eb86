"""A project's columns may be called what ours are called inside, and keep their values."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.ingest.raw_batch import QUARANTINE_TYPES, RawBatch
from tiltyard.ingest.validation import check_rows
from tiltyard.query.assignments import build_assignments, select_evaluation
from tiltyard.query.selection import QuerySpec, select_samples
from tiltyard.samples.features import feature_frame, payloads_to_rows, rows_to_payloads
from tiltyard.samples.identity import sample_ids, sample_keys
from tiltyard.schemas.errors import ProjectFileError
from tiltyard.schemas.project import OURS, Project, inside, parse_project
from tiltyard.schemas.project.columns import APART, RESERVED
from tiltyard.schemas.records import Query, QueryId

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
        [select_evaluation([pool[:10]], 5, project), select_samples([pool[10:]], QuerySpec(number=5), project)],
        how="diagonal",
    )
    query = Query(QueryId("q"), "random", None, 10, 0, "", datetime(2026, 1, 1, tzinfo=UTC))
    sent = {dict(zip(ids, rows.to_dicts(), strict=True))[one.sample_id] == one.payload: one
            for one in build_assignments(chosen, query, project)}  # fmt: skip
    assert list(sent) == [True]


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_name_of_ours_is_taken_and_kept_apart(name: str) -> None:
    project = project_with("x", name)
    rows = check_rows(raw_rows({"x": ["1"], name: ["2"]}), project).good
    assert rows_to_payloads(rows, project) == [{"x": 1, name: 2}]
    assert feature_frame(rows, project).to_dict("list") == {"x": [1.0], name: [2.0]}
    assert payloads_to_rows([{"x": 1, name: 2}], project).rows() == [(1, 2)]
    assert (
        sample_ids(rows, project).to_list()
        == sample_ids(payloads_to_rows([{"x": 1, name: 2}], project), project).to_list()
    )


@given(st.lists(st.text(max_size=6) | st.sampled_from([*sorted(RESERVED), APART, OURS]), unique=True))
def test_no_two_names_become_one(names: list[str]) -> None:
    assert len({inside(name) for name in [*names, *(APART + name for name in names)]}) == len(
        {*names, *(APART + name for name in names)}
    )
    assert not {inside(name) for name in names} & RESERVED


@pytest.mark.parametrize("name", ["", " ", "*", "^x.*$", "a\0b", "x" * 201])
def test_a_name_that_no_column_can_bear_is_refused(name: str) -> None:
    with pytest.raises(ProjectFileError, match="column"):
        project_with("x", name)


def test_the_label_may_be_called_label() -> None:
    columns = {"features": {"x": {"kind": "integer"}}, "label": "label"}
    assert parse_project({"name": "p", "classes": ["a", "b"], "columns": columns}, "p.yaml").columns.label == "label"


def raw_rows(cells: dict[str, list[str]]) -> RawBatch:
    frame = pl.DataFrame(cells)
    numbers = pl.int_range(frame.height, eager=True)
    return RawBatch(tuple(cells), frame, numbers, numbers + 2, pl.DataFrame(schema=QUARANTINE_TYPES), "text")
