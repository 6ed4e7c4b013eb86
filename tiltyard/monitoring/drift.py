"""What a batch looks like, and whether that is unusual beside a reference: with limits that know how much chance does.

A statistic is an anomaly only when it is larger than chance would make it at this number of rows, over all columns
(Benjamini and Hochberg 1995, ``FALSE_ALARMS`` of them false on average), and large enough to matter (``MATTERS``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import kolmogi, kolmogorov
from scipy.stats import chi2, norm

from tiltyard.samples.long_values import shorten_column
from tiltyard.schemas.project import Project, inside

BINS: Final = 20
"""Quantile bins that stand for a continuous column."""

FEW_VALUES: Final = 30
"""Up to so many distinct numbers a column is kept value by value."""

TOP: Final = 50
"""Categories that are counted by name; the rest together."""

FALSE_ALARMS: Final = 0.01
MATTERS: Final = {"ks": 0.1, "psi": 0.1, "missing": 0.05}
"""The smallest value of each statistic that is worth a person's time."""

REFERENCE_BATCHES: Final = 8
"""A batch is compared with so many accepted batches before it: a reference that moves with the data."""

ColumnProfile = dict[str, Any]
Floats = npt.NDArray[np.float64]


def profile_rows(frame: pl.DataFrame, project: Project) -> dict[str, Any]:
    """A summary of rows in pool types, JSON types only: ``{"rows": n, "columns": {name: ...}}``.

    Features and context take part, times apart (they always move); a text is profiled by its length. A number has
    ``n, missing, mean, std``, ``edges`` and ``below`` (the share of values up to each edge) and ``steps`` (the edges
    are all the values there are). A category has ``n, missing``, ``top`` counts and ``other``.
    """
    columns = {**project.columns.features, **project.columns.context}
    told = {
        name: _column_profile(frame[inside(name)], column.kind)
        for name, column in columns.items()
        if column.kind != "timestamp"
    }
    return {"rows": frame.height, "columns": told}


def _column_profile(column: pl.Series, kind: str) -> ColumnProfile:
    """One column's summary."""
    there = column.drop_nulls()
    counts = {"n": len(there), "missing": column.null_count()}
    if kind in {"category", "boolean"}:
        return counts | _category_profile(shorten_column(there.cast(pl.String)))
    return counts | _number_profile((there.str.len_chars() if kind == "text" else there).cast(pl.Float64))


def _category_profile(there: pl.Series) -> ColumnProfile:
    """The most frequent categories' counts, and how many rows have another."""
    counts = there.value_counts(name="count").sort("count", there.name, descending=[True, False]).head(TOP)
    top = dict(counts.iter_rows())
    return {"top": top, "other": len(there) - sum(top.values())}


def _number_profile(there: pl.Series) -> ColumnProfile:
    """Mean, spread and the distribution function at a few edges."""
    if there.is_empty():
        return {"mean": None, "std": None, "edges": [], "below": [], "steps": True}
    values = there.sort().to_numpy()
    edges = np.unique(values) if _is_few(values) else np.unique(values[_quantile_places(len(values))])
    below = np.searchsorted(values, edges, side="right") / len(values)
    return {
        "mean": _finite(values.mean),
        "std": _finite(values.std),
        "edges": edges.tolist(),
        "below": below.tolist(),
        "steps": _is_few(values),
    }


def _finite(moment: Callable[[], Any]) -> float | None:
    """A moment, or none where the values are too large for one."""
    with np.errstate(over="ignore", invalid="ignore"):
        value = float(moment())
    return value if np.isfinite(value) else None


def _is_few(ordered: Floats) -> bool:
    """Whether sorted values are few enough to be kept one by one."""
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) < FEW_VALUES


def _quantile_places(count: int) -> npt.NDArray[np.int64]:
    """Where the quantiles stand among so many sorted values.

    >>> _quantile_places(41).tolist()[:3]
    [0, 2, 4]
    """
    return np.linspace(0, count - 1, BINS + 1).round().astype(np.int64)


