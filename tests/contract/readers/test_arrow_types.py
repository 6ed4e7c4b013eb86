"""Every type that Parquet can hold ends as rows, bad rows or a sentence that names the column; none stops others."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.projects.small_project import a_day, deliver, make_project
from tiltyard.ingest.validation import check_rows
from tiltyard.schemas.errors import ObjectError, Unavailable
from tiltyard.schemas.project import Project, parse_project
from tiltyard.stores.readers.sandbox import read_object
from tiltyard.tasks.ingest import check_batch as checking
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects

DECIMALS = [Decimal(1), None, Decimal(3)]
UNIX = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def stored(kind: pa.DataType, values: list[Any], storage: pa.DataType) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, pa.array(values, storage))


REFUSED: dict[str, pa.Array] = {
    "duration": pa.array([1, None, 3], pa.duration("us")),
    "list_view": pa.array([[1], None, [2]], pa.list_view(pa.int64())),
    "map": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    "struct of durations": pa.array([{"a": 1}, None, {"a": 2}], pa.struct([("a", pa.duration("us"))])),
    "list of decimal256": pa.array([[Decimal(1)], None, []], pa.list_(pa.decimal256(76, 0))),
}
"""Types that no kind of column takes."""

BAD: dict[str, pa.Array] = {
    "far us": pa.array([9 * 10**17, None, 2**62], pa.timestamp("us")),
    "far ms": pa.array([2**62, None, -(2**62)], pa.timestamp("ms")),
    "far s": pa.array([2**50, None, 2**52], pa.timestamp("s")),
    "far date": pa.array([2**30, None, -(2**30)], pa.int32()).cast(pa.date32()),
    "list": pa.array([[1], None, []], pa.list_(pa.int64())),
    "struct": pa.array([{"a": 1}, None, {"a": 2}]),
    "zone": pa.array([1, None, 2], pa.timestamp("ns", "Europe/Berlin")),
    "not UTF-8": pa.array([b"\xff\xfe", None, b"\xc3("], pa.binary()).view(pa.string()),
    "bytes": pa.array([b"\xff\xfe", None, b"\x80"]),
}
"""Types of which a category takes no value but the missing one."""

TAKEN: dict[str, tuple[pa.Array, list[str | None]]] = {
    "text": (pa.array(["a", None, "ä"]), ["a", None, "ä"]),
    "view": (pa.array(["a", None, "b"], pa.string_view()), ["a", None, "b"]),
    "bytes view": (pa.array([b"a", None, b"b"], pa.binary_view()), ["a", None, "b"]),
    "bytes": (pa.array([b"a", None, "ä".encode()]), ["a", None, "ä"]),
    "fixed bytes": (pa.array([b"ab", None, b"cd"], pa.binary(2)), ["ab", None, "cd"]),
    "dictionary": (pa.array(["a", None, "b"]).dictionary_encode(), ["a", None, "b"]),
    "json": (pa.array(['{"a":1}', None, "3"], pa.json_()), ['{"a":1}', None, "3"]),
    "uuid": (
        pa.array([b"\x01" * 16, None, b"\xff" * 16], pa.uuid()),
        ["01010101-0101-0101-0101-010101010101", None, "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    ),
    "nothing": (pa.nulls(3), [None, None, None]),
    "decimal256": (pa.array([Decimal("1.50"), None, Decimal(3)], pa.decimal256(76, 2)), ["1.5", None, "3"]),
    "time": (pa.array([1, None, 60_000_000], pa.time64("us")), ["00:00:00.000001", None, "00:01:00"]),
    "date": (pa.array([0, None, 1], pa.int32()).cast(pa.date32()), ["1970-01-01", None, "1970-01-02"]),
    "offset": (
        pa.array([1, None, 2 * 10**6], pa.timestamp("us", "+05:30")),
        ["1970-01-01T00:00:00.000001Z", None, "1970-01-01T00:00:02Z"],
    ),
    "no zone": (pa.array([1, None, 2], pa.timestamp("s")), ["1970-01-01T00:00:01", None, "1970-01-01T00:00:02"]),
}

NUMBERS: dict[str, pa.Array] = {
    "decimal32": pa.array(DECIMALS, pa.decimal32(5, 0)),
    "decimal64": pa.array(DECIMALS, pa.decimal64(12, 2)),
    "decimal256": pa.array(DECIMALS, pa.decimal256(76, 3)),
    "small decimal256": pa.array(DECIMALS, pa.decimal256(20, 0)),
    "half": pa.array([1.0, None, 3.0], pa.float32()).cast(pa.float16()),
    "uint64": pa.array([1, None, 3], pa.uint64()),
    "opaque": stored(pa.opaque(pa.int64(), "type", "vendor"), [1, None, 3], pa.int64()),
}


def project(kind: str, extra: str = "refuse") -> Project:
    columns = {"features": {"x": {"kind": kind}}, "extra": extra}
    return parse_project({"name": "p", "classes": ["a", "b"], "columns": columns, "limits": {"bad_rows": 1}}, "p.yaml")


def checked(folder: Path, columns: dict[str, pa.Array], kind: str) -> tuple[list[Any], int, list[str]]:
    """The good values of x, how many rows were read, and the reasons of the bad ones."""
    path = folder / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    raw = read_object(path, path.name, project(kind))
    found = check_rows(raw, project(kind))
    assert found.good.height + found.bad.height == found.read == 3
    return found.good["x"].to_list(), found.read, found.bad["reasons"].to_list()


@pytest.mark.parametrize("name", REFUSED)
def test_types_of_no_kind_are_refused_by_the_columns_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ObjectError, match=r"column 'x' is of the type .*, which no kind of column takes; write it as"):
        checked(tmp_path, {"x": REFUSED[name]}, "category")


@pytest.mark.parametrize("name", BAD)
def test_values_of_another_kind_are_bad_rows_with_the_value(tmp_path: Path, name: str) -> None:
    good, _, reasons = checked(tmp_path, {"x": BAD[name]}, "category")
    assert good == [None]
    assert len(reasons) == 2
    assert all('"value":"' in reason for reason in reasons)


@pytest.mark.parametrize("name", TAKEN)
def test_text_is_text_however_it_is_stored(tmp_path: Path, name: str) -> None:
    column, wanted = TAKEN[name]
    assert checked(tmp_path, {"x": column}, "category")[0] == wanted


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_numbers_however_they_are_stored(tmp_path: Path, name: str) -> None:
    assert checked(tmp_path, {"x": NUMBERS[name]}, "number")[0] == [1.0, None, 3.0]


@pytest.mark.parametrize(("unit", "zone"), [("us", "+05:30"), ("ns", "Europe/Berlin"), ("ms", "Moon/Crater")])
def test_times_of_any_zone_are_moments(tmp_path: Path, unit: str, zone: str) -> None:
    ticks = {"us": 1, "ns": 1000, "ms": 1}
    column = pa.array([0, None, ticks[unit]], pa.timestamp(unit, zone))
    micros = 1000 if unit == "ms" else 1
    assert checked(tmp_path, {"x": column}, "timestamp")[0] == [UNIX, None, UNIX + dt.timedelta(microseconds=micros)]


def test_booleans_of_one_byte_are_booleans(tmp_path: Path) -> None:
    column = stored(pa.bool8(), [1, None, 0], pa.int8())
    assert checked(tmp_path, {"x": column}, "boolean")[0] == [True, None, False]


def test_unexpected_columns_of_any_type_are_named_and_shown(tmp_path: Path) -> None:
    columns = {"x": pa.array(["a", "b", "c"])} | REFUSED | BAD | NUMBERS
    columns |= {f"taken {name}": column for name, (column, _) in TAKEN.items()}
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(ObjectError, match="unexpected columns: 'duration', 'list_view'"):
        check_rows(read_object(path, path.name, project("category")), project("category"))
    raw = read_object(path, path.name, project("category", extra="ignore"))
    assert check_rows(raw, project("category", extra="ignore")).good["x"].to_list() == ["a", "b", "c"]


class Panic(BaseException):
    """As polars raises where Rust panics: no Exception."""


FAULTS = [Panic("index out of bounds"), pl.exceptions.ComputeError("odd"), KeyError("x"), MemoryError(), Panic()]


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_whatever_an_object_does_it_keeps_no_other_from_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    workspace = make_project(tmp_path)
    for name in ("a.csv", "b.csv"):
        deliver(workspace, name, a_day(0))

    def read(path: Path, name: str, project: Project) -> Any:
        if name == "a.csv":
            raise fault
        return read_object(path, name, project)

    monkeypatch.setattr(checking, "read_object", read)
    place = str(tmp_path)
    land_objects.fn(place)
    first, second = [workspace.ledger.batches.get(check_batch.fn(place, one)) for one in objects_to_check.fn(place)]
    assert (first.state, second.state, second.accepted) == ("unreadable", "accepted", 60)
    assert "'a.csv': its rows cannot be checked (" in first.reason
    assert type(fault).__name__ in first.reason
    assert objects_to_check.fn(place) == []


@pytest.mark.parametrize("fault", [Unavailable("the bucket is away"), OSError(28, "full"), KeyboardInterrupt()])
def test_what_is_not_the_objects_fault_is_no_outcome_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    workspace = make_project(tmp_path)
    deliver(workspace, "a.csv", a_day(0))

    def read(*_: object) -> None:
        raise fault

    monkeypatch.setattr(checking, "read_object", read)
    land_objects.fn(str(tmp_path))
    (waiting,) = objects_to_check.fn(str(tmp_path))
    with pytest.raises(type(fault)):
        check_batch.fn(str(tmp_path), waiting)
    assert objects_to_check.fn(str(tmp_path)) == [waiting]
