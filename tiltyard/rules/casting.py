"""From cells as they arrived to the project's types: by contract, cell by cell, never guessed, no silent change.

What a cell may look like, by kind of column:

- number: a decimal (``12``, ``-0.5``, ``1e3``), taken as the nearest float64. ``10,5``, `` 1``, ``1_000`` are bad.
- integer: digits with a sign, exact to 64 bits. ``5.0`` and ``1e3`` are bad.
- category, text: any text without NUL, kept as it is: ``00007`` stays ``00007``.
- boolean: ``true``, ``false`` (also ``True``, ``TRUE``), ``1``, ``0`` in CSV; JSON's and Parquet's own booleans.
- timestamp: ISO 8601 in the extended form, to the microsecond; without an offset it is UTC. ``UTC`` and ``GMT`` at its
  end, with a space before them or not, are the offset 0.

In CSV the spellings under ``source.csv.missing`` are missing cells, and numbers are written with the marks that
``source.csv.decimal`` and ``source.csv.thousands`` name: ``1.234,5`` where they say so, and in no other way then. JSON
and Parquet have types of their own, and a value of another type is a bad cell; only an integer for a number, a date for
a timestamp, and an integer for a column without a kind of its own (id, reference, label; its decimal digits are taken)
will do.
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from schemas.columns import Kind
from schemas.pool_types import POOL_TYPES
from schemas.project import CsvOptions, Project
from tiltyard.rules.raw_rows import RawRows, Written

YEAR_1: Final = -62_135_596_800_000_000
YEAR_10000: Final = 253_402_300_800_000_000
"""Microseconds from 1970 to the start of year 1 and of year 10000: what every library on the way can hold."""

ISO_8601: Final = (
    r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::([0-5]\d)(?:\.(\d{1,6})0*)?)?"
    r"( ?(?:Z|UTC|GMT|[+-]00:?00 UTC|[+-]\d{2}(?::?\d{2})?))?)?$"
)
BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "1": True} | {
    "false": False,
    "False": False,
    "FALSE": False,
    "0": False,
}
WORDS: Final[dict[Kind, str]] = {
    "number": "a number",
    "integer": "an integer of at most 64 bits",
    "category": "text without NUL",
    "text": "text without NUL",
    "boolean": "true or false",
    "timestamp": "a time in ISO 8601, to the microsecond",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One check that some rows of a frame failed; ``at`` has their positions in it (UInt32, ascending)."""

    check: str
    column: str
    at: pl.Series


def cast_cells(raw: RawRows, project: Project) -> tuple[pl.DataFrame, list[Failure]]:
    """The rows in pool types, in the project file's order (then the label as text, if it arrived), and what failed.

    A cell that cannot be cast is null in the frame, and its row is in a failure.
    """
    wanted = _wanted(raw, project)
    cells = _blanked(raw, list(wanted), project)
    loose = wanted.keys() - project.columns.features.keys() - project.columns.context.keys()
    # with_columns, since a select of literals alone would forget how many rows there are
    typed = cells.with_columns(
        _cast(_plain(name, kind, raw, project), cells.schema[name], kind, raw.written, name in loose).alias(name)
        for name, kind in wanted.items()
    )
    failures = [
        _failure(cells[name], typed[name], WORDS[kind], _is_free(name, project)) for name, kind in wanted.items()
    ]
    return typed, [failure for failure in failures if failure is not None]


def _wanted(raw: RawRows, project: Project) -> dict[str, Kind]:
    """The columns to cast and their kinds; the label only where it arrived."""
    names = project.columns.all_names
    if project.columns.label in raw.cells.columns:
        names = [*names, project.columns.label]
    return {name: project.columns.kind_of(name) for name in names}


def _blanked(raw: RawRows, names: list[str], project: Project) -> pl.DataFrame:
    """The wanted cells with missing ones null: JSON's absent keys, CSV's spellings of an empty cell."""
    absent = [pl.lit(None, pl.String).alias(name) for name in names if name not in raw.cells.columns]
    cells = raw.cells.with_columns(absent).select(names)
    if raw.written != "text":
        return cells
    return cells.with_columns(pl.all().replace(project.source.csv.missing, None))


def _cast(cell: pl.Expr, dtype: pl.DataType, kind: Kind, written: Written, loose: bool) -> pl.Expr:
    """The expression that gives a column in its pool type, null where a cell is not of its kind.

    ``loose`` columns have no kind of their own: they are text and take integers by their decimal digits.
    """
    if dtype == pl.Null:
        return cell.cast(POOL_TYPES[kind])
    if written == "text":
        return _from_text(cell, kind)
    return _from_json(cell, kind, loose) if written == "json" else _from_typed(cell, dtype, kind, loose)


def _plain(name: str, kind: Kind, raw: RawRows, project: Project) -> pl.Expr:
    """A cell; one of CSV with its number as every program writes it, where the project file names other marks."""
    is_number, csv = kind in {"number", "integer"} and raw.written == "text", project.source.csv
    is_marked = (csv.decimal, csv.thousands) != (".", "")
    return plain_number(pl.col(name), csv) if is_number and is_marked else pl.col(name)


