"""Columns by the rule of ``ingest.casting.lossless``: whole columns at once, the same outcome as value by value."""

import re
from collections.abc import Collection, Sequence
from typing import Final

import polars as pl

from tiltyard.ingest.casting.lossless import BOOLEANS, EXACT_FLOAT32, EXACT_FLOAT64, match_class
from tiltyard.ingest.raw_batch import Written
from tiltyard.schemas.project import CsvOptions, Kind

YEAR_1: Final = -62_135_596_800_000_000
YEAR_10000: Final = 253_402_300_800_000_000
"""Microseconds from 1970 to the start of year 1 and of year 10000: what every library on the way can hold."""

ISO_8601: Final = (
    r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::([0-5]\d)(?:\.(\d{1,6})0*)?)?"
    r"( ?(?:Z|UTC|GMT|[+-]00:?00 UTC|[+-]\d{2}(?::?\d{2})?))?)?$"
)
NOT_A_NUMBER: Final = r"(?i)^[+-]?nan$"
JSON_NUMBER: Final = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$"
CELL: Final = "cell"
FIGURES: Final = 15
"""Significant digits up to which a float64 gives a decimal back as it was."""


def parse_timestamps(cell: pl.Expr) -> pl.Expr:
    """ISO 8601 text to a time in UTC; other text to null. ``UTC`` or ``GMT`` at the end are the offset 0."""
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
    return within_years(written_out.str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f%z", time_unit="us", strict=False))


def within_years(moment: pl.Expr) -> pl.Expr:
    """Times from year 1 to 9999, others null."""
    return pl.when(moment.to_physical().is_between(YEAR_1, YEAR_10000, closed="left")).then(moment)


def to_utc(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Typed dates or times as UTC; null where microseconds cannot hold them."""
    if dtype == pl.Date:
        days = cell.to_physical().cast(pl.Int64)
        return pl.when(days.is_between(-719_162, 2_932_896)).then(cell).cast(pl.Datetime("us", "UTC"))
    if not isinstance(dtype, pl.Datetime):
        return pl.lit(None, pl.Datetime("us", "UTC"))
    ticks = cell.to_physical()
    per_second = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[dtype.time_unit]
    first, last = YEAR_1 // 1_000_000 * per_second, YEAR_10000 // 1_000_000 * per_second - 1
    inside = ticks.is_between(max(first, -(2**63)), min(last, 2**63 - 1))
    whole = pl.lit(True) if dtype.time_unit != "ns" else ticks % 1_000 == 0
    micros = ticks * 1_000 if dtype.time_unit == "ms" else ticks // max(per_second // 1_000_000, 1)
    return pl.when(inside & whole).then(micros).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def normalize_number(cell: pl.Expr, csv: CsvOptions) -> pl.Expr:
    """Plain text with a number in the marks that the project file names, as every program writes it.

    Other text becomes text that no rule takes for a number, ``1.5`` too where the fraction stands behind a comma.
    """
    point, mark = re.escape(csv.decimal), re.escape(csv.thousands)
    whole = rf"(?:\d{{1,3}}(?:{mark}\d{{3}})+|\d+)" if mark else r"\d+"
    form = rf"^[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?$"
    text = cell.str.replace_all(csv.thousands, "", literal=True) if mark else cell
    number = pl.when(cell.str.contains(form)).then(text.str.replace(csv.decimal, ".", literal=True))
    return pl.coalesce(number, pl.when(cell.str.contains(NOT_A_NUMBER)).then(cell), pl.lit("no number: ") + cell)


def parse_text(cells: pl.Series, kind: Kind) -> pl.Series:
    """Plain text as a kind that is not text; null where it spells none."""
    cell = pl.col(CELL)
    if kind == "boolean":
        word = cell.str.replace(r"^([01])\.0+$", "${1}")
        made = word.replace_strict(BOOLEANS, default=None, return_dtype=pl.Boolean)
    elif kind == "timestamp":
        made = parse_timestamps(cell)
    elif kind == "number":
        made = cell.cast(pl.Float64, strict=False)
    else:
        made = _integers(cell)
    return _column(cells, made)


def _integers(cell: pl.Expr) -> pl.Expr:
    """Text to exact integers: digits, digits with an empty fraction, and floats up to what they hold."""
    whole = pl.when(cell.str.contains(r"^[+-]?\d+\.0*$")).then(cell.str.replace(r"\.0*$", ""))
    value = pl.when(cell.str.contains(r"^[+-]?\d+(?:\.\d+)?[eE][+-]?\d{1,3}$")).then(cell)
    digits = pl.coalesce(cell.cast(pl.Int64, strict=False), whole.cast(pl.Int64, strict=False))
    return pl.coalesce(digits, _exact(value.cast(pl.Float64, strict=False), EXACT_FLOAT64))


def _exact(number: pl.Expr, most: int) -> pl.Expr:
    """Floats as the integers that they hold; null for all others."""
    return pl.when((number == number.floor()) & number.is_between(-most, most)).then(number).cast(pl.Int64)


def to_plain_text(cells: pl.Series, written: Written) -> pl.Series:
    """Cells as text by the rule; null for nested values. NaN stays ``NaN``."""
    if cells.dtype == pl.String and written == "json":
        return _plain_json(cells)
    return _column(cells, _plain(pl.col(CELL), cells.dtype))


def _column(cells: pl.Series, made: pl.Expr) -> pl.Series:
    """The result of an expression of ``CELL`` on a column with any name: polars cannot select an empty name."""
    return cells.rename(CELL).to_frame().select(made).to_series().rename(cells.name)


def _plain(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A typed column as text."""
    if dtype.is_float():
        most = EXACT_FLOAT32 if dtype == pl.Float32 else EXACT_FLOAT64
        return _plain_floats(cell, cell.cast(pl.Float64), most)
    if dtype.is_decimal():
        return _shortest(cell.cast(pl.String))
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return _plain_moments(cell, dtype)
    if dtype == pl.Time:
        return _without_zeros(cell.dt.to_string("%H:%M:%S%.9f"))
    is_plain = dtype == pl.String or dtype.is_integer() or dtype.base_type() in {pl.Boolean, pl.Categorical, pl.Enum}
    return cell.cast(pl.String) if is_plain else pl.lit(None, pl.String)


def _plain_floats(cell: pl.Expr, number: pl.Expr, most: int) -> pl.Expr:
    """Floats by their shortest digits; null for infinities and integers beyond what the type holds one by one."""
    whole = _exact(number, most).cast(pl.String)
    broken = pl.when((number != number.floor()) | number.is_nan()).then(cell.cast(pl.String))
    return pl.coalesce(whole, broken)


def _plain_moments(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Dates and times in ISO 8601, without trailing zeros; times with a zone in UTC."""
    moment = to_utc(cell, dtype)
    if dtype == pl.Date:
        return moment.dt.strftime("%Y-%m-%d")
    zone = "Z" if isinstance(dtype, pl.Datetime) and dtype.time_zone else ""
    return _without_zeros(moment.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")) + zone


def _without_zeros(text: pl.Expr) -> pl.Expr:
    """Digits without zeros at the end of a fraction."""
    return text.str.replace(r"(\.\d*?)0+$", "${1}").str.strip_suffix(".")


def _shortest(text: pl.Expr) -> pl.Expr:
    """Plain decimals as a float of the same value is written, where it has so few digits that nothing is lost."""
    trimmed = pl.when(text.str.contains(".", literal=True)).then(_without_zeros(text)).otherwise(text)
    trimmed = pl.when(trimmed == "-0").then(pl.lit("0")).otherwise(trimmed)
    figures = trimmed.str.replace_all(r"[-.]", "").str.strip_chars_start("0").str.len_chars()
    broken = trimmed.str.contains(".", literal=True) & (figures <= FIGURES)
    return pl.when(broken).then(trimmed.cast(pl.Float64, strict=False).cast(pl.String)).otherwise(trimmed)


def _plain_json(cells: pl.Series) -> pl.Series:
    """JSON literals as text: strings without their quotes, numbers by their shortest digits, booleans."""
    cell = pl.col(CELL)
    text = pl.when(cell.str.starts_with('"')).then(cell).str.json_decode(pl.String)
    digits = pl.when(cell.str.contains(JSON_NUMBER)).then(cell)
    has_exponent = digits.str.contains(r"[eE]")
    number = pl.when(has_exponent).then(digits).cast(pl.Float64, strict=False)
    floats = _plain_floats(number, number, EXACT_FLOAT64)
    word = pl.when(cell.is_in(["true", "false", "NaN"])).then(cell)
    plain = pl.coalesce(text, pl.when(has_exponent).then(floats).otherwise(_shortest(digits)), word)
    return _column(cells, plain)


def is_not_a_number(cells: pl.Series, written: Written, kind: Kind) -> pl.Series:
    """Which cells are NaN and so say that there is no number: floats and JSON's NaN; text where a number is wanted."""
    if cells.dtype.is_float():
        return cells.is_nan()
    if cells.dtype != pl.String:
        return pl.Series(cells.name, [False], pl.Boolean).new_from_index(0, len(cells))
    if kind in {"number", "integer"}:
        bare = cells.str.strip_chars('"') if written == "json" else cells
        return bare.str.contains(NOT_A_NUMBER)
    return (cells == "NaN") if written == "json" else cells != cells


def match_allowed(texts: pl.Series, names: Sequence[str]) -> pl.Series:
    """Texts as the classes or allowed values that they name; what names none stays as it is.

    >>> match_allowed(pl.Series(["1.0", "2", None, "x"]), ["1", "2"]).to_list()
    ['1', '2', None, 'x']
    """
    others = texts.filter(~texts.is_in(list(names)))
    meant = {text: match_class(text, names) for text in others.drop_nulls().unique() if _may_mean(text, names)}
    changed = {text: name for text, name in meant.items() if text != name}
    return texts.replace(list(changed), list(changed.values())) if changed else texts


def _may_mean(text: str, names: Collection[str]) -> bool:
    """Whether a text may say what one of the names says: cheap, asked of every stray text."""
    return len(text) <= max(map(len, names), default=0) + 40 and re.match(r"[-\dtTfF]", text) is not None
