"""Pandera's side of the contracts: a batch (built from the project file), predictions, annotations in a file."""

import copy
import importlib
import inspect
import math
import sys
from types import ModuleType
from typing import Any, Final

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model import DataFrameModel

from tiltyard.schemas.canonical import digest
from tiltyard.schemas.errors import ProjectFileError, nearest
from tiltyard.schemas.pool_types import POOL_TYPES
from tiltyard.schemas.project import Column, Project

FORMER_EXAMPLES: Final = "examples."
"""How project files of older versions name the examples' Pandera models; today it is ``tiltyard.examples.``."""

_SOURCES: dict[str, str] = {}
"""The source text of each Pandera module as this process loaded it, to notice later edits."""


def batch_schema(project: Project) -> pa.DataFrameSchema:
    """The schema that a batch's typed rows must satisfy: one column each, in pool types, with the file's limits."""
    declared = {**project.columns.features, **project.columns.context}
    columns = {name: _column(column) for name, column in declared.items()}
    for name in project.columns.all_names:
        columns.setdefault(name, _undeclared(name, project))
    return pa.DataFrameSchema({name: columns[name] for name in project.columns.all_names}, strict=True)


def _column(column: Column) -> pa.Column:
    """One declared column as Pandera sees it."""
    return pa.Column(POOL_TYPES[column.kind], checks=_checks(column), nullable=column.missing)


def _undeclared(name: str, project: Project) -> pa.Column:
    """The producer's key and time must be there; a reference may be empty."""
    dtype = POOL_TYPES[project.columns.kind_of(name)]
    checks = [] if dtype != pl.String else [_up_to(Column.model_fields["max_length"].default)]
    return pa.Column(dtype, checks=checks, nullable=name in project.columns.reference)


def _checks(column: Column) -> list[pa.Check]:
    """The checks of one column; each bears the words that a quarantined row's reason will show."""
    if column.kind in {"number", "integer"}:
        return _range_checks(column)
    if column.allowed is not None:
        return [pa.Check.isin(column.allowed, error="one of the allowed values")]
    return [_up_to(column.max_length)] if column.kind in {"text", "category"} else []


def _range_checks(column: Column) -> list[pa.Check]:
    """One range check. A number without limits gets the finite ones: both bounds keep out inf and NaN.

    Integers are compared with integers, since a comparison with a float is not exact beyond 2**53.
    """
    if column.kind == "integer":
        low = -(2**63) if column.min is None else max(math.ceil(column.min), -(2**63))
        high = 2**63 - 1 if column.max is None else min(math.floor(column.max), 2**63 - 1)
        unlimited = column.min is None and column.max is None
        return [] if unlimited else [pa.Check.in_range(low, high, error=_range_words(column))]
    low_number = -sys.float_info.max if column.min is None else column.min
    high_number = sys.float_info.max if column.max is None else column.max
    return [pa.Check.in_range(low_number, high_number, error=_range_words(column))]


def _range_words(column: Column) -> str:
    """A range in words.

    >>> _range_words(Column(kind="number", min=0, max=1.5))
    'a finite number from 0 to 1.5'
    >>> _range_words(Column(kind="integer", min=1))
    'an integer from 1'
    """
    words = "a finite number" if column.kind == "number" else "an integer"
    words += "" if column.min is None else f" from {column.min:.17g}"
    return words + ("" if column.max is None else f" to {column.max:.17g}")


def _up_to(length: int) -> pa.Check:
    """Text of at most so many characters."""
    return pa.Check.str_length(max_value=length, error=f"at most {length} characters")


def load_pandera(path: str, where: str) -> pa.DataFrameSchema:
    """The Pandera schema for polars that ``module:Model`` names, as its source stands now.

    ``where`` names the project file in messages. Raises ProjectFileError when the path is malformed, the module
    cannot be imported, or the name is not a DataFrameModel or DataFrameSchema of ``pandera.polars``.
    """
    module_name, model_name = _halves(path, where)
    module = _current_module(module_name, where)
    if not hasattr(module, model_name):
        known = [name for name, value in vars(module).items() if _is_schema(value)]
        raise ProjectFileError(
            f"{where}: pandera {path!r}: the module has no {model_name!r}; {nearest(model_name, known)}"
        )
    return _as_schema(getattr(module, model_name), path, where)


def _halves(path: str, where: str) -> tuple[str, str]:
    """The module and the name of an import path."""
    module, colon, name = path.partition(":")
    if not (colon and module and name.isidentifier()):
        raise ProjectFileError(f"{where}: pandera {path!r} is not of the form 'module:Model'")
    return module, name


