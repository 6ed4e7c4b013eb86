"""Rows are split into good and bad: none lost, none twice, one list of reasons each, whatever is wrong with them."""

import json
from collections.abc import Callable
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from tiltyard.ingest.pandera_checks import contract_failures, pandera_failures
from tiltyard.ingest.quarantine import REASONS_PER_ROW
from tiltyard.ingest.raw_batch import QUARANTINE_TYPES, RawBatch, Written
from tiltyard.ingest.validation import CheckedRows, check_rows, split_duplicates
from tiltyard.schemas.errors import ObjectError
from tiltyard.schemas.frames import batch_schema
from tiltyard.schemas.project import Project, parse_project

FEATURES: dict[str, Any] = {
    "n": {"kind": "number", "min": 0, "max": 10},
    "free": {"kind": "number", "missing": False},
    "i": {"kind": "integer", "min": -3},
    "c": {"kind": "category", "allowed": ["a", "b"], "missing": False},
    "t": {"kind": "text", "max_length": 5},
    "b": {"kind": "boolean"},
}


def project(features: dict[str, Any] | None = None, **columns: Any) -> Project:
    content = {"name": "p", "classes": ["yes", "no"], "columns": {"features": features or FEATURES, **columns}}
    return parse_project(content, "p.yaml")


def raw_of(cells: pl.DataFrame, written: Written = "typed", unreadable: int = 0) -> RawBatch:
    """Rows as a reader hands them over; unreadable ones stand before the others."""
    numbers = pl.Series("row", range(unreadable, unreadable + cells.height), dtype=pl.Int64)
    bad = {
        "row": range(unreadable),
        "line": range(unreadable),
        "reasons": ['[{"check":"x"}]'] * unreadable,
        "raw": [""] * unreadable,
    }
    lines = (numbers + 2).rename("line")
    return RawBatch(tuple(cells.columns), cells, numbers, lines, pl.DataFrame(bad, schema=QUARANTINE_TYPES), written)


GOOD = {"n": 5.0, "free": -1e9, "i": 3, "c": "a", "t": "hello", "b": True}
TYPES = {"n": pl.Float64, "free": pl.Float64, "i": pl.Int64, "c": pl.String, "t": pl.String, "b": pl.Boolean}


TEXTS = dict.fromkeys(TYPES, pl.String)


def rows_of(*changes: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{**GOOD, **change} for change in changes], schema=TYPES)


def reasons(checked: CheckedRows) -> dict[int, list[tuple[str, str, str]]]:
    """The reasons of each bad row by its number."""
    told = {}
    for row in checked.bad.iter_rows(named=True):
        told[row["row"]] = [(one["check"], one["column"], one["value"]) for one in json.loads(row["reasons"])]
    return told


def test_good_rows_are_handed_on_as_they_are() -> None:
    cells = rows_of({}, {"n": None, "i": None, "t": None, "b": None})
    checked = check_rows(raw_of(cells), project())
    assert checked.good.drop("row").equals(cells)
    assert checked.good["row"].to_list() == [0, 1]
    assert checked.bad.schema == QUARANTINE_TYPES
    assert checked.failed.is_empty()
    assert checked.bad_share == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"n": -0.1}, ("a finite number from 0 to 10", "n", "-0.1")),
        ({"n": 10.1}, ("a finite number from 0 to 10", "n", "10.1")),
        ({"n": float("inf")}, ("a finite number from 0 to 10", "n", "inf")),
        ({"free": float("inf")}, ("a finite number", "free", "inf")),
        ({"free": float("-inf")}, ("a finite number", "free", "-inf")),
        ({"free": float("nan")}, ("not missing", "free", "NaN")),
        ({"free": None}, ("not missing", "free", "")),
        ({"i": -4}, ("an integer from -3", "i", "-4")),
        ({"c": "z"}, ("one of the allowed values", "c", "z")),
        ({"c": ""}, ("one of the allowed values", "c", "")),
        ({"c": None}, ("not missing", "c", "")),
        ({"t": "hello!"}, ("at most 5 characters", "t", "hello!")),
        ({"t": "h\0"}, ("text without NUL", "t", "h\0")),
    ],
)
def test_each_limit_has_its_reason(change: dict[str, Any], reason: tuple[str, str, str]) -> None:
    checked = check_rows(raw_of(rows_of({}, change, {})), project())
    assert reasons(checked) == {1: [reason]}
    assert checked.good["row"].to_list() == [0, 2]
    assert checked.failed.row(0) == (*reason[:2], 1, [1])


