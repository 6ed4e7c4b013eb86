"""From a project's rows to the frame that a model takes: one conversion, used by training, asking and serving."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tiltyard.schemas.pool_types import POOL_TYPES
from tiltyard.schemas.pool_types import pool_schema as pool_schema
from tiltyard.schemas.project import Kind, Project, inside
from tiltyard.schemas.records import Payload

if TYPE_CHECKING:
    import pandas as pd

MISSING: Final = "(missing)"
"""What stands for a missing category or text in a model's input, so that every exporter sees the same value."""


def feature_frame(rows: pl.DataFrame, project: Project) -> "pd.DataFrame":
    """What a model takes: one float64 column per number, integer, boolean or timestamp, one text column per
    category or text.

    ``rows`` has at least the project's feature columns in their pool types; the result has just those, by
    name, with a fresh index. Missing numbers are NaN, missing texts are ``MISSING``, timestamps are seconds
    since 1970 in UTC. The order is not the project file's, since its hash does not cover the order: a model that is
    rebuilt from the ledger must see the columns as they were.
    """
    columns = [_model_column(name, project.columns.features[name].kind) for name in sorted(project.columns.features)]
    return rows.select(columns).to_pandas()


def _model_column(name: str, kind: Kind) -> pl.Expr:
    """The polars expression that gives one model input column, under the project's own name for it."""
    cell = pl.col(inside(name))
    if kind in {"category", "text"}:
        return cell.fill_null(MISSING).alias(name)
    if kind == "timestamp":
        return (cell.dt.epoch("us").cast(pl.Float64) / 1e6).fill_null(float("nan")).alias(name)
    return cell.cast(pl.Float64).fill_null(float("nan")).alias(name)


def rows_to_payloads(rows: pl.DataFrame, project: Project) -> list[Payload]:
    """Each row's own values by column name, JSON types only; timestamps as ISO 8601 text in UTC."""
    names = project.columns.all_names
    times = [name for name in names if project.columns.kind_of(name) == "timestamp"]
    own = rows.select(pl.col(inside(name)).alias(name) for name in names)
    plain = own.with_columns(pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ") for name in times)
    return plain.to_dicts()


def payloads_to_rows(payloads: Iterable[Payload], project: Project) -> pl.DataFrame:
    """The typed rows that payloads came from; the inverse of :func:`rows_to_payloads`."""
    schema = _written(project)
    rows = [{name: payload.get(name) for name in schema} for payload in payloads]
    return _with_moments(pl.DataFrame(rows, schema=schema), project)


def json_payloads_to_rows(payloads: pl.Series, project: Project) -> pl.DataFrame:
    """The typed rows of payloads that are written as JSON text, one row each, in their order."""
    if payloads.is_empty():
        return payloads_to_rows([], project)
    decoded = payloads.str.json_decode(pl.Struct(_written(project)))
    return _with_moments(decoded.struct.unnest(), project)


def _written(project: Project) -> pl.Schema:
    """The project's columns as a payload writes them: in pool types, moments as text."""
    kinds = {name: POOL_TYPES[project.columns.kind_of(name)] for name in project.columns.all_names}
    return pl.Schema({n: pl.String() if isinstance(t, pl.Datetime) else t for n, t in kinds.items()})


def _with_moments(frame: pl.DataFrame, project: Project) -> pl.DataFrame:
    """The frame with its moments read from text, its columns by their names inside."""
    times = [name for name, dtype in pool_schema(project).items() if isinstance(dtype, pl.Datetime)]
    return frame.rename({name: inside(name) for name in frame.columns}).with_columns(
        pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us").dt.replace_time_zone("UTC")
        for name in times
    )


def take_rows(X: Any, positions: Any) -> Any:
    """Rows of an array, a sparse matrix, or a pandas object, by position (a slice or row numbers)."""
    return X.iloc[positions] if hasattr(X, "iloc") else X[positions]
