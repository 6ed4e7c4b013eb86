"""Which rows fail which checks of a schema: the project's own columns by polars masks, a user's schema by Pandera.

Pandera declares what a column may contain. Its built-in checks, run one by one, need several passes a column and build
failure cases that nobody uses, so the project's own checks run as one pass of masks; a test compares the two.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final

import pandera.polars as pa
import polars as pl
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaError, SchemaErrorReason, SchemaErrors

from tiltyard.ingest.casting.cells import Failure
from tiltyard.schemas.errors import ObjectError

ROW_REASONS = {
    SchemaErrorReason.DATAFRAME_CHECK,
    SchemaErrorReason.SERIES_CONTAINS_NULLS,
    SchemaErrorReason.SERIES_CONTAINS_DUPLICATES,
    SchemaErrorReason.DUPLICATES,
}
CHECK_NAMES = {
    "not_nullable": "not missing",
    "field_uniqueness": "unique in the batch",
    "multiple_fields_uniqueness": "unique in the batch, these columns together",
}


def pandera_failures(frame: pl.DataFrame, schema: pa.DataFrameSchema, name: str) -> list[Failure]:
    """Which rows of a collected frame fail which checks of a schema, each check once.

    ``name`` names the schema in messages. Raises ObjectError when the frame does not have the columns or types of the
    schema, when a check itself raises, or when a check fails for the batch as a whole.
    """
    try:
        # The environment can switch Pandera's data checks off; a batch is always checked in full.
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            _splitting(schema).validate(frame, lazy=True)
    except SchemaErrors as errors:
        return [failure for error in errors.schema_errors for failure in _failures(error, frame.height, name)]
    except (SchemaError, NotImplementedError, pl.exceptions.PolarsError) as error:
        raise ObjectError(f"{name} cannot be checked: {_first_line(error)}") from error
    return []


def _splitting(schema: pa.DataFrameSchema) -> pa.DataFrameSchema:
    """A copy of a schema that reports and never drops rows.

    One failure case per check is enough: the mask of all failing rows comes with it, and Pandera would list a
    frame-wide failure again for every column.
    """
    ours = copy.deepcopy(schema)
    for part in (ours, *ours.columns.values()):
        part.drop_invalid_rows = False
        for check in part.checks:
            check.n_failure_cases = 1
    return ours


def _failures(error: SchemaError, height: int, name: str) -> Iterator[Failure]:
    """One of Pandera's errors as a failure of rows."""
    mask = _mask(error)
    if error.reason_code not in ROW_REASONS or mask is None or len(mask) != height:
        raise ObjectError(_whole_batch(error, name))
    yield Failure(_check_name(error), _column(error), (~mask).arg_true())


def _mask(error: SchemaError) -> pl.Series | None:
    """Which rows passed, where the error is about rows."""
    output = error.check_output
    return output["check_output"] if isinstance(output, pl.DataFrame) else None


def _column(error: SchemaError) -> str:
    """The column that an error is about; empty for a check over the whole frame."""
    # not the schema's own name, which is a pattern where a column is declared by one
    return str(error.column_name) if isinstance(error.schema, pa.Column) else ""


def _check_name(error: SchemaError) -> str:
    """The check by its own error text or name."""
    check = error.check
    if isinstance(check, str) or check is None:
        return CHECK_NAMES.get(str(check), str(check))
    return str(check.error or check.name or check)


def _whole_batch(error: SchemaError, name: str) -> str:
    """An error that is not about rows, as one sentence."""
    if error.reason_code == SchemaErrorReason.CHECK_ERROR:
        return f"{name}: check {_check_name(error)!r} raised {error.failure_cases!s:.300}; fix the check"
    if error.reason_code in ROW_REASONS:
        return f"{name}: check {_check_name(error)!r} fails for the batch as a whole"
    return f"{name} does not fit the project's columns: {_first_line(error)}"


def _first_line(error: BaseException) -> str:
    """The first line of an exception's message."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


FEW: Final = 8
"""The maximum number of allowed values for which comparing with each is faster than a look-up in a set."""


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
"""Each built-in check that ``tiltyard.schemas.frames.batch_schema`` uses, as an expression on a cell."""


def contract_failures(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> list[Failure]:
    """Which rows fail which checks of a schema made by ``tiltyard.schemas.frames.batch_schema``.

    ``frame`` has the schema's columns in their types. A missing cell passes every check but ``not missing``.
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
    """The columns that have missing cells and may not."""
    return [name for name, column in schema.columns.items() if not column.nullable and frame[name].null_count()]