def test_five_characters_are_five_however_many_bytes() -> None:
    assert check_rows(raw_of(rows_of({"t": "ééééé"})), project()).bad.is_empty()


def test_a_row_has_one_list_of_all_its_reasons() -> None:
    checked = check_rows(raw_of(rows_of({"n": 99.0, "c": None, "t": "too long"}, {"i": -9})), project())
    assert checked.bad.height == 2
    assert {reason[1] for reason in reasons(checked)[0]} == {"n", "c", "t"}
    assert [reason[1] for reason in reasons(checked)[1]] == ["i"]


def test_a_cell_that_cannot_be_cast_is_not_called_missing_besides() -> None:
    texts = pl.DataFrame(
        {"n": ["1", "x"], "free": ["x", ""], "i": ["1"] * 2, "c": ["a"] * 2, "t": ["", ""], "b": ["1"] * 2}
    )
    told = reasons(check_rows(raw_of(texts, "text"), project()))
    assert told == {0: [("a number", "free", "x")], 1: [("a number", "n", "x"), ("not missing", "free", "")]}


def test_the_quarantine_shows_cells_as_they_arrived() -> None:
    texts = pl.DataFrame({"n": ["007"], "free": ["x"], "i": ["1"], "c": ['"a'], "t": [None], "b": ["y" * 5000]}, TEXTS)
    raw = json.loads(check_rows(raw_of(texts, "text"), project()).bad["raw"].item())
    assert raw | {"b": ""} == {"n": "007", "free": "x", "i": "1", "c": '"a', "t": None, "b": ""}
    assert raw["b"].endswith("… (5000 characters)")
    literals = pl.DataFrame(
        {"n": ["NaN"], "free": ['"x"'], "i": ["1.50"], "c": ['{"a":[1]}'], "t": [None], "b": ["true"]}, TEXTS
    )
    (shown,) = check_rows(raw_of(literals, "json"), project()).bad["raw"]
    assert shown == '{"n":"NaN","free":"x","i":1.50,"c":{"a":[1]},"t":null,"b":true}'
    typed = rows_of({"free": float("inf"), "n": 0.1 + 0.2})
    assert json.loads(check_rows(raw_of(typed), project()).bad["raw"].item())["n"] == 0.1 + 0.2


def test_a_row_of_very_many_faults_says_how_many_more() -> None:
    wide = {f"x{number}": {"kind": "integer", "min": 0} for number in range(100)}
    frame = pl.DataFrame({name: [-1, -1, 0] for name in wide}).with_columns(x0=pl.Series([-1, 0, -1]))
    told = reasons(check_rows(raw_of(frame), project(wide)))
    assert [len(told[row]) for row in (0, 1, 2)] == [REASONS_PER_ROW + 1, REASONS_PER_ROW + 1, 1]
    assert told[0][-1] == ("more", "", "75 further reasons")
    assert told[1][-1] == ("more", "", "74 further reasons")


def test_the_validation_table_lists_no_more_than_the_limit() -> None:
    content = project().model_dump() | {"limits": {"reasons_per_check": 3}}
    checked = check_rows(raw_of(rows_of(*[{"n": -1.0}] * 10)), Project.model_validate(content))
    assert checked.failed.row(0) == ("a finite number from 0 to 10", "n", 10, [0, 1, 2])
    assert all(len(told) == 1 for told in reasons(checked).values())


