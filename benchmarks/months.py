"""The bank's and the hotel's real rows, month by month, as a pool takes them in, with what an expert says of each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl
import yaml

from benchmarks.frozen_or_retrained import first_time_only, text_rows
from tiltyard.examples.catalogue import EXAMPLES
from tiltyard.examples.expert import misled
from tiltyard.samples.evaluation_split import draw_evaluation_set
from tiltyard.samples.identity import sample_ids
from tiltyard.schemas.pool_types import pool_schema
from tiltyard.schemas.project import Gate, Project, parse_project

BAD_MONTH: Final = 5
"""Every so many months the expert errs, where he is told to."""


@dataclass(frozen=True, slots=True)
class Course:
    """What happens under every rule: the project, its months as pool rows, and the answers by sample id.

    ``said`` is what the expert says, ``answers`` what is true.
    """

    project: Project
    months: tuple[pl.DataFrame, ...]
    answers: Mapping[str, str]
    said: Mapping[str, str]

    def under(self, changes: Mapping[str, Any]) -> "Course":
        """The same course, with some changes of the gate's policy."""
        gate = Gate.model_validate({**self.project.gate.model_dump(), **changes})
        return replace(self, project=self.project.model_copy(update={"gate": gate}))

    def truth(self, rows: pl.DataFrame) -> Any:
        """The true answers of some rows."""
        return np.array([self.answers[sample] for sample in rows["sample_id"]])


def course(name: str, seed: int, wrong: float) -> Course:
    """An example's months, first copies of each sample only, under a seed."""
    example = EXAMPLES[name]
    content = yaml.safe_load(example.project_file.read_text(encoding="utf-8"))
    project = parse_project({**content, "seed": seed}, name)
    deal = example.deal()
    months = sorted({one.key: one for one in deal.deliveries}.values(), key=lambda one: one.key)
    frames = first_time_only((text_rows(month, project) for month in months), deal.reference)
    pooled = [_pooled(frame, project) for frame in frames]
    seen: set[str] = set()
    fresh = [_unseen(rows, seen).with_columns(_month=pl.lit(number, pl.Int64)) for number, rows in enumerate(pooled)]
    bad = [row for month in fresh[BAD_MONTH - 1 :: BAD_MONTH] for row in month[deal.reference]]
    said = misled(deal.answers, bad, wrong, seed) if wrong else deal.answers
    place = {sample: row for month in fresh for sample, row in month.select("sample_id", deal.reference).iter_rows()}
    keys = ({sample: key[row] for sample, row in place.items()} for key in (deal.answers, said))
    return Course(project, tuple(fresh), *keys)


def _pooled(frame: pl.DataFrame, project: Project) -> pl.DataFrame:
    """Rows of text in pool types, with their ids and what chance draws into the evaluation set."""
    types = pool_schema(project)
    typed = frame.with_columns(_cast(name, types[name]) for name in types if name in frame.columns)
    ids = sample_ids(typed, project)
    drawn = draw_evaluation_set(ids, project.evaluation.share, project.seed)
    return typed.with_columns(sample_id=ids, evaluation=drawn)


def _cast(name: str, dtype: Any) -> pl.Expr:
    """A column of text in its pool type."""
    if isinstance(dtype, pl.Datetime):
        return pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us").dt.replace_time_zone("UTC")
    return pl.col(name).cast(dtype, strict=False)


def _unseen(rows: pl.DataFrame, seen: set[str]) -> pl.DataFrame:
    """The rows whose samples did not come before; ``seen`` learns them."""
    fresh = rows.unique("sample_id", keep="first", maintain_order=True)
    fresh = fresh.filter(~pl.col("sample_id").is_in(list(seen)))
    seen |= set(fresh["sample_id"])
    return fresh
