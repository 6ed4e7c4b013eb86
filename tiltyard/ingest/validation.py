"""Rows into good and bad, none lost: cast, check, split, and one list of reasons for each bad row."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandera.polars as pa
import polars as pl

from tiltyard.ingest.casting.cells import Failure, MissingCells, cast_cells
from tiltyard.ingest.columns import check_columns
from tiltyard.ingest.pandera_checks import contract_failures, pandera_failures
from tiltyard.ingest.quarantine import quarantine_frame
from tiltyard.ingest.raw_batch import RawBatch
from tiltyard.schemas.frames import batch_schema
from tiltyard.schemas.project import Project, inside

FAILED_TYPES: Final = pl.Schema(
    {"check": pl.String(), "column": pl.String(), "rows": pl.Int64(), "listed": pl.List(pl.Int64())}
)


@dataclass(frozen=True, slots=True)
class CheckedRows:
    """A batch's rows, each in exactly one of two places: ``read == good.height + bad.height``.

    ``good`` has ``row`` (Int64, the row's number in the object) and the project's columns in pool types and by their
    names inside (:func:`tiltyard.schemas.project.columns.inside`), then the
    label's column as text where it arrived. ``bad`` is in quarantine's shape, one row each. ``failed`` is the
    validation table: a row for each check that failed, with how many rows failed it and the first of their numbers.
    ``missing`` counts the cells that were taken as missing although they contain text.
    """

    read: int
    good: pl.DataFrame
    bad: pl.DataFrame
    failed: pl.DataFrame
    missing: MissingCells = field(default_factory=dict)

    @property
    def bad_share(self) -> float:
        """The share of rows that are bad; 0 for an empty object."""
        return self.bad.height / self.read if self.read else 0.0


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """Good rows by whether their sample is new: first met, repeated in the batch, or in the pool before."""

    fresh: pl.DataFrame
    in_batch: pl.DataFrame
    in_pool: pl.DataFrame

    @property
    def duplicate(self) -> int:
        """How many rows are not new."""
        return self.in_batch.height + self.in_pool.height


def check_rows(raw: RawBatch, project: Project, extra_schema: pa.DataFrameSchema | None = None) -> CheckedRows:
    """A batch's rows, split into good and bad by the project's columns and its Pandera schema, if it has one.

    Raises ObjectError when the object's columns are not the project's, or a check cannot be made at all.
    """
    check_columns(raw, project)
    cast = cast_cells(raw, project)
    typed, failures = cast.typed, cast.failures
    failures += _contract_failures(typed, failures, project)
    if extra_schema is not None:
        own = typed.select(project.columns.all_names)
        failures += pandera_failures(
            own, extra_schema, f"Pandera schema {project.pandera or extra_schema.name or ''}".strip()
        )
    return replace(_split(raw, typed, failures, project), missing=cast.missing)


def _contract_failures(typed: pl.DataFrame, uncast: list[Failure], project: Project) -> list[Failure]:
    """What fails the project's own columns; a cell that could not be cast is not called missing besides."""
    own = typed.select(project.columns.all_names)
    failed = contract_failures(own, batch_schema(project)) + _unknown_labels(typed, project)
    known = {failure.column: failure.at for failure in uncast}
    less = [_without(failure, known[failure.column]) if failure.column in known else failure for failure in failed]
    return [failure for failure in less if len(failure.at)]


def _unknown_labels(typed: pl.DataFrame, project: Project) -> list[Failure]:
    """Rows whose label arrived and is not one of the project's classes."""
    label = project.columns.label
    if label not in typed.columns:
        return []
    known = [name for name in typed[label].unique().drop_nulls() if project.said(name) is not None]
    at = (~typed[label].is_in(known)).fill_null(False).arg_true()
    return [Failure("one of the project's classes", label, at)] if len(at) else []


def _without(failure: Failure, known: pl.Series) -> Failure:
    """A failure less the rows whose cell has a reason already."""
    return Failure(failure.check, failure.column, failure.at.filter(~failure.at.is_in(known.implode())))


def _split(raw: RawBatch, typed: pl.DataFrame, failures: list[Failure], project: Project) -> CheckedRows:
    """Good rows and quarantine; a batch without a bad row is handed on without a copy."""
    if not failures:
        good = _named_inside(typed).insert_column(0, raw.row.alias("row"))
        return CheckedRows(raw.read, good, raw.unreadable, _failed_table(raw, failures, project))
    keep = _kept(failures, typed.height)
    good = _named_inside(typed).insert_column(0, raw.row.alias("row")).filter(pl.Series(keep))
    bad = pl.concat([quarantine_frame(raw, failures, np.flatnonzero(~keep)), raw.unreadable]).sort("row")
    return CheckedRows(raw.read, good, bad, _failed_table(raw, failures, project))


def _named_inside(typed: pl.DataFrame) -> pl.DataFrame:
    """The project's columns under their internal names, to keep them apart from Tiltyard's columns."""
    return typed.rename({name: inside(name) for name in typed.columns})


def _kept(failures: list[Failure], height: int) -> npt.NDArray[np.bool_]:
    """Which rows failed nothing."""
    keep = np.ones(height, dtype=np.bool_)
    for failure in failures:
        keep[failure.at.to_numpy()] = False
    return keep


def _failed_table(raw: RawBatch, failures: list[Failure], project: Project) -> pl.DataFrame:
    """The validation table: which check failed for how many rows, the most frequent first."""
    limit = project.limits.reasons_per_check
    rows = [(one.check, one.column, len(one.at), raw.row.gather(one.at.head(limit)).to_list()) for one in failures]
    if raw.unreadable.height:
        rows.append(("readable", "", raw.unreadable.height, raw.unreadable["row"].head(limit).to_list()))
    return pl.DataFrame(rows, schema=FAILED_TYPES, orient="row").sort("rows", descending=True, maintain_order=True)


def split_duplicates(good: pl.DataFrame, known: pl.Series) -> Deduplicated:
    """Rows apart by whether their ``sample_id`` is new; of equal rows in a batch the first is kept.

    ``known`` (Boolean, one for each row) says which samples are in the pool already.

    >>> good = pl.DataFrame({"row": [0, 1, 2, 3], "sample_id": ["a", "b", "a", "c"]})
    >>> parts = split_duplicates(good, pl.Series([False, True, False, False]))
    >>> parts.fresh["row"].to_list(), parts.in_batch["row"].to_list(), parts.in_pool["row"].to_list()
    ([0, 3], [2], [1])
    """
    first = good["sample_id"].is_first_distinct()
    if first.all() and not known.any():
        return Deduplicated(good, good.clear(), good.clear())
    return Deduplicated(good.filter(first & ~known), good.filter(~first & ~known), good.filter(known))
