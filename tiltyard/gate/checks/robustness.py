"""Small changes of the inputs: noise on numbers, typing mistakes in texts, cells that are missing.

The same cell is changed in the same way in every run, in any order of rows: its chance belongs to the sample, the
column and the seed. Changes stay what the project file allows: a cell is emptied only where cells may be missing, a
number stays between its limits.
"""

import math
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from tiltyard.evaluation.predictions import predict_rows
from tiltyard.evaluation.proportions import interval_to_json, paired_difference, weighted_share
from tiltyard.gate.inputs import CheckContext, CheckResults, ModelUnderTest, harm_level
from tiltyard.samples.features import feature_frame
from tiltyard.samples.hashing import Keys, random_keys, row_keys
from tiltyard.schemas.project import Column, Perturbation, Project, inside
from tiltyard.schemas.records import Check, Interval, Outcome

LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
NOISE, EMPTY, TYPING = "noise", "missing", "typing"
WORD: Final = 2.0**64
WHOLE: Final = 2.0**63 - 1024
"""The largest float64 that is a whole number of 64 bits."""


def perturb(rows: pl.DataFrame, project: Project, seed: int) -> pl.DataFrame:
    """The rows with every feature changed a little, as ``gate.perturbation`` says; other columns stay.

    ``rows`` has sample_id and the project's features in pool types.
    """
    keys, how = row_keys(rows), project.gate.perturbation
    changed = [
        _emptied(_changed(rows[inside(name)], column, keys, how, seed), column, keys, how.missing, seed)
        for name, column in project.columns.features.items()
    ]
    return rows.with_columns(changed)


def _changed(column: pl.Series, meant: Column, keys: Keys, how: Perturbation, seed: int) -> pl.Series:
    """One column with its values moved, as its kind allows."""
    if meant.kind in {"number", "integer"}:
        return _with_noise(column, meant, keys, how.noise, seed)
    return _with_typos(column, keys, how.typos, seed) if meant.kind == "text" else column


def _with_noise(column: pl.Series, meant: Column, keys: Keys, size: float, seed: int) -> pl.Series:
    """Numbers moved by normal noise of ``size`` standard deviations, whole numbers to whole numbers."""
    numbers = column.cast(pl.Float64)
    spread = numbers.std()
    if not size or not isinstance(spread, float) or not math.isfinite(spread):
        return column
    moved = numbers + pl.Series(ndtri(_chance(keys, column.name, NOISE, seed)) * size * spread)
    within = moved.clip(meant.min, meant.max)
    whole = within.round().clip(-WHOLE, WHOLE) if meant.kind == "integer" else within
    return whole.cast(column.dtype).alias(column.name)


def _with_typos(column: pl.Series, keys: Keys, share: float, seed: int) -> pl.Series:
    """Texts with about that share of their characters mistyped."""
    if not share:
        return column
    seeds = random_keys(keys, _number(column.name, TYPING, seed)).tolist()
    texts = [None if text is None else add_typos(text, share, own) for text, own in zip(column, seeds, strict=True)]
    return pl.Series(column.name, texts, dtype=column.dtype)


def add_typos(text: str, share: float, seed: int) -> str:
    """The text with each character mistyped with a chance of ``share``: left out, doubled, swapped, or another letter.

    >>> add_typos("where is my card", 0.2, 3) != "where is my card" == add_typos("where is my card", 0.0, 3)
    True
    """
    rng = np.random.default_rng(seed)
    hit = rng.random(len(text)) < share
    kinds, letters = rng.integers(4, size=len(text)), rng.integers(len(LETTERS), size=len(text))
    written = list(text)
    for place in np.flatnonzero(hit).tolist():
        written[place] = _mistake(written, place, int(kinds[place]), LETTERS[int(letters[place])])
    return "".join(written)


def _mistake(written: list[str], place: int, kind: int, letter: str) -> str:
    """The text at a position after one typo; a swap also changes the position before."""
    character = written[place]
    if kind == 0:
        return ""
    if kind == 1:
        return character * 2
    if kind == 2 and place:
        written[place - 1], character = character, written[place - 1]
        return character
    return letter


