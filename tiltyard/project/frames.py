"""Data frames at the Python API: pandas or polars out, either of them in."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, get_args, overload

import polars as pl

from tiltyard.project.errors import plain_errors
from tiltyard.schemas.errors import TiltyardError

if TYPE_CHECKING:
    import pandas as pd

AsOf = int | datetime | None
"""A time in the ledger: a position, a moment with its time zone, or None for now."""

FrameKind = Literal["pandas", "polars"]
"""The library of a data frame that the caller gets."""


class TableMethod(Protocol):
    """A method that gives a table as the kind of data frame that the caller names."""

    @overload
    def __call__(self, *, frame: Literal["pandas"] = "pandas") -> "pd.DataFrame": ...
    @overload
    def __call__(self, *, frame: Literal["polars"]) -> pl.DataFrame: ...


class DatedTableMethod(Protocol):
    """The same for a table that can be read as it was at an earlier time."""

    @overload
    def __call__(self, *, as_of: AsOf = None, frame: Literal["pandas"] = "pandas") -> "pd.DataFrame": ...
    @overload
    def __call__(self, *, as_of: AsOf = None, frame: Literal["polars"]) -> pl.DataFrame: ...


class DatedTable(Protocol):
    """A method that gives a table as it was at an earlier time, in polars."""

    def __call__(self, project: Any, /, *, as_of: AsOf = None) -> pl.DataFrame:
        """The table."""


@overload
def table(method: DatedTable) -> DatedTableMethod: ...
@overload
def table(method: Callable[[Any], pl.DataFrame]) -> TableMethod: ...
def table(method: Callable[..., pl.DataFrame]) -> TableMethod | DatedTableMethod:
    """Make a method that gives a polars table one that gives a data frame of the kind that ``frame`` names.

    Its errors are those of :func:`tiltyard.project.errors.plain_errors`.
    """

    @plain_errors
    @wraps(method)
    def framed(*args: Any, frame: FrameKind = "pandas", **kwargs: Any) -> "pd.DataFrame | pl.DataFrame":
        return as_frame(method(*args, **kwargs), frame)

    own = signature(method)
    kind = Parameter("frame", Parameter.KEYWORD_ONLY, default="pandas", annotation=FrameKind)
    vars(framed)["__signature__"] = own.replace(parameters=[*own.parameters.values(), kind], return_annotation="frame")
    return cast("TableMethod", framed)


def as_frame(table: pl.DataFrame, kind: FrameKind) -> "pd.DataFrame | pl.DataFrame":
    """A table in the library that the caller asked for. Raises TiltyardError for another one.

    >>> as_frame(pl.DataFrame({"label": ["yes"]}), "pandas")
      label
    0   yes
    """
    if kind == "polars":
        return table
    if kind != "pandas":
        known = " or ".join(repr(name) for name in get_args(FrameKind))
        raise TiltyardError(f"frame={kind!r}: no such kind of data frame; choose {known}")
    return table.to_pandas()


def as_polars(rows: Any) -> pl.DataFrame:
    """The rows of a pandas or polars data frame as polars; the index of a pandas frame is left out.

    Raises TiltyardError for another object, and for columns that a table cannot hold (a name used twice, a name that
    is not text, values of mixed types), naming the column.
    """
    if isinstance(rows, pl.DataFrame):
        return rows
    # pandas takes half a second to import: a caller who passes no pandas frame has not paid for it.
    import pandas as pd

    if not isinstance(rows, pd.DataFrame):
        raise TiltyardError(f"expected a pandas or polars data frame, got {type(rows).__name__}")
    _refuse_odd_names(list(rows.columns))
    return pl.DataFrame([_series(str(name), column) for name, column in rows.items()])


def _refuse_odd_names(names: list[Any]) -> None:
    """Raise TiltyardError where a column's name is not text or is used twice."""
    odd = next((name for name in names if not isinstance(name, str)), None)
    if odd is not None:
        raise TiltyardError(f"column {odd!r}: names of columns must be text; rename it with frame.rename(columns=...)")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise TiltyardError(f"column {twice!r} is in the data frame {names.count(twice)} times; drop or rename one")


def _series(name: str, column: "pd.Series[Any]") -> pl.Series:
    """One column of a pandas frame; TiltyardError where its values are of mixed types."""
    import pyarrow as pa

    try:
        return pl.from_pandas(column).rename(name)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, pl.exceptions.PolarsError) as error:
        kinds = sorted({type(value).__name__ for value in column.dropna()})
        raise TiltyardError(f"column {name!r} mixes values of {' and '.join(kinds)}; give it one type") from error