def plain_number(cell: pl.Expr, csv: CsvOptions) -> pl.Expr:
    """The text of a number that was written with a project's marks, with a point and no thousands; null for others."""
    point, mark = re.escape(csv.decimal), re.escape(csv.thousands)
    whole = rf"(?:\d{{1,3}}(?:{mark}\d{{3}})+|\d+)" if mark else r"\d+"
    form = rf"^[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?$"
    text = cell.str.replace_all(csv.thousands, "", literal=True) if mark else cell
    return pl.when(cell.str.contains(form)).then(text.str.replace(csv.decimal, ".", literal=True))


def _from_text(cell: pl.Expr, kind: Kind) -> pl.Expr:
    """Plain text to a kind."""
    if kind == "boolean":
        return cell.replace_strict(BOOLEANS, default=None, return_dtype=pl.Boolean)
    if kind == "timestamp":
        return _moment(cell)
    return cell if kind in {"category", "text"} else cell.cast(POOL_TYPES[kind], strict=False)


def _moment(cell: pl.Expr) -> pl.Expr:
    """ISO 8601 text to a time in UTC."""
    parts = cell.str.extract_groups(ISO_8601).struct
    offset = (
        parts.field("5")
        .fill_null("")
        .str.strip_chars()
        .replace(dict.fromkeys(("", "Z", "UTC", "GMT"), "+0000"))
        .str.replace(" UTC", "", literal=True)
        .str.replace(":", "", literal=True)
    )
    written_out = pl.concat_str(
        parts.field("1"),
        pl.lit("T"),
        parts.field("2").fill_null("00:00"),
        pl.lit(":"),
        parts.field("3").fill_null("00"),
        pl.lit("."),
        parts.field("4").fill_null("0").str.pad_end(6, "0"),
        offset.str.pad_end(5, "0"),
    )
    return _within_years(written_out.str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f%z", time_unit="us", strict=False))


def _within_years(moment: pl.Expr) -> pl.Expr:
    """Times from year 1 to 9999, others null."""
    return pl.when(moment.to_physical().is_between(YEAR_1, YEAR_10000, closed="left")).then(moment)


def _from_json(cell: pl.Expr, kind: Kind, loose: bool) -> pl.Expr:
    """One JSON literal a cell to a kind; a literal of another JSON type gives null."""
    if kind in {"number", "integer"}:
        return cell.cast(POOL_TYPES[kind], strict=False)
    if kind == "boolean":
        return cell.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    text = pl.when(cell.str.starts_with('"')).then(cell).str.json_decode(pl.String)
    if kind == "timestamp":
        return _moment(text)
    return pl.when(cell.str.contains(r"^-?\d+$")).then(cell).otherwise(text) if loose else text


def _from_typed(cell: pl.Expr, dtype: pl.DataType, kind: Kind, loose: bool) -> pl.Expr:
    """A typed column to a kind; a column of another type gives nulls."""
    wanted = POOL_TYPES[kind]
    if kind == "timestamp":
        return _from_time(cell, dtype)
    if dtype == wanted:
        return cell
    if _is_lossless(dtype, kind) or (loose and dtype.is_integer()):
        return cell.cast(wanted, strict=False)
    return pl.lit(None, wanted)


def _is_lossless(dtype: pl.DataType, kind: Kind) -> bool:
    """Whether a typed column is of this kind under another name."""
    if kind == "number":
        return dtype.is_numeric()
    if kind == "integer":
        return dtype.is_integer()
    return kind in {"category", "text"} and dtype.base_type() in {pl.Categorical, pl.Enum}


def _from_time(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A typed date or time as UTC; null where microseconds cannot hold it."""
    if dtype == pl.Date:
        days = cell.to_physical().cast(pl.Int64)
        return pl.when(days.is_between(-719_162, 2_932_896)).then(cell).cast(POOL_TYPES["timestamp"])
    if not isinstance(dtype, pl.Datetime):
        return pl.lit(None, POOL_TYPES["timestamp"])
    ticks = cell.to_physical()
    per_second = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[dtype.time_unit]
    first, last = YEAR_1 // 1_000_000 * per_second, YEAR_10000 // 1_000_000 * per_second - 1
    inside = ticks.is_between(max(first, -(2**63)), min(last, 2**63 - 1))
    whole = pl.lit(True) if dtype.time_unit != "ns" else ticks % 1_000 == 0
    micros = ticks * 1_000 if dtype.time_unit == "ms" else ticks // max(per_second // 1_000_000, 1)
    return pl.when(inside & whole).then(micros).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _is_free(name: str, project: Project) -> bool:
    """Whether a column takes any text; one with allowed values, like the label, takes only those."""
    declared = project.columns.features.get(name) or project.columns.context.get(name)
    return name != project.columns.label and (declared is None or declared.allowed is None)


def _failure(cells: pl.Series, typed: pl.Series, words: str, free: bool) -> Failure | None:
    """The cells of one column that are there but could not be cast, or hold a NUL that no database keeps."""
    if free and typed.dtype == pl.String and _holds_nul(typed):
        bad = typed.str.contains("\0", literal=True).fill_null(False) | (typed.is_null() & cells.is_not_null())
    elif typed.null_count() == cells.null_count():
        return None
    else:
        bad = typed.is_null() & cells.is_not_null()
    return Failure(words, cells.name, bad.arg_true())


def _holds_nul(text: pl.Series) -> bool:
    """Whether any of the texts holds a NUL; asked of all bytes at once, which is far cheaper than of each text."""
    content = text.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()[2]
    return content is not None and not bool(np.frombuffer(content, np.uint8).all())
