"""Cells become the contract's types exactly or not at all."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.ingest.casting.cells import cast_cells
from tiltyard.ingest.raw_batch import QUARANTINE_TYPES, RawBatch, Written
from tiltyard.schemas.project import Kind, Project, parse_project

BAD = object()
"""Stands for a cell that cannot be cast."""


def project(kind: Kind, missing: list[str] | None = None) -> Project:
    content = {"name": "p", "classes": ["a", "b"], "columns": {"id": "key", "features": {"x": {"kind": kind}}}}
    content["source"] = {"csv": {"missing": missing if missing is not None else [""]}}
    return parse_project(content, "p.yaml")


def raw_of(column: pl.Series, written: Written, name: str = "x") -> RawBatch:
    count = len(column)
    keys = column if name == "key" else pl.Series(["k" if written != "json" else '"k"'] * count, dtype=pl.String)
    other = column if name == "x" else pl.Series([None] * count, dtype=pl.String)
    cells = pl.DataFrame({"key": keys, "x": other})
    nothing = pl.DataFrame(schema=QUARANTINE_TYPES)
    return RawBatch(("key", "x"), cells, pl.Series(range(count)), pl.Series([None] * count), nothing, written)


def cast(column: pl.Series, kind: Kind, written: Written, name: str = "x") -> list[Any]:
    """Each cell's value, or BAD."""
    made = cast_cells(raw_of(column, written, name), project(kind))
    bad = {place for failure in made.failures if failure.column == name for place in failure.at}
    return [BAD if place in bad else value for place, value in enumerate(made.typed[name].to_list())]


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # a date and time by its parts


TEXT: list[tuple[Kind, str, Any]] = [
    ("number", "1", 1.0),
    ("number", "-0.5", -0.5),
    ("number", "1e3", 1000.0),
    ("number", "+2.", 2.0),
    ("number", "", None),
    ("number", "10,5", BAD),
    ("number", "1_000", BAD),
    ("number", " 1", BAD),
    ("number", "0x10", BAD),
    ("number", "1.2.3", BAD),
    ("number", "one", BAD),
    ("number", "١", BAD),
    ("integer", "9007199254740993", 2**53 + 1),
    ("integer", "-9223372036854775808", -(2**63)),
    ("integer", "9223372036854775808", BAD),
    ("integer", "007", 7),
    ("integer", "5.0", 5),
    ("integer", "5.5", BAD),
    ("integer", "9007199254740993.00", 2**53 + 1),
    ("integer", "1e3", 1000),
    ("integer", "1e16", BAD),
    ("integer", "1.5e0", BAD),
    ("integer", "", None),
    ("category", "00007", "00007"),
    ("category", "NA", "NA"),
    ("category", " a ", " a "),
    ("text", "1e3", "1e3"),
    ("text", "a\0b", BAD),
    ("boolean", "true", True),
    ("boolean", "FALSE", False),
    ("boolean", "1", True),
    ("boolean", "0", False),
    ("boolean", "yes", BAD),
    ("boolean", "2", BAD),
    ("boolean", "", None),
    ("timestamp", "2024-01-05", at(2024, 1, 5)),
    ("timestamp", "2024-01-05T10:20", at(2024, 1, 5, 10, 20)),
    ("timestamp", "2024-01-05 10:20:30", at(2024, 1, 5, 10, 20, 30)),
    ("timestamp", "2024-01-05T10:20:30.25", at(2024, 1, 5, 10, 20, 30, 250_000)),
    ("timestamp", "2024-01-05T10:20:30.123456000Z", at(2024, 1, 5, 10, 20, 30, 123_456)),
    ("timestamp", "2024-01-05T10:20:30.1234567Z", BAD),
    ("timestamp", "2024-01-05T10:20:30+05:30", at(2024, 1, 5, 4, 50, 30)),
    ("timestamp", "2024-01-05T10:20-0100", at(2024, 1, 5, 11, 20)),
    ("timestamp", "2024-01-05T10:20+02", at(2024, 1, 5, 8, 20)),
    ("timestamp", "2024-02-30", BAD),
    ("timestamp", "2024-01-05T24:00", BAD),
    ("timestamp", "2024-01-05T10:20:60", BAD),
    ("timestamp", "05.01.2024", BAD),
    ("timestamp", "20240105", BAD),
    ("timestamp", "0000-12-31", BAD),
    ("timestamp", "1704450030", BAD),
    ("timestamp", "", None),
]


