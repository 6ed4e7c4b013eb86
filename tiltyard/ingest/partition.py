"""Partition a batch: each row goes to the pool, to quarantine or to the duplicates, or the whole batch is refused."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import numpy as np
import pandera.polars as pa
import polars as pl

from tiltyard.ingest.casting.cells import Failure, MissingCells
from tiltyard.ingest.column_names import partition_hint
from tiltyard.ingest.columns import ignored_columns
from tiltyard.ingest.csv_hints import csv_option_hint
from tiltyard.ingest.quarantine import quarantine_frame
from tiltyard.ingest.raw_batch import RawBatch
from tiltyard.ingest.validation import CheckedRows, check_rows, split_duplicates
from tiltyard.samples.evaluation_split import draw_evaluation_set, split_groups
from tiltyard.samples.identity import sample_ids, sample_keys
from tiltyard.schemas.errors import ObjectError
from tiltyard.schemas.project import OURS, Project, inside
from tiltyard.schemas.records import BatchState

OF_SAMPLE: Final = f"{OURS}of sample"
OF_ENTITY: Final = f"{OURS}of entity"

REFUSED: Final = "the batch was refused"

MOST_NAMES: Final = 100
"""Ignored columns that a batch's record names."""

PoolMarks = Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.DataFrame | None]]
"""Looks rows up in the pool, by ``sample_id`` and ``sample_key``. Gives the samples that the pool has (``sample_id``,
``evaluation``) and, where the project names an entity column, each known entity's value with its ``evaluation``."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """A batch's rows, each in one place: ``read == accepted.height + quarantined.height + duplicate``.

    ``accepted`` has the project's columns in pool types, ``sample_id``, ``sample_key`` and ``evaluation``;
    ``quarantined`` has the columns of ``QUARANTINE_TYPES``. ``labeled`` are the good rows that brought a label,
    duplicates included: a label is kept even when its sample is not new. ``missing`` counts the cells that were taken
    as missing although they contain text. ``blank`` rows of the object had no cell, and ``ignored`` columns are not in
    the project file: neither is in any of the counts.
    """

    state: BatchState
    reason: str
    read: int
    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    duplicate: int
    labeled: pl.DataFrame = field(default_factory=pl.DataFrame)
    missing: MissingCells = field(default_factory=dict)
    blank: int = 0
    ignored: tuple[str, ...] = ()

    @classmethod
    def unreadable(cls, reason: str, waiting: pl.DataFrame) -> Self:
        """The result for an object that cannot be read: its rows that are in quarantine stay there."""
        return cls("unreadable", reason, waiting.height, pl.DataFrame(), waiting, 0)

    @property
    def left_out(self) -> dict[str, Any]:
        """The blank rows and ignored columns as a batch's record has them; only those that there are."""
        blank: dict[str, Any] = {"blank": self.blank} if self.blank else {}
        names = {"count": len(self.ignored), "names": self.ignored[:MOST_NAMES]}
        return blank | ({"ignored": names} if self.ignored else {})


def partition_batch(
    raw: RawBatch,
    project: Project,
    pool_marks: PoolMarks,
    *,
    key: str = "",
    schema: pa.DataFrameSchema | None = None,
    retry: pl.Series | None = None,
) -> BatchResult:
    """Cast, check and identify the rows of an object, and put each in its place.

    ``pool_marks`` looks good rows up in the pool, ``key`` is the object's key, ``schema`` the project's Pandera schema
    if it has one. ``retry`` has the numbers of the rows that a second attempt reads, those in quarantine; all by
    default. When a larger share of the object's rows is bad than the project allows, all rows go to quarantine, as
    they do when the columns are not the project's. Raises ObjectError when a check cannot be made at all.
    """
    of_object = raw.read
    rows = raw if retry is None else _only_rows(raw, retry)
    try:
        checked = check_rows(rows, project, schema)
    except ObjectError as error:
        lacking = [name for name in project.columns.all_names if name not in raw.header]
        result = _refuse_columns(rows, f"{error}{partition_hint(key, lacking)}")
    else:
        result = _place_rows(rows, checked, of_object, project, pool_marks)
    return replace(result, blank=0 if retry is not None else raw.blank, ignored=ignored_columns(raw, project))


