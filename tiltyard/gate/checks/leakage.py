"""Leakage between training and evaluation: a model must not be evaluated on rows that it was trained on.

Duplicates occur by coincidence where columns are coarse: three categories have few combinations. The expected number
is estimated from the training rows, as the share that has a duplicate among the other training rows. Only an excess
over this number counts as a leak.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import poisson

from tiltyard.evaluation.proportions import weighted_share
from tiltyard.gate.checks.near_duplicates import NearDuplicates, find_near_duplicates
from tiltyard.gate.inputs import CheckContext, CheckResults, harm_level
from tiltyard.samples.identity import canonical_cell
from tiltyard.schemas.project import Project, inside
from tiltyard.schemas.records import Check, Outcome

Mask = NDArray[np.bool_]


def leakage(examined: CheckContext, project: Project) -> CheckResults:
    """Rows with the same content, nearly the same content or the same entity as a training row; and the order in time.

    ``told["leaks"]``: what was counted. Rows that were themselves trained on are the gate's own check (overlap).
    """
    training = _training(examined)
    same, expected = _same_content(examined, training, project)
    near = find_near_duplicates(examined, training, project)
    entity = _same_entity(examined, training, project)
    checks = [
        *_content_checks(examined, same, expected, project),
        *_near_checks(near, project),
        *_entity_checks(examined, entity, project),
    ]
    told: dict[str, Any] = {
        "same_content": int(same.sum()),
        "expected": round(expected, 6),
        "near_duplicates": near.told(),
        "same_entity": None if entity is None else int(entity.sum()),
        "before_newest_training": _before(examined, training, project),
    }
    return CheckResults(tuple(checks), {"leaks": told})


def _training(examined: CheckContext) -> pl.DataFrame:
    """Every row that either model was trained on, once; the evaluation rows themselves left out."""
    sides = [examined.challenger, *([examined.champion] if examined.champion else [])]
    everything = pl.concat([aligned(side.training, examined.rows) for side in sides])
    once = everything.unique("sample_id", keep="first", maintain_order=True)
    return once.filter(~pl.col("sample_id").is_in(examined.rows["sample_id"].implode()))


def aligned(training: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Training rows with the columns of other rows: one that the project file named later is missing in all of them."""
    cells = [
        (pl.col(name).cast(kind, strict=False) if name in training.columns else pl.lit(None, dtype=kind)).alias(name)
        for name, kind in rows.schema.items()
    ]
    return training.select(cells)


def contents(rows: pl.DataFrame, project: Project) -> pl.Series:
    """Each row's content as one text: its features and context, without the producer's id and the time."""
    names = sorted([*project.columns.features, *project.columns.context])
    cells = [canonical_cell(inside(name), project.columns.kind_of(name)) for name in names]
    return rows.select(content=pl.concat_str(cells)).to_series()


def _same_content(examined: CheckContext, training: pl.DataFrame, project: Project) -> tuple[Mask, float]:
    """Which evaluation rows have a duplicate in a training set, and the number expected by coincidence."""
    trained, own = contents(training, project), contents(examined.rows, project)
    twins = own.is_in(trained.implode()).to_numpy()
    among = float(trained.is_duplicated().mean() or 0.0) if len(trained) else 0.0  # type: ignore[arg-type]  # a share
    return twins, among * len(own)


def _content_checks(examined: CheckContext, same: Mask, expected: float, project: Project) -> Iterable[Check]:
    """Whether there are more duplicates than allowed and than coincidence explains."""
    limit, found = project.gate.leaks.same_content, int(same.sum())
    if limit is not None:
        by_chance = int(poisson.isf(harm_level(project.gate), expected)) if expected else 0
        outcome: Outcome = "fail" if found > limit + by_chance else "pass"
        why = f"{found} of {len(same)} evaluation rows have a duplicate with the same content in a training set"
        why += f", {expected:.1f} are expected by coincidence" if expected else ""
        yield Check("same content", outcome, found, limit, why + (_first(examined, same) if outcome == "fail" else ""))


def _near_checks(near: NearDuplicates, project: Project) -> Iterable[Check]:
    """Whether the share of near-duplicates is shown to be more than allowed and than coincidence explains."""
    limit = project.gate.leaks.near_duplicates
    if limit is not None and near.rows:
        share = near.share(harm_level(project.gate))
        outcome: Outcome = "fail" if share.low > limit + near.among else "pass"
        why = f"{share.value:.1%} of {near.rows} evaluation rows nearly repeat a training row, {limit:.0%} are allowed"
        why += f" beside the {near.among:.1%} that training rows have among themselves" if near.among else ""
        yield Check("near duplicates", outcome, share.value, limit, why, share.low, share.high)


def _same_entity(examined: CheckContext, training: pl.DataFrame, project: Project) -> Mask | None:
    """Which evaluation rows share their entity with a training row; none where the project names no entity."""
    if project.columns.entity is None:
        return None
    name = inside(project.columns.entity)
    known = training[name].drop_nulls()
    return examined.rows[name].is_in(known.implode()).fill_null(value=False).to_numpy()


def _entity_checks(examined: CheckContext, entity: Mask | None, project: Project) -> Iterable[Check]:
    """Whether an entity is on both sides of the split."""
    limit = project.gate.leaks.same_entity
    if limit is not None and entity is not None:
        found = int(entity.sum())
        outcome: Outcome = "fail" if found > limit else "pass"
        why = f"{found} of {len(entity)} evaluation rows belong to a {project.columns.entity} that was trained on"
        yield Check("entity", outcome, found, limit, why + (_first(examined, entity) if found > limit else ""))


def _before(examined: CheckContext, training: pl.DataFrame, project: Project) -> float | None:
    """The share of evaluation rows that happened before the newest training row; none without times.

    Near 1 means that the models are judged on the past that they know; what comes next may be harder.
    """
    name = inside(project.columns.time) if project.columns.time else None
    newest = training[name].max() if name else None
    if name is None or newest is None:
        return None
    before = (examined.rows[name] < newest).fill_null(value=False).to_numpy()
    return weighted_share(before, examined.weights, 0.5).value


def _first(examined: CheckContext, mask: Mask) -> str:
    """Where to look."""
    return f"; the first is sample {examined.rows['sample_id'][int(np.argmax(mask))][:8]}"
