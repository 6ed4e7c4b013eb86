"""Small changes of the inputs: noise on numbers, typing mistakes in texts, cells that are missing.

The same cell is changed in the same way in every run, in any order of rows: its chance belongs to the sample, the
column and the seed. Changes stay what the project file allows: a cell is emptied only where cells may be missing, a
number stays between its limits.
"""

import math
from hashlib import blake2b
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from tiltyard.samples.hashing import Keys, random_keys, row_keys
from tiltyard.schemas.project import Column, Perturbation, Project, inside

LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
NOISE, EMPTY, TYPING = "noise", "missing", "typing"
WORD: Final = 2.0**64
WHOLE: Final = 2.0**63 - 1024
"""The largest float64 that is a whole number of 64 bits."""


def perturbed(rows: pl.DataFrame, project: Project, seed: int) -> pl.DataFrame:
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
    texts = [None if text is None else mistyped(text, share, own) for text, own in zip(column, seeds, strict=True)]
    return pl.Series(column.name, texts, dtype=column.dtype)


def mistyped(text: str, share: float, seed: int) -> str:
    """The text with each character mistyped with a chance of ``share``: left out, doubled, swapped, or another letter.

    >>> mistyped("where is my card", 0.2, 3) != "where is my card" == mistyped("where is my card", 0.0, 3)
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
    """What stands at a place after one mistake; a swap also changes the place before."""
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
