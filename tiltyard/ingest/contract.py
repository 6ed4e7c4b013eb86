"""The checks of a batch's Pandera schema as one pass of polars masks.

Pandera declares what a column may hold; running its built-in checks one by one costs several passes a column and
builds failure cases that the split has no use for. A test holds this module to Pandera's own answer.
"""

from collections.abc import Callable
from typing import Any, Final

import pandera.polars as pa
import polars as pl

from tiltyard.ingest.casting.cells import Failure

FEW: Final = 8
"""Up to so many allowed values, comparing with each is faster than looking up in a set."""


def _among(cell: pl.Expr, statistics: dict[str, Any]) -> pl.Expr:
    """Whether a cell is one of the allowed values; null for a missing cell."""
    allowed = list(statistics["allowed_values"])
    if len(allowed) > FEW:
        return cell.is_in(allowed)
    return pl.any_horizontal(cell == value for value in allowed)


MASKS: Final[dict[str, Callable[[pl.Expr, dict[str, Any]], pl.Expr]]] = {
    "in_range": lambda cell, limits: cell.is_between(limits["min_value"], limits["max_value"]),
    "isin": _among,
    "str_length": lambda cell, limits: cell.str.len_chars() <= limits["max_value"],
}
"""How each built-in check that ``tiltyard.schemas.frames.batch_schema`` uses is asked of a cell."""


def contract_failures(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> list[Failure]:
    """Which rows fail which checks of a schema made by ``tiltyard.schemas.frames.batch_schema``.

    ``frame`` has the schema's columns in their types. A missing cell passes every check but that of being there.
    """
    asked = [(name, check) for name, column in schema.columns.items() for check in column.checks]
    masks = frame.select(
        MASKS[check.name](pl.col(name), check.statistics).alias(str(number))
        for number, (name, check) in enumerate(asked)
    )
    found = [Failure("not missing", name, frame[name].is_null().arg_true()) for name in _incomplete(frame, schema)]
    failed = zip(asked, masks, strict=True)
    return found + [
        Failure(str(check.error), name, (~mask).arg_true()) for (name, check), mask in failed if not mask.all()
    ]


def _incomplete(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> list[str]:
    """The columns that must be whole and are not."""
    return [name for name, column in schema.columns.items() if not column.nullable and frame[name].null_count()]
