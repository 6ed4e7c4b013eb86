"""From cells as they arrived to the project's types: by contract, cell by cell, never guessed, no silent change.

What a cell may look like, by kind of column, is one rule for all formats:

- number: a decimal (``12``, ``-0.5``, ``1e3``), taken as the nearest float64. ``10,5``, `` 1``, ``1_000`` are bad.
- integer: digits with a sign, exact to 64 bits; ``5.0`` is 5, since nothing is lost. ``5.5`` is bad.
- category, text: any text without NUL, kept as it is: ``00007`` stays ``00007``.
- boolean: ``true``, ``false`` (also ``True``, ``TRUE``), ``1``, ``0``.
- timestamp: ISO 8601 in the extended form, to the microsecond; without an offset it is UTC.

In CSV numbers are written with the marks that ``source.csv.decimal`` and ``source.csv.thousands`` name: ``1.234,5``
where they say so, and in no other way then.

Missing cells are JSON's and Parquet's nulls, NaN where there should be a number, and the spellings under
``source.csv.missing`` (or the column's own ``missing_as``): in CSV, and in any format where text stands for a number,
an integer, a boolean or a time. A spelling never takes the place of a class, an allowed value or an id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import Final

import numpy as np
import polars as pl

from tiltyard.ingest.casting.columns import (
    is_not_a_number,
    match_allowed,
    normalize_number,
    parse_text,
    parse_timestamps,
    to_plain_text,
    to_utc,
)
from tiltyard.ingest.casting.lossless import BOOLEANS
from tiltyard.ingest.raw_batch import RawBatch, Written
from tiltyard.schemas.pool_types import POOL_TYPES
from tiltyard.schemas.project import Column, CsvOptions, Kind, Project

WORDS: Final[dict[Kind, str]] = {
    "number": "a number",
    "integer": "an integer of at most 64 bits",
    "category": "text without NUL",
    "text": "text without NUL",
    "boolean": "true or false",
    "timestamp": "a time in ISO 8601, to the microsecond",
}
SINGLE: Final = "a text, or a value that text can stand for"
ROUNDED: Final = "an integer that its float holds exactly, or text"

MissingCells = dict[str, dict[str, int]]
"""How many cells of a column were taken as missing, by column and by the spelling in the file."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One check that some rows of a frame failed; ``at`` has their positions in it (UInt32, ascending)."""

    check: str
    column: str
    at: pl.Series


@dataclass(frozen=True, slots=True)
class CastResult:
    """Cells in pool types, in the project file's order (then the label as text, if it arrived).

    A cell that cannot be cast is null in ``typed``, and its row is in a failure. ``missing`` counts the cells that
    were taken as missing although they contain text.
    """

    typed: pl.DataFrame
    failures: list[Failure]
    missing: MissingCells = field(default_factory=dict)


def cast_cells(raw: RawBatch, project: Project) -> CastResult:
    """The rows' cells in pool types, what failed, and what was taken as missing."""
    wanted = _wanted(raw, project)
    absent = [pl.lit(None, pl.String).alias(name) for name in wanted if name not in raw.cells.columns]
    arrived = raw.cells.with_columns(absent).select(list(wanted))
    cells = arrived.with_columns(
        pl.col(name).replace(blanks, None)
        for name, kind in wanted.items()
        if arrived.schema[name] == pl.String and (blanks := _blanks(name, kind, raw.written, project))
    )
    cells = _unmarked(cells, wanted, raw.written, project.source.csv)
    missing = {name: _met(arrived[name], cells[name].is_null(), raw.written) for name in wanted}
    # with_columns, since a select of literals alone would forget how many rows there are
    typed = cells.with_columns(
        _cast(pl.col(name), cells.schema[name], kind, raw.written).alias(name) for name, kind in wanted.items()
    )
    failures: list[Failure] = []
    columns: list[pl.Series] = []
    for name, kind in wanted.items():
        column, nothing = _widened(cells[name], typed[name], kind, raw.written)
        missing[name] |= _met(arrived[name], nothing, raw.written) if nothing is not None else {}
        there = cells[name].is_not_null() if nothing is None else cells[name].is_not_null() & ~nothing
        names = allowed_values(name, project)
        columns.append(column if names is None else match_allowed(column, names))
        failures += _failures(there, column, kind, raw, names is None)
    made = pl.DataFrame({column.name: column for column in columns})
    return CastResult(made, failures, {name: met for name, met in missing.items() if met})


