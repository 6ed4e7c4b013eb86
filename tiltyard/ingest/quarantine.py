"""Bad rows in quarantine: their position, every reason, and the cells as they arrived."""

import json
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from tiltyard.ingest.casting.cells import Failure
from tiltyard.ingest.raw_batch import QUARANTINE_TYPES, SHOWN_CELL, SHOWN_VALUE, RawBatch

MOST_TICKS: Final = {"days": 2_900_000, "ms": 250 * 10**12, "us": 250 * 10**15, "ns": 2**63 - 1}
"""Units since 1970 up to which a date or a time is written as one: about year 9900."""

REASONS_PER_ROW: Final = 25
"""Reasons that one row lists; a row of ten thousand bad cells says how many more there are."""


def quarantine_frame(raw: RawBatch, failures: list[Failure], bad: npt.NDArray[np.int64]) -> pl.DataFrame:
    """The bad rows (positions in ``raw.cells``, ascending) in quarantine's shape, each with its reasons."""
    at = pl.Series("at", bad, dtype=pl.UInt32)
    return pl.DataFrame(
        [
            raw.row.gather(at).alias("row"),
            raw.line.gather(at).cast(pl.Int64).alias("line"),
            _reasons(raw, failures),
            _as_it_arrived(raw, raw.cells[at.to_numpy()]),
        ],
        schema=QUARANTINE_TYPES,
    )


def _reasons(raw: RawBatch, failures: list[Failure]) -> pl.Series:
    """A JSON list of reasons for each row that failed anything, in the rows' order."""
    counts = np.zeros(raw.cells.height, dtype=np.uint32)
    listed = pl.concat([*(_listed(raw, failure, counts) for failure in failures), _further(counts)])
    alone = pl.Series(counts == 1).gather(listed["at"])
    # Most bad rows have one reason; only the others are worth the price of a group.
    several = listed.filter(~alone).group_by("at", maintain_order=True).agg(pl.col("reason").str.join(","))
    in_order = pl.concat([listed.filter(alone), several]).sort("at")
    return in_order.select(reasons=pl.concat_str(pl.lit("["), "reason", pl.lit("]"))).to_series()


def _listed(raw: RawBatch, failure: Failure, counts: npt.NDArray[np.uint32]) -> pl.DataFrame:
    """One failure's reasons as JSON objects by position, less the rows that have enough; counts them all."""
    positions = failure.at.to_numpy()
    at = failure.at.filter(pl.Series(counts[positions] < REASONS_PER_ROW))
    counts[positions] += 1
    return pl.DataFrame({"at": at.cast(pl.UInt32), "value": _values(raw, failure.column, at)}).select(
        "at", reason=_reason(failure.check, failure.column)
    )


def _reason(check: str, column: str) -> pl.Expr:
    """A reason as a JSON object; its value is the column ``value``, the rest is the same for every row."""
    head = json.dumps({"check": check, "column": column}, ensure_ascii=False, separators=(",", ":"))
    value = pl.struct("value").struct.json_encode().str.slice(1)
    return pl.concat_str(pl.lit(f"{head[:-1]},"), value)


def _further(counts: npt.NDArray[np.uint32]) -> pl.DataFrame:
    """One last reason for rows that have more than are listed."""
    more = np.flatnonzero(counts > REASONS_PER_ROW)
    words = [f"{count - REASONS_PER_ROW} further reasons" for count in counts[more]]
    frame = pl.DataFrame({"at": more, "value": words}, schema={"at": pl.UInt32, "value": pl.String})
    return frame.select("at", reason=_reason("more", ""))


def _values(raw: RawBatch, column: str, at: pl.Series) -> pl.Series:
    """The offending cells as text, cut to what a reason shows; empty where the whole row offends."""
    if column not in raw.cells.columns:
        return pl.Series([""], dtype=pl.String).new_from_index(0, len(at))
    return to_text(raw.cells[column].gather(at)).str.head(SHOWN_VALUE).fill_null("")


def _as_it_arrived(raw: RawBatch, cells: pl.DataFrame) -> pl.Series:
    """Each row as a JSON object of its cells; a cell longer than is shown is cut and says how long it was."""
    if raw.written == "json":
        return _joined_literals(cells)
    plain = cells.select(_shown(column) for column in cells)
    return plain.select(raw=pl.struct(pl.all()).struct.json_encode()).to_series()


def _shown(column: pl.Series) -> pl.Series:
    """A column that JSON can hold without loss: text as it is, integers and booleans too, all else as text."""
    if column.dtype.is_integer() or column.dtype in {pl.Boolean, pl.Null}:
        return column
    finite = column.dtype.is_float() and bool(column.is_finite().all())
    return column if finite else _cut(to_text(column))


def _cut(text: pl.Series) -> pl.Series:
    """Text with long cells cut and their full length appended."""
    if (text.str.len_bytes().max() or 0) <= SHOWN_CELL:  # type: ignore[operator]  # lengths are integers
        return text
    cell = pl.col(text.name)
    told = pl.concat_str(cell.str.head(SHOWN_CELL), pl.lit(" … ("), cell.str.len_chars(), pl.lit(" characters)"))
    return text.to_frame().select(pl.when(cell.str.len_chars() > SHOWN_CELL).then(told).otherwise(cell)).to_series()


def _joined_literals(cells: pl.DataFrame) -> pl.Series:
    """JSON literals put together as an object; a literal that had to be cut becomes text."""
    pairs: list[pl.Expr] = []
    for column in cells:
        cut = _cut(column)
        quoted = pl.struct(v=cut).struct.json_encode().str.slice(5).str.head(-1)
        is_json = (cut == column) & ~column.is_in(["NaN", "Infinity", "-Infinity"])
        literal = pl.when(is_json).then(cut).when(cut.is_not_null()).then(quoted).otherwise(pl.lit("null"))
        pairs += [pl.lit(f"{'' if not pairs else ','}{json.dumps(column.name)}:"), literal]
    return cells.select(pl.concat_str(pl.lit("{"), *pairs, pl.lit("}")).alias("raw")).to_series()


def to_text(column: pl.Series) -> pl.Series:
    """Any column as text, for people: what it holds, not a value to compute with."""
    if column.dtype == pl.String:
        return column
    if column.dtype == pl.Binary:
        return column.bin.encode("hex")
    if column.dtype.is_nested():
        return pl.Series(column.name, [None if cell is None else str(cell) for cell in column.to_list()], pl.String)
    if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
        return _time_as_text(column)
    return column.cast(pl.String)


def _time_as_text(column: pl.Series) -> pl.Series:
    """Dates or times as text; one beyond Python's calendar as its number of units since 1970."""
    unit = column.dtype.time_unit if isinstance(column.dtype, pl.Datetime) else "days"
    ticks = column.to_physical().cast(pl.Int64)
    within = ticks.abs() < MOST_TICKS[unit]
    plain = column.to_frame().select(pl.when(within).then(column)).to_series().cast(pl.String)
    number = ticks.cast(pl.String) + f" {unit} since 1970"
    return plain.fill_null(number).rename(column.name)