def add_sample_ids(good: pl.DataFrame, project: Project) -> pl.DataFrame:
    """Good rows with ``sample_id``, ``sample_key`` and ``evaluation``: whether each is in the evaluation set.

    Where the project names an entity column, all rows of one entity are drawn together.
    """
    ids = sample_ids(good, project)
    rows = good.with_columns(ids.alias("sample_id"), sample_keys(ids).alias("sample_key"))
    marks = draw_evaluation_set(split_groups(rows, project), project.evaluation.share, project.seed)
    return rows.with_columns(marks.alias("evaluation"))


def _place_rows(
    raw: RawBatch, checked: CheckedRows, of_object: int, project: Project, pool_marks: PoolMarks
) -> BatchResult:
    """The result for checked rows: accepted with duplicates taken out, or refused for too many bad rows."""
    limit, share = project.limits.bad_rows, checked.bad.height / of_object if of_object else 0.0
    if share > limit:
        why = f"{checked.bad.height} of {of_object} rows are bad ({share:.1%}, the limit is {limit:.1%})"
        why += csv_option_hint(checked.bad, raw.written, project)
        return replace(_refuse_rows(raw, checked, why), missing=checked.missing)
    rows = add_sample_ids(checked.good, project)
    known, entities = pool_marks(rows)
    rows = _keep_marks(rows, known, entities, project)
    parts = split_duplicates(rows, rows["sample_id"].is_in(known["sample_id"].implode()))
    labeled = _rows_with_label(rows, project)
    return BatchResult(
        "accepted", "", checked.read, parts.fresh, checked.bad, parts.duplicate, labeled, checked.missing
    )


def _keep_marks(
    rows: pl.DataFrame, known: pl.DataFrame, entities: pl.DataFrame | None, project: Project
) -> pl.DataFrame:
    """Rows with the evaluation marks that the pool already has for their samples and entities.

    A mark is drawn once. A new row of a known entity is on that entity's side, so neither another seed nor another
    share moves a sample or an entity.
    """
    stored = known.select("sample_id", pl.col("evaluation").alias(OF_SAMPLE))
    rows = rows.join(stored, on="sample_id", how="left", maintain_order="left")
    if project.columns.entity is None or entities is None:
        rows = rows.with_columns(pl.lit(None, pl.Boolean).alias(OF_ENTITY))
    else:
        entity = inside(project.columns.entity)
        drawn = entities.select(entity, pl.col("evaluation").alias(OF_ENTITY))
        rows = rows.join(drawn, on=entity, how="left", maintain_order="left")
    return rows.with_columns(evaluation=pl.coalesce(OF_SAMPLE, OF_ENTITY, "evaluation")).drop(OF_SAMPLE, OF_ENTITY)


def _rows_with_label(rows: pl.DataFrame, project: Project) -> pl.DataFrame:
    """The rows that brought a label."""
    label = inside(project.columns.label or "")
    return rows.filter(pl.col(label).is_not_null()) if label in rows.columns else rows.clear()


def _only_rows(raw: RawBatch, numbers: pl.Series) -> RawBatch:
    """The rows with these numbers."""
    keep = raw.row.is_in(numbers.implode())
    unreadable = raw.unreadable.filter(pl.col("row").is_in(numbers.implode()))
    cells = raw.cells.filter(keep)
    return replace(raw, cells=cells, row=raw.row.filter(keep), line=raw.line.filter(keep), unreadable=unreadable)


def _refuse_columns(raw: RawBatch, why: str) -> BatchResult:
    """A batch whose columns are not the project's: every row goes to quarantine."""
    every = np.arange(raw.cells.height, dtype=np.int64)
    rows = quarantine_frame(raw, [Failure(why, "", pl.Series(every, dtype=pl.UInt32))], every)
    return BatchResult("refused", why, raw.read, pl.DataFrame(), pl.concat([rows, raw.unreadable]).sort("row"), 0)


def _refuse_rows(raw: RawBatch, checked: CheckedRows, why: str) -> BatchResult:
    """A batch with too many bad rows: its good rows go to quarantine too, with the refusal as their reason."""
    good = np.flatnonzero(raw.row.is_in(checked.good["row"].implode()).to_numpy())
    waiting = quarantine_frame(raw, [Failure(REFUSED, "", pl.Series(good, dtype=pl.UInt32))], good)
    quarantined = pl.concat([waiting, checked.bad]).sort("row")
    return BatchResult("refused", why, checked.read, pl.DataFrame(), quarantined, 0)