def _unmarked(cells: pl.DataFrame, wanted: Mapping[str, Kind], written: Written, csv: CsvOptions) -> pl.DataFrame:
    """The cells with CSV's numbers as every program writes them, where the project file names marks of its own."""
    if written != "text" or (csv.decimal, csv.thousands) == (".", ""):
        return cells
    numbers = [name for name, kind in wanted.items() if kind in {"number", "integer"}]
    return cells.with_columns(
        normalize_number(pl.col(name), csv) for name in numbers if cells.schema[name] == pl.String
    )


def allowed_values(name: str, project: Project) -> Sequence[str] | None:
    """The only values that a column takes: the label's classes by any name that they have or had, or those of
    ``allowed``; None where any will do."""
    if name == project.columns.label:
        return project.names.every
    declared = declared_column(name, project)
    return None if declared is None else declared.allowed


def declared_column(name: str, project: Project) -> Column | None:
    """What the project file says about a feature or a context column; None for the others."""
    return project.columns.features.get(name) or project.columns.context.get(name)


def missing_spellings(name: str, project: Project) -> list[str]:
    """The spellings of an empty cell in a column: its own or the project's, less what is a value there.

    An id is never spelled as missing, unless it is empty.
    """
    declared = declared_column(name, project)
    own = None if declared is None else declared.missing_as
    spellings = project.source.csv.missing if own is None else own
    if name == project.columns.id:
        return [spelling for spelling in spellings if not spelling.strip()]
    if name == project.columns.label:
        return [spelling for spelling in spellings if project.said(spelling) is None]
    return [spelling for spelling in spellings if spelling not in (allowed_values(name, project) or ())]


def _wanted(raw: RawBatch, project: Project) -> dict[str, Kind]:
    """The columns to cast and their kinds; the label only where it arrived."""
    names = project.columns.all_names
    if project.columns.label in raw.cells.columns:
        names = [*names, project.columns.label]
    return {name: project.columns.kind_of(name) for name in names}


def _blanks(name: str, kind: Kind, written: Written, project: Project) -> list[str]:
    """How a missing cell is written in a column of text: JSON and Parquet have nulls, so there text is a value."""
    if written != "text" and kind in {"category", "text"}:
        return []
    spellings = missing_spellings(name, project)
    return [encode_basestring(spelling) for spelling in spellings] if written == "json" else spellings


def _met(arrived: pl.Series, missing: pl.Series, written: Written) -> dict[str, int]:
    """The count of each spelling among the cells that were taken as missing; nulls are not counted."""
    taken = arrived.filter(missing & arrived.is_not_null())
    if taken.is_empty():
        return {}
    counted = taken.cast(pl.String).value_counts(sort=True, name="_count")
    spellings = (text.strip('"') if written == "json" else text for text in counted[arrived.name].to_list())
    return dict(zip(spellings, counted["_count"].to_list(), strict=True))


def _cast(cell: pl.Expr, dtype: pl.DataType, kind: Kind, written: Written) -> pl.Expr:
    """What most cells are, in the column's pool type; null where a cell is something else."""
    wanted = POOL_TYPES[kind]
    if dtype == wanted and written != "json":
        return cell
    if dtype == pl.String:
        return _from_json(cell, kind) if written == "json" else _from_text(cell, kind)
    if kind == "timestamp":
        return to_utc(cell, dtype)
    if dtype == pl.Null or (kind == "integer" and dtype.is_integer()):
        return cell.cast(wanted, strict=False)
    if kind == "number" and dtype.is_numeric():
        # polars divides a decimal's digits in float64, which rounds twice where they are many
        return (cell.cast(pl.String) if isinstance(dtype, pl.Decimal) else cell).cast(wanted, strict=False)
    return pl.lit(None, wanted)