def test_an_unknown_label_is_a_bad_row_and_a_known_one_is_kept() -> None:
    cells = rows_of({}, {}, {}).with_columns(y=pl.Series(["yes", "maybe", None]))
    checked = check_rows(raw_of(cells), project(label="y"))
    assert checked.good["y"].to_list() == ["yes", None]
    assert reasons(checked) == {1: [("one of the project's classes", "y", "maybe")]}


def test_a_label_may_be_absent() -> None:
    assert "y" not in check_rows(raw_of(rows_of({})), project(label="y")).good.columns


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.drop("n", "i"), "missing columns: 'n', 'i'"),
        (
            lambda frame: frame.with_columns(more=pl.lit(1)),
            "unexpected columns: 'more' ('columns.extra: ignore' leaves them out)",
        ),
        (lambda frame: frame.rename({"free": "fere"}), "'fere': did you mean 'free'?"),
    ],
)
def test_other_columns_refuse_the_batch(change: Callable[[pl.DataFrame], pl.DataFrame], words: str) -> None:
    with pytest.raises(ObjectError) as refusal:
        check_rows(raw_of(change(rows_of({}))), project())
    assert words in str(refusal.value)


CELLS = {
    "n": st.none() | st.floats(),
    "free": st.none() | st.floats(),
    "i": st.none() | st.integers(-6, 6) | st.sampled_from([2**63 - 1, -(2**63)]),
    "c": st.none() | st.sampled_from(["a", "b", "", "z"]),
    "t": st.none() | st.text(st.characters(codec="utf-8"), max_size=8),
    "b": st.none() | st.booleans(),
}
FRAMES = st.lists(st.fixed_dictionaries(CELLS), max_size=15).map(lambda rows: pl.DataFrame(rows, schema=TYPES))


@given(FRAMES, st.integers(0, 3))
def test_rows_are_conserved(cells: pl.DataFrame, unreadable: int) -> None:
    checked = check_rows(raw_of(cells, unreadable=unreadable), project())
    assert checked.read == checked.good.height + checked.bad.height == cells.height + unreadable
    assert sorted([*checked.good["row"], *checked.bad["row"]]) == list(range(checked.read))
    assert checked.bad["row"].is_sorted()
    assert all(json.loads(listed) for listed in checked.bad["reasons"])


@given(FRAMES)
def test_the_masks_give_pandera_s_own_answer(cells: pl.DataFrame) -> None:
    """The fast pass and Pandera agree on every row, column and check (NaN is missing to Pandera besides)."""
    schema = batch_schema(project())
    ours = {(one.column, one.check, place) for one in contract_failures(cells, schema) for place in one.at}
    theirs = {(one.column, one.check, place) for one in pandera_failures(cells, schema, "schema") for place in one.at}
    nan = {(name, "not missing", place) for name in ("n", "free") for place in cells[name].is_nan().arg_true()}
    assert ours == theirs - nan


@given(FRAMES)
def test_good_rows_satisfy_the_schema_and_bad_ones_do_not(cells: pl.DataFrame) -> None:
    checked = check_rows(raw_of(cells), project())
    schema = batch_schema(project())
    schema.validate(checked.good.drop("row"), lazy=True)
    for row in checked.bad["row"]:
        one = cells[row : row + 1]
        if not one["t"].str.contains("\0", literal=True).any():
            with pytest.raises(SchemaErrors):
                schema.validate(one, lazy=True)


@settings(max_examples=30)
@given(FRAMES)
def test_every_limit_of_many_allowed_values_is_kept(cells: pl.DataFrame) -> None:
    many = FEATURES | {"c": {"kind": "category", "allowed": ["a", "b", *map(str, range(20))], "missing": False}}
    assert check_rows(raw_of(cells), project(many)).good.equals(check_rows(raw_of(cells), project()).good)


def own_schema(**changes: Any) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(**changes)