def pool_profiles(profiles: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """One profile of the rows of several, oldest first: the reference for the batch that follows them.

    It has the columns of the newest profile; a column that was of another kind in an older one is left out there.
    Counts and shares are exact up to the edges and the categories that the profiles keep. None without a profile.

    >>> side = {"n": 2, "missing": 1, "top": {"a": 2}, "other": 0}
    >>> pool_profiles([{"rows": 3, "columns": {"x": side}}] * 2)["columns"]["x"]["top"]
    {'a': 4}
    """
    if not profiles:
        return None
    columns = {}
    for name, newest in profiles[-1]["columns"].items():
        sides = [one["columns"][name] for one in profiles if name in one["columns"]]
        columns[name] = _pooled_column([side for side in sides if ("top" in side) == ("top" in newest)])
    return {"rows": sum(one["rows"] for one in profiles), "columns": columns}


def _pooled_column(sides: Sequence[ColumnProfile]) -> ColumnProfile:
    """One column's summary over several profiles."""
    counts = {"n": sum(side["n"] for side in sides), "missing": sum(side["missing"] for side in sides)}
    if "top" in sides[0]:
        names = sorted({name for side in sides for name in side["top"]})
        sums = {name: sum(side["top"].get(name, 0) for side in sides) for name in names}
        top = dict(sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP])
        return counts | {"top": top, "other": counts["n"] - sum(top.values())}
    filled = [side for side in sides if side["n"]]
    if not filled:
        return counts | {"mean": None, "std": None, "edges": [], "below": [], "steps": True}
    edges = np.unique(np.concatenate([side["edges"] for side in filled]))
    weights = np.array([side["n"] for side in filled]) / counts["n"]
    below = weights @ np.array([_below(edges, side) for side in filled])
    steps = all(side["steps"] for side in filled)
    return (
        counts | _pooled_moments(filled, weights) | {"edges": edges.tolist(), "below": below.tolist(), "steps": steps}
    )


def _pooled_moments(sides: Sequence[ColumnProfile], weights: Floats) -> dict[str, float | None]:
    """Mean and standard deviation over several profiles; none where one of them has none."""
    if any(side["mean"] is None or side["std"] is None for side in sides):
        return {"mean": None, "std": None}
    means, spreads = (np.array([side[name] for side in sides]) for name in ("mean", "std"))
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(weights @ means)
        std = float(np.sqrt(weights @ (spreads**2 + (means - mean) ** 2)))
    return {"mean": mean if np.isfinite(mean) else None, "std": std if np.isfinite(std) else None}


@dataclass(frozen=True, slots=True)
class _Question:
    """One statistic of one column: its value, its chance under no change, and the value at a given chance."""

    column: str
    statistic: str
    value: float
    chance: float
    noise: Callable[[float], float]
    why: str


def detect_drift(own: dict[str, Any], reference: dict[str, Any]) -> list[dict[str, Any]]:
    """What is unusual about a profile beside a reference, the clearest first.

    Each anomaly has ``column``, ``statistic`` (``ks`` for numbers, ``psi`` for categories, ``missing`` for the share
    of missing cells), ``value``, the ``limit`` that it is above, and ``why`` as a sentence. Columns that only one
    profile has, or that have no value in one of them, are asked for their missing cells at most.
    """
    both = own["columns"].keys() & reference["columns"].keys()
    asked = [question for name in sorted(both) for question in _questions(name, own, reference)]
    level = _level([question.chance for question in asked])
    found = [(question, max(question.noise(level), MATTERS[question.statistic])) for question in asked]
    unusual = [(question, limit) for question, limit in found if question.chance <= level and question.value > limit]
    unusual.sort(key=lambda pair: pair[0].value / pair[1], reverse=True)
    return [_anomaly(question, limit, own["rows"]) for question, limit in unusual]


def _level(chances: list[float]) -> float:
    """The largest chance that still counts as a discovery, after Benjamini and Hochberg.

    >>> _level([0.001, 0.9, 0.8, 0.7])
    0.0025
    """
    ordered = np.sort(np.asarray(chances))
    steps = FALSE_ALARMS * np.arange(1, len(ordered) + 1) / max(len(ordered), 1)
    passed = steps[ordered <= steps]
    return float(passed.max()) if len(passed) else FALSE_ALARMS / max(len(ordered), 1)


def _anomaly(question: _Question, limit: float, rows: int) -> dict[str, Any]:
    """An anomaly as JSON."""
    why = f"{question.why} ({question.statistic} {question.value:.3f}, limit {limit:.3f} at {rows:,} rows)"
    return {
        "column": question.column,
        "statistic": question.statistic,
        "value": round(question.value, 6),
        "limit": round(limit, 6),
        "why": why,
    }


