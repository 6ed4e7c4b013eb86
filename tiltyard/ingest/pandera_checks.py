"""Pandera's answer about a frame, as positions of rows: one mask a check, whatever Pandera would list."""

import copy
from collections.abc import Iterator

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
WORDS = {
    "not_nullable": "not missing",
    "field_uniqueness": "unique in the batch",
    "multiple_fields_uniqueness": "unique in the batch, these columns together",
}


def pandera_failures(frame: pl.DataFrame, schema: pa.DataFrameSchema, name: str) -> list[Failure]:
    """Which rows of a collected frame fail which checks of a schema, each check once.

    ``name`` says whose schema it is in messages. Raises ObjectError when the frame does not have the columns or
    types that the schema wants, when a check itself raises, or when one says that the batch as a whole fails.
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

    One failure case a check is enough: the mask of all failing rows comes with it, and Pandera would list a
    frame-wide failure once more for every column.
    """
    ours = copy.deepcopy(schema)
    for part in (ours, *ours.columns.values()):
        part.drop_invalid_rows = False
        for check in part.checks:
            check.n_failure_cases = 1
    return ours


def _failures(error: SchemaError, height: int, name: str) -> Iterator[Failure]:
    """One of Pandera's complaints as a failure of rows."""
    mask = _mask(error)
    if error.reason_code not in ROW_REASONS or mask is None or len(mask) != height:
        raise ObjectError(_whole_batch(error, name))
    yield Failure(_words(error), _column(error), (~mask).arg_true())


def _mask(error: SchemaError) -> pl.Series | None:
    """Which rows passed, where the complaint is about rows."""
    output = error.check_output
    return output["check_output"] if isinstance(output, pl.DataFrame) else None


def _column(error: SchemaError) -> str:
    """The column that a complaint is about; empty for a check over the whole frame."""
    # not the schema's own name, which is a pattern where a column is declared by one
    return str(error.column_name) if isinstance(error.schema, pa.Column) else ""


def _words(error: SchemaError) -> str:
    """The check in the words of whoever wrote it."""
    check = error.check
    if isinstance(check, str) or check is None:
        return WORDS.get(str(check), str(check))
    return str(check.error or check.name or check)


def _whole_batch(error: SchemaError, name: str) -> str:
    """A complaint that is not about rows, as one sentence."""
    if error.reason_code == SchemaErrorReason.CHECK_ERROR:
        return f"{name}: check {_words(error)!r} raised {error.failure_cases!s:.300}; mend the check"
    if error.reason_code in ROW_REASONS:
        return f"{name}: check {_words(error)!r} fails for the batch as a whole"
    return f"{name} does not fit the project's columns: {_first_line(error)}"


def _first_line(error: BaseException) -> str:
    """The first line of an exception's message."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