def _current_module(name: str, where: str) -> ModuleType:
    """A module with its current source; reloaded when it was edited since this process loaded it."""
    try:
        module = _imported(name)
        source = inspect.getsource(module)
        if _SOURCES.setdefault(name, source) != source:
            module = importlib.reload(module)
            _SOURCES[name] = source
    except (Exception, SystemExit) as error:  # a user's module may raise anything while it is imported
        raise ProjectFileError(f"{where}: pandera module {name!r} cannot be imported: {_told(error)}") from error
    return module


def _imported(name: str) -> ModuleType:
    """The module of that name, or the module of an example, which older project files name without ``tiltyard.``."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A user's own package comes first, and a module that it misses is the user's to see.
        if not name.startswith(FORMER_EXAMPLES) or not f"{name}.".startswith(f"{error.name}."):
            raise
        return importlib.import_module(f"tiltyard.{name}")


def _told(error: BaseException) -> str:
    """An exception as one line."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]


def _is_schema(value: Any) -> bool:
    """Whether a value is a Pandera schema for polars."""
    is_model = inspect.isclass(value) and issubclass(value, DataFrameModel) and value is not DataFrameModel
    return is_model or isinstance(value, pa.DataFrameSchema)


def _as_schema(value: Any, path: str, where: str) -> pa.DataFrameSchema:
    """A copy of the schema that a model or schema stands for."""
    if not _is_schema(value):
        raise ProjectFileError(
            f"{where}: pandera {path!r} is {value!r:.80}, not a DataFrameModel or DataFrameSchema of pandera.polars"
        )
    try:
        schema: pa.DataFrameSchema = value if isinstance(value, pa.DataFrameSchema) else value.to_schema()
    except Exception as error:  # Pandera raises many kinds for a malformed model
        raise ProjectFileError(f"{where}: pandera {path!r} is not a sound model: {_told(error)}") from error
    return copy.deepcopy(schema)


def contract_hash(project: Project, where: str = "project file") -> str:
    """The identity of what decides over rows: the project's own part and the source of its Pandera module.

    64 hex digits. Modules that the Pandera module itself imports are not part of it.
    """
    if project.pandera is None:
        return project.contract_hash
    module, _ = _halves(project.pandera, where)
    return digest([project.contract_hash, inspect.getsource(_current_module(module, where))])


ANNOTATION_COLUMNS: Final[dict[str, pl.DataType]] = {
    "client_key": pl.String(),
    "annotator": pl.String(),
    "act": pl.String(),
    "sample_id": pl.String(),
    "label": pl.String(),
    "note": pl.String(),
    "supersedes": pl.String(),
    "assignment_id": pl.String(),
    "suggestion": pl.String(),
    "suggestion_visible": pl.Boolean(),
    "lead_ms": pl.Int64(),
    "origin": pl.String(),
    "said_at": pl.Datetime("us", "UTC"),
    "payload": pl.String(),
}
"""The columns of an annotation in a file that is imported; ``payload`` is a JSON object."""

_ANNOTATION_NEEDS: Final = ("client_key", "annotator", "act", "sample_id", "said_at")


def annotation_schema(project: Project) -> pa.DataFrameSchema:
    """The schema of annotations in a file: one row an act, columns ``ANNOTATION_COLUMNS``."""
    acts = ["label", "skip", "cant_tell", "flag", "withdraw", "adjudicate"]
    checks = {
        "act": pa.Check.isin(acts, error=f"one of {', '.join(acts)}"),
        "sample_id": pa.Check.str_matches(r"^[0-9a-f]{32}$", error="32 hex digits"),
        "label": pa.Check.isin(project.class_names, error="one of the project's classes"),
        "lead_ms": pa.Check.ge(0, error="at least 0"),
    }
    columns = {
        name: pa.Column(dtype, checks=checks.get(name), nullable=name not in _ANNOTATION_NEEDS)
        for name, dtype in ANNOTATION_COLUMNS.items()
    }
    return pa.DataFrameSchema(columns, strict=True)


def prediction_schema(project: Project) -> pa.DataFrameSchema:
    """The schema of predictions in a file: sample, model, predicted class and its probability."""
    sample = pa.Check.str_matches(r"^[0-9a-f]{32}$", error="32 hex digits")
    return pa.DataFrameSchema(
        {
            "sample_id": pa.Column(pl.String(), sample),
            "model_id": pa.Column(pl.String()),
            "label": pa.Column(pl.String(), pa.Check.isin(project.class_names)),
            "probability": pa.Column(pl.Float64(), pa.Check.in_range(0, 1)),
        },
        strict=True,
    )