def _emptied(column: pl.Series, meant: Column, keys: Keys, share: float, seed: int) -> pl.Series:
    """The column with that share of its cells missing, if cells may be missing."""
    if not share or not meant.missing:
        return column
    empty = pl.Series(_chance(keys, column.name, EMPTY, seed) < share)
    return pl.select(pl.when(~empty).then(column).alias(column.name)).to_series()


def _chance(keys: Keys, column: str, what: str, seed: int) -> NDArray[np.float64]:
    """A number strictly between 0 and 1 that belongs to each cell; float64 (n,)."""
    drawn = random_keys(keys, _number(column, what, seed)).astype(np.float64)
    return np.clip((drawn + 0.5) / WORD, 1e-12, 1 - 1e-12)


def _number(column: str, what: str, seed: int) -> int:
    """The seed of one column's changes of one sort."""
    return int.from_bytes(blake2b(f"{seed} {what} {column}".encode(), digest_size=8).digest(), "big")


MOST: Final = 2000
"""Rows that are changed and predicted again, those of the lowest chance."""


def robustness(examined: CheckContext, project: Project) -> CheckResults:
    """The share of decisions that flip under small changes of the inputs, the champion's own beside it.

    Nothing where the project file asks for no changes.
    """
    how, level = project.gate.perturbation, harm_level(project.gate)
    if not (how.noise or how.typos or how.missing):
        return CheckResults()
    chosen = _chosen(examined)
    changed = feature_frame(perturb(examined.rows[chosen], project, examined.seed), project)
    weights, new = examined.weights[chosen], _flipped(examined.challenger, changed, chosen, project)
    share = weighted_share(new, weights, level)
    checks = [] if how.most_flips is None else [_flips_check(share, how.most_flips)]
    found: dict[str, Any] = {"rows": len(chosen), "challenger": _told(share), "champion": None, "more": None}
    if examined.champion is not None:
        old = _flipped(examined.champion, changed, chosen, project)
        own, more = weighted_share(old, weights, level), paired_difference(new, old, weights, level)
        found |= {"champion": _told(own), "more": interval_to_json(more)}
        checks += [] if how.most_more_flips is None else [_more_check(more, share, own, how.most_more_flips)]
    return CheckResults(tuple(checks), {"perturbation": found})


def _chosen(examined: CheckContext) -> NDArray[np.intp]:
    """The rows to perturb: all, or those with the lowest random keys."""
    order = np.argsort(random_keys(row_keys(examined.rows), examined.seed), kind="stable")
    return np.sort(order[:MOST])


def _flipped(
    side: ModelUnderTest, changed: pd.DataFrame, chosen: NDArray[np.intp], project: Project
) -> NDArray[np.bool_]:
    """Whether each chosen row's decision flips when its inputs change a little, to those of the frame ``changed``."""
    after = predict_rows(side.model, changed, project).decisions
    return np.asarray(after != side.predictions.decisions[chosen])


def _flips_check(share: Interval, limit: float) -> Check:
    """Whether more decisions are shown to flip than the project file allows."""
    outcome: Outcome = "fail" if share.low > limit else "pass"
    why = f"{share.value:.1%} of the decisions flip when the inputs change a little, {limit:.0%} are allowed"
    return Check("perturbation", outcome, share.value, limit, why, share.low, share.high)


def _more_check(more: Interval, share: Interval, own: Interval, limit: float) -> Check:
    """Whether the challenger is shown to flip more than the champion by more than the project file allows."""
    outcome: Outcome = "fail" if more.low > limit else "pass"
    why = (
        f"{share.value:.1%} of the decisions flip when the inputs change a little, {own.value:.1%} of the champion's; "
        f"{limit:.0%} more are allowed"
    )
    return Check("perturbation against champion", outcome, more.value, limit, why, more.low, more.high)


def _told(share: Interval) -> dict[str, float]:
    """A model's share of flips as JSON, for the evidence."""
    return {"flips": share.value, "low": share.low, "high": share.high}
