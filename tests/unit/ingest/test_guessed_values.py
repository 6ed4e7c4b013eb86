"""What ``init`` makes of columns whose values are written in another type, by the rule that will read them."""

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tiltyard.ingest.inference.project_template import ProjectSource, render_project_file
from tiltyard.ingest.inference.schema_inference import (
    InferredColumn,
    InferredSchema,
    add_missing_spellings,
    infer_schema,
)
from tiltyard.ingest.raw_batch import QUARANTINE_TYPES, RawBatch, Written
from tiltyard.schemas.project import Kind

ROWS = 60
EVEN = [row % 2 == 0 for row in range(ROWS)]


def looked_at(columns: dict[str, Any], written: Written, label: str | None = None) -> InferredSchema:
    cells = pl.DataFrame(columns)
    places = pl.Series(range(ROWS)), pl.Series([None] * ROWS, dtype=pl.Int64)
    return infer_schema(RawBatch(tuple(columns), cells, *places, pl.DataFrame(schema=QUARANTINE_TYPES), written), label)


def only(column: Any, written: Written) -> InferredColumn:
    """The guess about one column beside another."""
    other = ["a" if even else "b" for even in EVEN]
    (found,) = [one for one in looked_at({"x": column, "other": other}, written).columns if one.name == "x"]
    return found


def every(write: Any) -> list[Any]:
    return [write(row) for row in range(ROWS)]


COLUMNS: dict[str, tuple[Any, Written, Kind, bool]] = {
    "integers as floats": (every(lambda row: f"{row % 7}.0" if row % 5 else ""), "text", "integer", True),
    "floats with NaN": (pl.Series(every(lambda row: row / 7 if row % 5 else math.nan)), "typed", "number", True),
    "floats that are integers": (pl.Series(every(lambda row: float(row % 7))), "typed", "integer", False),
    "DECIMAL(38,0)": (
        pl.Series(every(lambda row: Decimal(row % 7)), dtype=pl.Decimal(38, 0)),
        "typed",
        "integer",
        False,
    ),
    "decimals": (pl.Series(every(lambda row: Decimal(row) / 4)), "typed", "number", False),
    "text of numbers": (every(lambda row: f"{row}.5" if row % 5 else ""), "typed", "number", True),
    "strings of numbers": (every(lambda row: f'"{row}.5"'), "json", "number", False),
    "booleans": (pl.Series(EVEN), "typed", "boolean", False),
    "text of booleans": (every(lambda row: "NA" if row % 7 == 0 else str(row % 2 == 0)), "text", "boolean", True),
    "text of days": (every(lambda row: str(dt.date(2024, 1, 1 + row % 28))), "typed", "timestamp", False),
    "codes with zeros in front": (every(lambda row: f"{row:05}"), "text", "text", False),
    "codes in Parquet": (every(lambda row: f"{row:05}"), "typed", "text", False),
    "digits beyond a float": (every(lambda row: str(10**19 + row)), "text", "text", False),
    "uint64 beyond an integer": (pl.Series(every(lambda row: 2**63 + row), dtype=pl.UInt64), "typed", "text", False),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_is_seen_as_it_will_be_read(name: str) -> None:
    column, written, kind, missing = COLUMNS[name]
    found = only(column, written)
    assert (found.kind, found.missing) == (kind, missing)
    assert found.part in {"features", "time"}


LABELS: dict[str, tuple[Any, Written, list[str]]] = {
    "booleans": (pl.Series(EVEN), "typed", ["false", "true"]),
    "floats": (pl.Series([1.0 if even else 0.0 for even in EVEN]), "typed", ["0", "1"]),
    "text of floats": (["1.0" if even else "0.0" for even in EVEN], "text", ["0", "1"]),
    "a class None": (["None" if even else "dent" for even in EVEN], "text", ["None", "dent"]),
    "two spellings": (every(lambda row: "Yes" if row % 5 == 0 else "no" if row % 2 else "yes"), "text", ["no", "yes"]),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_are_classes_by_what_they_say(name: str) -> None:
    column, written, classes = LABELS[name]
    found = looked_at({"x": every(str), "y": column}, written, "y")
    assert list(found.classes) == classes
    assert sum(found.counts.values()) == ROWS


def test_a_spelling_of_nothing_is_taken_only_where_it_is_nothing_else() -> None:
    numbers = every(lambda row: "NA" if row % 9 == 0 else f"{row}.5")
    shared = looked_at({"x": numbers, "y": ["a" if even else "b" for even in EVEN]}, "text")
    assert (shared.nothing, shared.columns[0].missing_as) == (("", "NA"), ())
    countries = ["NA" if even else "DE" for even in EVEN]
    apart = looked_at({"x": numbers, "country": countries}, "text")
    assert apart.nothing == ("",)
    assert [(one.kind, one.missing_as) for one in apart.columns] == [("number", ("", "NA")), ("category", ())]
    assert "missing_as: ['', NA]" in render_project_file(ProjectSource("p", "f.csv", "*.csv", {}), apart, ["a", "b"])


def test_a_label_that_may_mean_nothing_is_told_and_can_be_left_out() -> None:
    found = looked_at({"x": every(str), "y": ["None" if even else "dent" for even in EVEN]}, "text", "y")
    assert "# If 'None' means that there is no label" in render_project_file(
        ProjectSource("p", "f", "*", {}), found, found.classes
    )
    assert add_missing_spellings(found, ["dent", "scratch"]).nothing == ("", "None")
    assert add_missing_spellings(found, ["None", "dent"]).nothing == ("",)