def _questions(name: str, own: dict[str, Any], reference: dict[str, Any]) -> list[_Question]:
    """What is asked of one column."""
    here, there = own["columns"][name], reference["columns"][name]
    asked = [_missing_question(name, here, there)]
    if here["n"] and there["n"] and ("top" in here) == ("top" in there):
        asked.append(_psi_question(name, here, there) if "top" in here else _ks_question(name, here, there))
    return asked


def _missing_question(name: str, here: ColumnProfile, there: ColumnProfile) -> _Question:
    """Whether the share of missing cells changed: the difference of two proportions, pooled."""
    rows = np.array([max(side["n"] + side["missing"], 1) for side in (here, there)])
    missing = np.array([here["missing"], there["missing"]])
    shares, pooled = missing / rows, missing.sum() / rows.sum()
    spread = float(np.sqrt(pooled * (1 - pooled) * (1 / rows).sum()))
    value = float(abs(shares[0] - shares[1]))
    chance = float(2 * norm.sf(value / spread)) if spread else 1.0
    why = f"{name!r}: {shares[0]:.1%} of the cells are missing, {shares[1]:.1%} in the reference"
    return _Question(name, "missing", value, chance, lambda level: float(norm.isf(level / 2)) * spread, why)


def _ks_question(name: str, here: ColumnProfile, there: ColumnProfile) -> _Question:
    """Whether a number's distribution moved: Kolmogorov and Smirnov's two-sample distance, asymptotic chance."""
    points = np.union1d(here["edges"], there["edges"])
    value = float(np.abs(_below(points, here) - _below(points, there)).max())
    spread = float(np.sqrt(1 / here["n"] + 1 / there["n"]))
    why = f"{name!r}: its values moved, mean {_told(here['mean'])}, {_told(there['mean'])} in the reference"
    return _Question(
        name, "ks", value, float(kolmogorov(value / spread)), lambda level: float(kolmogi(level)) * spread, why
    )


def _told(moment: float | None) -> str:
    """A mean in words."""
    return "beyond float64" if moment is None else f"{moment:.4g}"


def _below(points: Floats, side: ColumnProfile) -> Floats:
    """The share of values up to each point: exact at the profile's own edges, interpolated between if continuous."""
    edges, below = np.asarray(side["edges"]), np.asarray(side["below"])
    if not side["steps"]:
        with np.errstate(over="ignore"):
            return np.asarray(np.interp(points, edges, below, left=0.0))
    return np.concatenate([[0.0], below])[np.searchsorted(edges, points, side="right")]


def _psi_question(name: str, here: ColumnProfile, there: ColumnProfile) -> _Question:
    """Whether categories changed their shares: the population stability index.

    With no change, PSI over ``1/n + 1/m`` is chi-square with one degree less than there are categories.
    """
    counts = np.array(_aligned(here, there), dtype=np.float64) + 0.5
    shares = counts / counts.sum(axis=1, keepdims=True)
    value = float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
    spread, freedom = 1 / here["n"] + 1 / there["n"], max(counts.shape[1] - 1, 1)
    most = max(
        sorted(there["top"].keys() | here["top"].keys()), key=lambda key: abs(_share(here, key) - _share(there, key))
    )
    why = f"{name!r}: {most!r:.60} is {_share(here, most):.1%} of the cells, {_share(there, most):.1%} in the reference"
    chance = float(chi2.sf(value / spread, freedom))
    return _Question(name, "psi", value, chance, lambda level: float(chi2.isf(level, freedom)) * spread, why)


def _aligned(here: ColumnProfile, there: ColumnProfile) -> list[list[int]]:
    """Both sides' counts over the same categories, and last how many rows have another, if any has."""
    names = sorted(here["top"].keys() | there["top"].keys())
    counts = [[_count(side, name) for name in names] for side in (here, there)]
    rests = [max(side["n"] - sum(row), 0) for side, row in zip((here, there), counts, strict=True)]
    return [[*row, rest] for row, rest in zip(counts, rests, strict=True)] if any(rests) else counts


def _count(side: ColumnProfile, name: str) -> int:
    """How often a category occurs; one that is not among the top occurs at most as often as the last that is."""
    most_elsewhere = min([side["other"], *side["top"].values()])
    return int(side["top"].get(name, most_elsewhere))


def _share(side: ColumnProfile, key: str) -> float:
    """The share of a category among the cells that are there."""
    return float(side["top"].get(key, 0) / max(side["n"], 1))