@pytest.mark.parametrize(("kind", "text", "wanted"), TEXT)
def test_text_is_cast_by_its_kind_or_not_at_all(kind: Kind, text: str, wanted: Any) -> None:
    filler = {"number": "1", "integer": "1", "boolean": "1", "timestamp": "2020-01-01"}.get(kind, "x")
    assert cast(pl.Series([filler, text, filler]), kind, "text")[1] == wanted


@pytest.mark.parametrize(
    ("kind", "literal", "wanted"),
    [
        ("number", "1.50", 1.5),
        ("number", "3", 3.0),
        ("number", '"3"', 3.0),
        ("number", '"three"', BAD),
        ("number", "NaN", None),
        ("number", "Infinity", math.inf),
        ("number", "true", BAD),
        ("number", "[1]", BAD),
        ("number", None, None),
        ("integer", "9007199254740993", 2**53 + 1),
        ("integer", "5.0", 5),
        ("integer", '"5"', 5),
        ("integer", "5.5", BAD),
        ("integer", "true", BAD),
        ("boolean", "false", False),
        ("boolean", "0", False),
        ("boolean", "2", BAD),
        ("boolean", '"true"', True),
        ("category", '"00007"', "00007"),
        ("category", '""', ""),
        ("category", "7", "7"),
        ("category", "7.0", "7"),
        ("category", "true", "true"),
        ("category", '["a"]', BAD),
        ("text", '"say \\"hi\\"\\n"', 'say "hi"\n'),
        ("text", '"null"', "null"),
        ("text", '{"a":1}', BAD),
        ("timestamp", '"2024-01-05"', at(2024, 1, 5)),
        ("timestamp", "1704450030", BAD),
    ],
)
def test_json_literals_are_cast_by_what_they_say(kind: Kind, literal: str | None, wanted: Any) -> None:
    assert cast(pl.Series([literal, None], dtype=pl.String), kind, "json")[0] == wanted


TYPED: list[tuple[Kind, pl.Series, list[Any]]] = [
    ("number", pl.Series([1, 2]), [1.0, 2.0]),
    ("number", pl.Series([0.1], dtype=pl.Float32), [0.10000000149011612]),
    ("number", pl.Series([Decimal("12.34")]), [12.34]),
    ("number", pl.Series(["1"]), [1.0]),
    ("number", pl.Series([math.nan, 1.0]), [None, 1.0]),
    ("number", pl.Series([True]), [BAD]),
    ("number", pl.Series([None]), [None]),
    ("integer", pl.Series([2**63 - 1]), [2**63 - 1]),
    ("integer", pl.Series([2**63, 1], dtype=pl.UInt64), [BAD, 1]),
    ("integer", pl.Series([1.0, None]), [1, None]),
    ("integer", pl.Series([math.nan, 1.5]), [None, BAD]),
    ("integer", pl.Series([2.0**53, 2.0**53 + 2]), [2**53, BAD]),
    ("integer", pl.Series([2.0**24, 2.0**24 + 2], dtype=pl.Float32), [2**24, BAD]),
    ("integer", pl.Series([Decimal("5.00"), Decimal("5.01")]), [5, BAD]),
    ("category", pl.Series(["a", "b"], dtype=pl.Categorical), ["a", "b"]),
    ("category", pl.Series([1, None]), ["1", None]),
    ("category", pl.Series([date(2024, 1, 5)]), ["2024-01-05"]),
    ("text", pl.Series([b"a"]), [BAD]),
    ("text", pl.Series([["a"], None]), [BAD, None]),
    ("boolean", pl.Series([True, None]), [True, None]),
    ("boolean", pl.Series([1, 2]), [True, BAD]),
    ("timestamp", pl.Series([date(2024, 1, 5)]), [at(2024, 1, 5)]),
    ("timestamp", pl.Series([datetime(2024, 1, 5, 12)]), [at(2024, 1, 5, 12)]),
    ("timestamp", pl.Series([at(2024, 1, 5)]).dt.convert_time_zone("Asia/Tokyo"), [at(2024, 1, 5)]),
    ("timestamp", pl.Series([1_000, 1_001]).cast(pl.Datetime("ns")), [at(1970, 1, 1, 0, 0, 0, 1), BAD]),
    ("timestamp", pl.Series([0, 10**15]).cast(pl.Datetime("ms")), [at(1970, 1, 1), BAD]),
    ("timestamp", pl.Series([0, 4_000_000], dtype=pl.Int32).cast(pl.Date), [at(1970, 1, 1), BAD]),
    ("timestamp", pl.Series(["2024-01-05"]), [at(2024, 1, 5)]),
    ("timestamp", pl.Series([1704450030]), [BAD]),
]


