"""What becomes of a batch: which rows join the pool, which wait in quarantine, and whether it is refused whole."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import polars as pl

from tiltyard.ingest.casting.cells import Failure, MissingCells
from tiltyard.ingest.csv_hints import csv_option_hint
from tiltyard.ingest.quarantine import quarantine_frame
from tiltyard.ingest.raw_batch import RawBatch
from tiltyard.ingest.validation import CheckedRows, split_duplicates
from tiltyard.samples.evaluation_split import draw_evaluation_set, split_groups
from tiltyard.samples.identity import sample_ids, sample_keys
from tiltyard.schemas.project import OURS, Project, inside
from tiltyard.schemas.records import BatchState

OF_SAMPLE: Final = f"{OURS}of sample"
OF_ENTITY: Final = f"{OURS}of entity"

REFUSED: Final = "the batch was refused"


@dataclass(frozen=True, slots=True)
class Sifted:
    """A batch's rows, each in one place: ``read = accepted.height + quarantined.height + duplicate``.

    ``labeled`` are the good rows that brought a label, duplicates among them: a label is kept even when its
    sample is not new. ``missing`` counts the cells that were taken as missing though something stands in them.
    ``blank`` rows of the object had no cell and ``ignored`` columns no part in the project: both are told, and are in
    none of the counts.
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


def identified(good: pl.DataFrame, project: Project) -> pl.DataFrame:
    """Good rows with their ``sample_id``, ``sample_key``, and whether chance put them into the evaluation set.

    All rows of one entity are drawn together, where the project names its column."""
    ids = sample_ids(good, project)
    rows = good.with_columns(ids.alias("sample_id"), sample_keys(ids).alias("sample_key"))
    marks = draw_evaluation_set(split_groups(rows, project), project.evaluation.share, project.seed)
    return rows.with_columns(marks.alias("evaluation"))


def keep_marks(rows: pl.DataFrame, known: pl.DataFrame, marks: pl.DataFrame | None, project: Project) -> pl.DataFrame:
    """Rows with the marks of what the pool has already: what was drawn once is read, never drawn again.

    ``known`` has sample_id and evaluation of the samples that the pool has; ``marks`` has each entity's value and its
    mark where the project names an entity: a new row of a known entity is on that entity's side. So neither another
    seed nor another share moves a sample or an entity over.
    """
    stored = known.select("sample_id", pl.col("evaluation").alias(OF_SAMPLE))
    rows = rows.join(stored, on="sample_id", how="left", maintain_order="left")
    if project.columns.entity is None or marks is None:
        rows = rows.with_columns(pl.lit(None, pl.Boolean).alias(OF_ENTITY))
    else:
        entity = inside(project.columns.entity)
        drawn = marks.select(entity, pl.col("evaluation").alias(OF_ENTITY))
        rows = rows.join(drawn, on=entity, how="left", maintain_order="left")
    return rows.with_columns(evaluation=pl.coalesce(OF_SAMPLE, OF_ENTITY, "evaluation")).drop(OF_SAMPLE, OF_ENTITY)


@dataclass(frozen=True, slots=True)
class Screened:
    """A batch after its checks: what was read, the good rows identified, and which of those the pool has.

    ``of_object`` is how many rows the whole object has; a second attempt reads fewer.
    """

    raw: RawBatch
    checked: CheckedRows
    rows: pl.DataFrame
    known: pl.Series
    of_object: int


def sift(screened: Screened, project: Project) -> Sifted:
    """Where each row of a checked batch goes.

    When a larger share of the object's rows is bad than the project allows, all of the batch waits in quarantine.
    """
    checked, limit = screened.checked, project.limits.bad_rows
    share = checked.bad.height / screened.of_object if screened.of_object else 0.0
    if share > limit:
        why = f"{checked.bad.height} of {screened.of_object} rows are bad ({share:.1%}, the limit is {limit:.1%})"
        why += csv_option_hint(checked.bad, screened.raw.written, project)
        return replace(_refused(screened.raw, checked, why), missing=checked.missing)
    rows, known = screened.rows, screened.known
    parts = split_duplicates(rows, known)
    taken = Sifted("accepted", "", checked.read, parts.fresh, checked.bad, parts.duplicate, _labeled(rows, project))
    return replace(taken, missing=checked.missing)


def refuse_structure(raw: RawBatch, why: str) -> Sifted:
    """A batch whose columns are not the project's: every row waits in quarantine."""
    every = np.arange(raw.cells.height, dtype=np.int64)
    rows = quarantine_frame(raw, [Failure(why, "", pl.Series(every, dtype=pl.UInt32))], every)
    return Sifted("refused", why, raw.read, pl.DataFrame(), pl.concat([rows, raw.unreadable]).sort("row"), 0)


def only_rows(raw: RawBatch, wanted: pl.Series) -> RawBatch:
    """The rows whose numbers are wanted: a second attempt reads only what quarantine holds."""
    keep = raw.row.is_in(wanted.implode())
    unreadable = raw.unreadable.filter(pl.col("row").is_in(wanted.implode()))
    cells = raw.cells.filter(keep)
    return replace(raw, cells=cells, row=raw.row.filter(keep), line=raw.line.filter(keep), unreadable=unreadable)


def _labeled(rows: pl.DataFrame, project: Project) -> pl.DataFrame:
    """The rows that brought a label."""
    label = inside(project.columns.label or "")
    return rows.filter(pl.col(label).is_not_null()) if label in rows.columns else rows.clear()


def _refused(raw: RawBatch, checked: CheckedRows, why: str) -> Sifted:
    """A batch past the limit: its good rows wait too, and say why."""
    good = np.flatnonzero(raw.row.is_in(checked.good["row"].implode()).to_numpy())
    waiting = quarantine_frame(raw, [Failure(REFUSED, "", pl.Series(good, dtype=pl.UInt32))], good)
    quarantined = pl.concat([waiting, checked.bad]).sort("row")
    return Sifted("refused", why, checked.read, pl.DataFrame(), quarantined, 0)
