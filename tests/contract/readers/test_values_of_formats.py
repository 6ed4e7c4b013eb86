"""One value is one value, whatever format brings it and however it is stored; what would lose something is bad."""

import datetime as dt
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.ingest.casting.cells import CastResult, cast_cells
from tiltyard.ingest.casting.columns import match_allowed, to_plain_text
from tiltyard.ingest.casting.lossless import match_class, plain_text
from tiltyard.ingest.raw_batch import QUARANTINE_TYPES, RawBatch, Written
from tiltyard.ingest.validation import check_rows
from tiltyard.schemas.project import Kind, Project, parse_project
from tiltyard.stores.readers.sandbox import read_object

BAD = "bad"
NOON = dt.datetime(2024, 1, 5, 12, tzinfo=dt.UTC)
MIDNIGHT = dt.datetime(2024, 1, 5, tzinfo=dt.UTC)
SECONDS = int(NOON.timestamp())


def decimals(text: str, *types: pa.DataType) -> list[pa.Array]:
    return [pa.array([Decimal(text)], kind) for kind in (*types, pa.decimal128(38, 4), pa.decimal256(76, 6))]


def texts(text: str) -> list[pa.Array]:
    """A text in each of the ways in which Parquet stores one."""
    stored = [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.binary_view(), pa.binary(len(text))]
    plain = [pa.array([text.encode() if "binary" in str(kind) else text], kind) for kind in stored]
    return [*plain, pa.array([text]).dictionary_encode(), pa.array([text.encode()]).dictionary_encode()]


def integers(value: int) -> list[pa.Array]:
    kinds = [pa.int8(), pa.uint8(), pa.int32(), pa.uint64(), pa.int64(), pa.float32(), pa.float64()]
    return [pa.array([value], kind) for kind in kinds] + [pa.array([value]).dictionary_encode()]


Ways = tuple[list[str], list[str], list[pa.Array]]
"""How a value is written: CSV cells, JSON literals, Parquet columns."""

FIVE: Ways = (["5", "+5", "5.0", "5.00", "5e0"], ["5", "5.0", "5e0"], [*integers(5), *decimals("5"), *texts("5.0")])
HALF: Ways = (["2.5", "2.50", "25e-1"], ["2.5", "2.50", "25e-1", '"2.5"'], [*decimals("2.5"), *texts("2.5")])
LARGE: Ways = (["9007199254740993"], ["9007199254740993", "9007199254740993.0"], decimals("9007199254740993"))
ROUNDED: Ways = (["1e17"], ["1e17"], [pa.array([1e17]), pa.array([2.0**24 + 2], pa.float32())])
TRUE: Ways = (["true", "True", "TRUE"], ["true", '"True"'], [pa.array([True]), *texts("TRUE")])
ONE: Ways = (["1", "1.0"], ["1", "1.0", '"1"'], [*integers(1), *decimals("1"), *texts("1")])
NAN: Ways = (
    ["NaN", "nan"],
    ["NaN", '"nan"'],
    [pa.array([math.nan]), pa.array([math.nan], pa.float32()), *texts("NaN")],
)
NOTHING: Ways = ([""], ["null", '""'], [pa.nulls(1), pa.array([None], pa.string()), *texts("")[:3]])
DAY: Ways = (
    ["2024-01-05", "2024-01-05T00:00Z"],
    ['"2024-01-05"'],
    [pa.array([dt.date(2024, 1, 5)]), *texts("2024-01-05")],
)
HOUR: Ways = (
    ["2024-01-05T12:00:00Z", "2024-01-05 12:00"],
    ['"2024-01-05T13:00:00+01:00"'],
    [
        pa.array([SECONDS * 10**n], pa.timestamp(unit, zone))
        for n, unit in ((0, "s"), (3, "ms"), (6, "us"), (9, "ns"))
        for zone in (None, "UTC", "Asia/Tokyo")
    ],
)