def _from_text(cell: pl.Expr, kind: Kind) -> pl.Expr:
    """Plain text to a kind."""
    if kind == "boolean":
        return cell.replace_strict(BOOLEANS, default=None, return_dtype=pl.Boolean)
    if kind == "timestamp":
        return parse_timestamps(cell)
    return cell if kind in {"category", "text"} else cell.cast(POOL_TYPES[kind], strict=False)


def _from_json(cell: pl.Expr, kind: Kind) -> pl.Expr:
    """One JSON literal a cell to a kind."""
    if kind in {"number", "integer"}:
        return cell.cast(POOL_TYPES[kind], strict=False)
    if kind == "boolean":
        return cell.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    text = pl.when(cell.str.starts_with('"')).then(cell).str.json_decode(pl.String)
    return parse_timestamps(text) if kind == "timestamp" else text


def _widened(cells: pl.Series, typed: pl.Series, kind: Kind, written: Written) -> tuple[pl.Series, pl.Series | None]:
    """A column with what the rule of widening makes of the cells that are of another type, and which cells are NaN."""
    nothing = None
    if typed.dtype == pl.Float64 and (nan := typed.is_nan().fill_null(False)).any():
        nothing, typed = nan, typed.fill_nan(None)
    left = cells.is_not_null() & typed.is_null()
    if nothing is not None:
        left = left & ~nothing
    if not left.any():
        return typed, nothing
    others = cells.filter(left)
    at, empty = left.arg_true(), is_not_a_number(others, written, kind).fill_null(False)
    plain = to_plain_text(others, written).set(empty, None)
    made = plain if kind in {"category", "text"} else parse_text(plain, kind)
    if empty.any():
        nan = pl.Series(np.zeros(len(cells), dtype=np.bool_)).scatter(at.filter(empty), True)
        nothing = nan if nothing is None else nothing | nan
    return typed.scatter(at, made).rename(typed.name), nothing


def _failures(there: pl.Series, typed: pl.Series, kind: Kind, raw: RawBatch, free: bool) -> list[Failure]:
    """The cells of one column that are there but could not be cast, or hold a NUL that no database keeps."""
    failures: list[Failure] = []
    uncast = there & typed.is_null()
    if uncast.any():
        failures.append(Failure(_words(kind, typed.name, raw), typed.name, uncast.arg_true()))
    if free and typed.dtype == pl.String and _holds_nul(typed):
        holding = typed.str.contains("\0", literal=True).fill_null(False)
        failures.append(Failure(WORDS[kind], typed.name, holding.arg_true()))
    return failures


def _words(kind: Kind, name: str, raw: RawBatch) -> str:
    """What a cell that could not be cast should have been, and the type that its column has instead."""
    if kind in {"category", "text"}:
        return ROUNDED if raw.cells.schema[name].is_float() else _with_type(SINGLE, name, raw)
    return _with_type(WORDS[kind], name, raw)


def _with_type(words: str, name: str, raw: RawBatch) -> str:
    """Words that name a column's type where the type itself is what is wrong."""
    dtype = raw.cells.schema[name]
    if raw.written != "typed" or dtype == pl.String or dtype.is_numeric():
        return words
    return f"{words}, not of the type {str(dtype.base_type()).lower()}"


def _holds_nul(text: pl.Series) -> bool:
    """Whether any of the texts holds a NUL; asked of all bytes at once, which is far cheaper than of each text."""
    content = text.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()[2]
    return content is not None and not bool(np.frombuffer(content, np.uint8).all())