def test_a_pandera_schema_is_checked_on_top() -> None:
    schema = own_schema(columns={"n": pa.Column(float, pa.Check.lt(5, error="under five"), nullable=True)})
    checked = check_rows(raw_of(rows_of({"n": 4.0}, {"n": 6.0}, {"n": 11.0})), project(), schema)
    assert [reason[0] for reason in reasons(checked)[1]] == ["under five"]
    assert len(reasons(checked)[2]) == 2
    assert checked.good.height == 1


def test_a_check_over_the_frame_gives_each_row_one_reason() -> None:
    together = pa.Check(lambda data: data.lazyframe.select(pl.col("n") > pl.col("i")), error="n above i")
    checked = check_rows(raw_of(rows_of({"n": 1.0}, {"n": 9.0}, {"n": 2.0})), project(), own_schema(checks=together))
    assert reasons(checked) == {0: [("n above i", "", "")], 2: [("n above i", "", "")]}


def test_a_column_declared_by_a_pattern_is_told_by_its_name() -> None:
    schema = own_schema(columns={"^(n|free)$": pa.Column(float, pa.Check.ge(0), regex=True, nullable=True)})
    told = reasons(check_rows(raw_of(rows_of({"n": 1.0, "free": -2.0})), project(), schema))
    assert told == {0: [("greater_than_or_equal_to(0)", "free", "-2.0")]}


def test_rows_that_are_not_unique_are_each_told_once() -> None:
    schema = own_schema(columns={"t": pa.Column(str, unique=True, nullable=True)}, unique=["n", "t"])
    checked = check_rows(raw_of(rows_of({"t": "x"}, {"t": "y"}, {"t": "x"})), project(), schema)
    assert {row: len(told) for row, told in reasons(checked).items()} == {0: 2, 2: 2}


def test_pandera_may_not_drop_rows_or_skip_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANDERA_VALIDATION_DEPTH", "SCHEMA_ONLY")
    schema = own_schema(columns={"n": pa.Column(float, pa.Check.lt(5))}, drop_invalid_rows=True)
    assert check_rows(raw_of(rows_of({"n": 4.0}, {"n": 6.0})), project(), schema).bad.height == 1
    assert schema.drop_invalid_rows, "the user's own schema is left as it is"


def raises(_data: Any) -> Any:
    raise KeyError("no such thing")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (own_schema(columns={"n": pa.Column(float, pa.Check(raises, error="mine"))}), "check 'mine' raised KeyError"),
        (own_schema(checks=pa.Check(raises, name="whole")), "check 'whole' raised KeyError"),
        (own_schema(columns={"gone": pa.Column(float)}), "'gone' not in dataframe"),
        (own_schema(columns={"n": pa.Column(str)}), "expected column 'n' to have type"),
        (
            own_schema(checks=pa.Check(lambda _data: False, error="never")),
            "check 'never' fails for the batch as a whole",
        ),
        (
            own_schema(checks=pa.Check(lambda data: data.lazyframe.select(pl.col("n").mean() < 0), error="mean")),
            "check 'mean' fails for the batch as a whole",
        ),
    ],
)
def test_a_schema_that_cannot_be_asked_refuses_the_batch(schema: pa.DataFrameSchema, words: str) -> None:
    with pytest.raises(ObjectError) as refusal:
        check_rows(raw_of(rows_of({}, {})), project(), schema)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans())))
def test_duplicates_are_told_apart(samples: list[tuple[str, bool]]) -> None:
    pool = {name for name, known in samples if known}
    ids = [name for name, _ in samples]
    good = pl.DataFrame({"row": range(len(ids)), "sample_id": pl.Series(ids, dtype=pl.String)})
    parts = split_duplicates(good, pl.Series([name in pool for name in ids], dtype=pl.Boolean))
    assert parts.fresh["sample_id"].to_list() == [name for name in dict.fromkeys(ids) if name not in pool]
    assert set(parts.in_pool["sample_id"]) == pool
    assert parts.fresh.height + parts.duplicate == len(ids)
    assert all(ids.index(name) == row for row, name in parts.fresh.iter_rows())
