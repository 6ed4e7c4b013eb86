"""Partitioning a batch: every row ends in exactly one place, and marks that were drawn stay."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.ingest.partition import BatchResult, add_sample_ids, partition_batch
from tiltyard.ingest.raw_batch import QUARANTINE_TYPES, RawBatch
from tiltyard.schemas.project import Project

KNOWN_TYPES = {"sample_id": pl.String(), "evaluation": pl.Boolean()}
EMPTY_POOL = pl.DataFrame(schema=KNOWN_TYPES)


def project_of(**changes: Any) -> Project:
    columns = {"features": {"x": {"kind": "number", "max": 9}}, "reference": ["who"], "label": "y"}
    content = {"name": "p", "classes": ["a", "b"], "columns": columns, "limits": {"bad_rows": 1.0}}
    return Project.model_validate({**content, **changes})


def raw_of(cells: dict[str, list[str | None]], blank: int = 0) -> RawBatch:
    frame = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String))
    rows = pl.Series(range(frame.height), dtype=pl.Int64)
    return RawBatch(tuple(cells), frame, rows, rows + 2, pl.DataFrame(schema=QUARANTINE_TYPES), "text", blank)


def partition(raw: RawBatch, project: Project, known: pl.DataFrame = EMPTY_POOL, **more: Any) -> BatchResult:
    return partition_batch(raw, project, lambda _: (known, None), **more)


def batch(*values: str, label: str | None = None) -> RawBatch:
    return raw_of({"x": list(values), "who": ["w"] * len(values), "y": [label] * len(values)})


@given(st.lists(st.sampled_from(["1", "2", "3", "10", "bad", ""]), max_size=12), st.sampled_from([0.0, 0.5, 1.0]))
def test_every_row_is_in_one_place(values: list[str], limit: float) -> None:
    result = partition(batch(*values), project_of(limits={"bad_rows": limit}))
    assert result.read == len(values) == result.accepted.height + result.quarantined.height + result.duplicate
    numbers = [*result.accepted.get_column("row", default=pl.Series([])), *result.quarantined["row"]]
    assert len(set(numbers)) == len(numbers) == len(values) - result.duplicate
    assert result.state == (
        "accepted" if values.count("10") + values.count("bad") <= limit * len(values) else "refused"
    )


def test_a_refused_batch_puts_its_good_rows_into_quarantine_with_the_reason() -> None:
    result = partition(batch("1", "bad"), project_of(limits={"bad_rows": 0.1}))
    assert (result.state, result.accepted.height, result.quarantined["row"].to_list()) == ("refused", 0, [0, 1])
    assert result.reason.startswith("1 of 2 rows are bad (50.0%, the limit is 10.0%)")
    assert "the batch was refused" in result.quarantined["reasons"][0]


def test_wrong_columns_refuse_the_batch_and_the_key_gives_a_hint() -> None:
    result = partition(raw_of({"x": ["1"]}), project_of(), key="who=w/a.csv")
    assert (result.state, result.quarantined.height) == ("refused", 1)
    assert "missing columns: 'who'" in result.reason
    assert "the key says who=w" in result.reason


def test_a_retry_reads_only_its_rows_and_counts_bad_rows_against_the_object() -> None:
    raw = batch("1", "bad", "3", "4")
    result = partition(raw, project_of(limits={"bad_rows": 0.25}), retry=pl.Series([1, 2]))
    assert (result.state, result.read) == ("accepted", 2)
    assert (result.accepted["row"].to_list(), result.quarantined["row"].to_list()) == ([2], [1])


@pytest.mark.parametrize("mark", [True, False])
def test_a_known_sample_is_a_duplicate_that_keeps_its_mark_and_its_label(mark: bool) -> None:
    project = project_of()
    first = partition(batch("1", label="a"), project)
    known = first.accepted.select("sample_id").with_columns(evaluation=pl.lit(mark))
    again = partition(batch("1", "2", label="b"), project, known)
    assert (again.accepted["row"].to_list(), again.duplicate) == ([1], 1)
    assert again.labeled.filter(pl.col("sample_id").is_in(known["sample_id"].implode()))["evaluation"].to_list() == [
        mark
    ]
    assert again.labeled.height == 2


def test_a_new_row_of_a_known_entity_is_on_its_side() -> None:
    columns = {"features": {"x": {"kind": "number"}}, "reference": ["who"], "entity": "who"}
    project = project_of(columns=columns)
    raw = raw_of({"x": ["1", "2", "3"], "who": ["ada", "bea", "ada"]})
    drawn = add_sample_ids(partition(raw, project).accepted.select("row", "x", "who"), project)["evaluation"].to_list()
    assert drawn[0] == drawn[2]
    sides = pl.DataFrame({"who": ["ada"], "evaluation": [not drawn[0]]})
    result = partition_batch(raw, project, lambda _: (EMPTY_POOL, sides))
    assert result.accepted["evaluation"].to_list() == [not drawn[0], drawn[1], not drawn[0]]


def test_left_out_names_blank_rows_and_ignored_columns() -> None:
    columns = {"features": {"x": {"kind": "number"}}, "extra": "ignore"}
    raw = raw_of({"x": ["1"], "more": ["z"]}, blank=2)
    result = partition(raw, project_of(columns=columns))
    assert result.left_out == {"blank": 2, "ignored": {"count": 1, "names": ("more",)}}
    assert partition(raw, project_of(columns=columns), retry=pl.Series([0])).left_out.keys() == {"ignored"}


def test_an_unreadable_object_leaves_its_rows_in_quarantine() -> None:
    waiting = partition(batch("bad"), project_of()).quarantined
    result = BatchResult.unreadable("reader died", waiting)
    assert (result.state, result.read, result.quarantined.height, result.left_out) == ("unreadable", 1, 1, {})