TABLE: list[tuple[Kind, Ways, Any]] = [
    ("number", FIVE, 5.0),
    ("integer", FIVE, 5),
    ("number", HALF, 2.5),
    ("integer", HALF, BAD),
    ("integer", LARGE, 2**53 + 1),
    ("number", LARGE, float(2**53)),
    ("integer", ROUNDED, BAD),
    ("integer", TRUE, BAD),
    ("number", TRUE, BAD),
    ("boolean", TRUE, True),
    ("boolean", ONE, True),
    ("boolean", FIVE, BAD),
    ("number", NAN, None),
    ("integer", NAN, None),
    *((kind, NOTHING, None) for kind in ("number", "integer", "boolean", "timestamp")),
    ("timestamp", DAY, MIDNIGHT),
    ("timestamp", HOUR, NOON),
    ("timestamp", FIVE, BAD),
    ("category", ([], ["5", "5.0", '"5"'], [*integers(5), *decimals("5"), *texts("5")]), "5"),
    ("category", ([], ["2.50", "25e-1"], decimals("2.5")), "2.5"),
    ("text", LARGE, "9007199254740993"),
    ("text", ([], ["1e17"], ROUNDED[2]), BAD),
    ("category", (["true"], ["true"], [pa.array([True])]), "true"),
    ("category", ([], ["[1]", "{}"], [pa.array([[1]]), pa.array([{"a": 1}])]), BAD),
    ("category", (["00007"], ['"00007"'], texts("00007")), "00007"),
    ("category", (["1.0"], ['"1.0"'], texts("1.0")), "1.0"),
    ("category", (["NaN", "NA"], ['"NaN"', '"NA"'], [*texts("NaN"), *texts("NA")]), "as it is"),
    ("category", ([], ["NaN"], [pa.array([math.nan])]), None),
    ("text", (["2024-01-05"], ['"2024-01-05"'], DAY[2]), "2024-01-05"),
]


def columns_of(place: int) -> dict[str, tuple[Kind, Any, Any]]:
    """Each way of a format as a column: its kind, the cell as it is written, the value that is wanted."""
    ways = [(kind, way, wanted) for kind, all_ways, wanted in TABLE for way in all_ways[place]]
    return {f"x{number}": one for number, one in enumerate(ways)}


def written(folder: Path, format_name: str) -> tuple[Path, dict[str, tuple[Kind, Any, Any]]]:
    """A file of one row with every value of a format in a column of its own."""
    columns = columns_of({"csv": 0, "json": 1, "jsonl": 1, "parquet": 2}[format_name])
    path = folder / f"values.{format_name}"
    if format_name == "csv":
        path.write_text(",".join(columns) + "\n" + ",".join(f'"{cell}"' for _, cell, _ in columns.values()) + "\n")
    elif format_name == "parquet":
        pq.write_table(pa.table({name: cell for name, (_, cell, _) in columns.items()}), path)
    else:
        row = "{" + ",".join(f'"{name}":{cell}' for name, (_, cell, _) in columns.items()) + "}"
        path.write_text(row + "\n" if format_name == "jsonl" else f"[{row}]")
    return path, columns


@pytest.mark.parametrize("format_name", ["csv", "json", "jsonl", "parquet"])
def test_a_value_is_the_same_in_every_format_or_bad_in_all(tmp_path: Path, format_name: str) -> None:
    path, columns = written(tmp_path, format_name)
    features = {name: {"kind": kind} for name, (kind, _, _) in columns.items()}
    project = parse_project({"name": "p", "classes": ["a", "b"], "columns": {"features": features}}, "p.yaml")
    cast = cast_cells(read_object(path, path.name, project), project)
    bad = {failure.column for failure in cast.failures}
    for name, (kind, cell, wanted) in columns.items():
        value = BAD if name in bad else cast.typed[name].item()
        shown = cell if isinstance(cell, str) else f"{cell.type} {cell}"
        if wanted == "as it is":
            assert value in {"NaN", "NA"}, (kind, shown)
        else:
            assert value == wanted, (kind, shown)


LABELS: list[tuple[list[str], pl.Series, list[str]]] = [
    (["true", "false"], pl.Series([True, False]), ["true", "false"]),
    (["True", "False"], pl.Series([True, False]), ["True", "False"]),
    (["TRUE", "FALSE"], pl.Series([True, False]), ["TRUE", "FALSE"]),
    (["0", "1"], pl.Series([True, False]), ["1", "0"]),
    (["0", "1"], pl.Series([1.0, 0.0, math.nan]), ["1", "0"]),
    (["0.0", "1.0"], pl.Series([1, 0]), ["1.0", "0.0"]),
    (["0", "1"], pl.Series(["1.0", "0.0", "1"]), ["1", "0", "1"]),
    (["1", "1.0"], pl.Series(["1.0", "1"]), ["1.0", "1"]),
    (["1", "2"], pl.Series([Decimal("1.00"), Decimal("2.00")]), ["1", "2"]),
    (["1", "1.5"], pl.Series([1.0, 1.5]), ["1", "1.5"]),
    (["true", "false"], pl.Series(["True", "FALSE", "1"]), ["true", "false", "true"]),
    (["None", "NA", "x"], pl.Series(["None", "NA", "x", "?"]), ["None", "NA", "x"]),
    (["yes", "no"], pl.Series([True]), [BAD]),
    (["1", "2"], pl.Series(["01", "1.5", "1e0"]), [BAD, BAD, BAD]),
]