@pytest.mark.parametrize(("kind", "column", "wanted"), TYPED)
def test_a_typed_column_is_widened_without_loss_or_bad(kind: Kind, column: pl.Series, wanted: list[Any]) -> None:
    assert cast(column, kind, "typed") == wanted


@pytest.mark.parametrize(
    ("column", "written", "wanted"),
    [
        (pl.Series([17, -3]), "typed", ["17", "-3"]),
        (pl.Series([17.0, 1e17]), "typed", ["17", BAD]),
        (pl.Series(["17", '"17"', "1.50", '"x"', "[1]"]), "json", ["17", "17", "1.5", "x", BAD]),
        (pl.Series(["017"]), "text", ["017"]),
    ],
)
def test_a_key_takes_integers_by_their_digits(column: pl.Series, written: Written, wanted: list[Any]) -> None:
    assert cast(column, "number", written, name="key") == wanted


def test_the_file_says_what_is_missing() -> None:
    made = cast_cells(raw_of(pl.Series(["NA", "?", "", "1"]), "text"), project("number", ["NA", "?"]))
    assert made.typed["x"].to_list() == [None, None, None, 1.0]
    assert [(failure.check, failure.at.to_list()) for failure in made.failures] == [("a number", [2])]
    assert made.missing == {"x": {"NA": 1, "?": 1}}


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_a_number_written_by_repr_comes_back_to_the_bit(values: list[float]) -> None:
    back = cast(pl.Series([repr(value) for value in values]), "number", "text")
    assert [
        math.copysign(1, one) == math.copysign(1, two) and one == two for one, two in zip(values, back, strict=True)
    ]
    assert back == values


@given(st.lists(st.integers(-(2**70), 2**70), min_size=1))
def test_an_integer_is_exact_or_bad(values: list[int]) -> None:
    back = cast(pl.Series([str(value) for value in values]), "integer", "text")
    assert back == [value if -(2**63) <= value < 2**63 else BAD for value in values]


@given(st.text(st.sampled_from("0123456789+-.eE_ ,xnaif\t"), min_size=1, max_size=8))
def test_polars_takes_no_number_that_python_would_not(text: str) -> None:
    (value,) = cast(pl.Series([text]), "number", "text")
    if value is BAD:
        return
    assert "_" not in text
    assert text == text.strip()
    assert math.isnan(float(text)) if value is None else value == float(text)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1))
def test_text_survives_json_to_the_letter(values: list[str]) -> None:
    from json.encoder import encode_basestring

    assert cast(pl.Series([encode_basestring(value) for value in values]), "text", "json") == values


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()))
def test_a_time_written_in_iso_8601_is_the_same_moment(moment: datetime) -> None:
    seconds = moment.utcoffset().total_seconds()  # type: ignore[union-attr]  # timezones() are aware
    text = moment.isoformat()
    (back,) = cast(pl.Series([text]), "timestamp", "text")
    # read back, since Python holds two readings of an ambiguous hour for unequal
    assert back == (datetime.fromisoformat(text) if seconds % 60 == 0 else BAD)