def raw_of(label: pl.Series) -> RawBatch:
    count, nothing = len(label), pl.DataFrame(schema=QUARANTINE_TYPES)
    cells = pl.DataFrame({"x": ["1"] * count, "y": label})
    how: Written = "text" if label.dtype == pl.String else "typed"
    return RawBatch(("x", "y"), cells, pl.Series(range(count)), pl.Series([None] * count), nothing, how)


def project_of(change: dict[str, Any], classes: list[str] = ["a", "b"]) -> Project:  # noqa: B006 - never changed
    content = {"name": "p", "classes": classes, "limits": {"bad_rows": 1.0}}
    content["source"] = {"csv": {"missing": ["", "NA", "None", "?"]}}
    return parse_project({**content, "columns": {"features": {"x": {"kind": "text"}}} | change}, "p.yaml")


@pytest.mark.parametrize(("classes", "label", "wanted"), LABELS)
def test_a_label_and_an_allowed_value_are_taken_by_what_they_say(
    classes: list[str], label: pl.Series, wanted: list[str]
) -> None:
    as_label = check_rows(raw_of(label), project_of({"label": "y"}, classes)).good["y"].drop_nulls().to_list()
    allowed = {"features": {"x": {"kind": "text"}, "y": {"kind": "category", "allowed": classes}}}
    as_allowed = check_rows(raw_of(label), project_of(allowed)).good["y"].drop_nulls().to_list()
    assert as_label == as_allowed == [one for one in wanted if one != BAD]


def made(change: dict[str, Any], cells: list[str]) -> CastResult:
    return cast_cells(raw_of(pl.Series(cells)), project_of(change))


def test_spellings_of_nothing_take_the_place_of_no_value_and_are_counted() -> None:
    cells = ["NA", "NA", "None", "", "x"]
    key = made({"id": "y"}, cells)
    assert key.typed["y"].to_list() == ["NA", "NA", "None", None, "x"]
    own = made({"features": {"x": {"kind": "text"}, "y": {"kind": "category", "missing_as": ["", "None"]}}}, cells)
    assert own.typed["y"].to_list() == ["NA", "NA", None, None, "x"]
    assert own.missing == {"y": {"None": 1, "": 1}}
    plain = made({"features": {"x": {"kind": "text"}, "y": {"kind": "category"}}}, cells)
    assert plain.typed["y"].to_list() == [None, None, None, None, "x"]
    assert plain.missing == {"y": {"NA": 2, "None": 1, "": 1}}
    assert check_rows(raw_of(pl.Series(cells)), project_of({"label": "y"}, ["NA", "x"])).missing == {
        "y": {"None": 1, "": 1}
    }


def test_a_reason_shows_the_value_as_it_is_in_the_file_and_what_its_column_is() -> None:
    columns = {
        "a list": (pl.Series([["a"]]), "text", "not of the type list"),
        "a rounded integer": (pl.Series([1e17]), "category", "an integer that its float holds exactly"),
        "a boolean": (pl.Series([True]), "number", "a number, not of the type boolean"),
        "half": (pl.Series([1.5]), "integer", "an integer of at most 64 bits"),
    }
    shown = {"a list": "['a']", "a rounded integer": "1e+17", "a boolean": "true", "half": "1.5"}
    for name, (column, kind, words) in columns.items():
        declared = {"features": {"x": {"kind": "text"}, "y": {"kind": kind}}}
        (reasons,) = check_rows(raw_of(column), project_of(declared)).bad["reasons"]
        ((reason,),) = [json.loads(reasons)]
        assert words in reason["check"], name
        assert reason["value"] == shown[name]


VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(-1e300, 1e300).filter(lambda value: value == 0 or abs(value) > 1e-3),
    st.decimals(-(10**9), 10**9, places=3),
    st.dates(),
)


@given(VALUES)
def test_a_column_and_a_single_value_are_read_by_the_same_rule(value: Any) -> None:
    (plain,) = to_plain_text(pl.Series("", [value]), "typed")
    try:
        assert plain == plain_text(value)
    except ValueError:
        assert plain is None


@given(
    st.sampled_from(["1", "1.0", "true", "TRUE", "0", "x", "None", "01", "1.50"]),
    st.sets(st.text("01.TtrueFalsx", min_size=1, max_size=5), min_size=1),
)
def test_no_name_is_taken_for_another(text: str, names: set[str]) -> None:
    listed = sorted(names)
    assert match_allowed(pl.Series([text, *listed]), listed).to_list() == [match_class(text, listed), *listed]
    assert text not in names or match_class(text, names) == text
