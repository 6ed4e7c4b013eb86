"""Which columns a model lives on: what the gate's metric loses where one of them is shuffled.

Method: permutation importance (Breiman 2001, Machine Learning 45; Fisher, Rudin and Dominici 2019, JMLR 20) on
evaluation rows, so that what a model merely remembers of its training rows does not count. The interval is the normal
one of a paired bootstrap over the rows (Efron and Tibshirani 1993, ch. 6 and 13: 50 resamples are enough for a standard
error). Columns that say the same share what they are worth: each alone looks dispensable.

A test holds the values to scikit-learn's own; ours are asked for many columns at once, since most of the time of a call
on few rows is the call itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tiltyard.evaluation.metrics import Floats, greater_is_better, scores
from tiltyard.evaluation.predictions import predict_rows
from tiltyard.schemas.project import Project

MOST_ROWS: Final = 1000
"""The maximum number of rows; of more, a random sample is taken."""
MOST_COLUMNS: Final = 40
"""Columns that are shuffled one by one; of more, those are opened that count in groups."""
CELLS: Final = 500_000
"""Cells that one call of the model gets at most, where a variant of the rows has fewer."""
REPEATS: Final = 3
RESAMPLES: Final = 50
SURE: Final = 1.96
"""Standard errors on each side of a value: 95 % of a normal distribution."""
DECIMALS: Final = 6

Labels = NDArray[np.str_]
Places = NDArray[np.int64]
Part = tuple[str, ...]
"""Columns that are shuffled together."""


@dataclass(frozen=True, slots=True)
class Shuffled:
    """n evaluation rows with their labels, the orders in which a part's columns are put, and how rows are scored.

    ``orders`` is (repeats, n); the gate's metric is found once for each weighting of the rows, weights (b, n).
    """

    rows: pd.DataFrame
    labels: Labels
    orders: Places
    weights: Floats
    project: Project

    def losses(self, model: Any, parts: Sequence[Part]) -> Floats:
        """What the metric loses without each part under each weighting, the mean over the orders; (parts, b)."""
        variants = [(part, order) for part in parts for order in self.orders]
        step, found = max(1, CELLS // max(1, self.rows.size)), [np.zeros((0, len(self.weights)))]
        for start in range(0, len(variants), step):
            found.append(self._scores(model, variants[start : start + step]))
        after = np.concatenate(found).reshape(len(parts), len(self.orders), -1)
        before = self._scores(model, [((), self.orders[0])])
        return np.asarray(before - after.mean(axis=1))

    def _scores(self, model: Any, variants: Sequence[tuple[Part, Places]]) -> Floats:
        """The metric of each variant under each weighting, more is better, for losses too; (variants, b)."""
        metric, number = self.project.gate.metric, len(self.rows)
        sign = 1 if greater_is_better(metric) else -1
        said = predict_rows(model, self._together(variants), self.project)
        every = (said.rows(np.arange(at * number, (at + 1) * number)) for at in range(len(variants)))
        return np.stack([sign * scores(metric, self.labels, own, self.weights) for own in every])

    def _together(self, variants: Sequence[tuple[Part, Places]]) -> pd.DataFrame:
        """The rows once for each variant, one below the other, its part's columns in its order."""
        plain = np.arange(len(self.rows))
        together = self.rows.take(np.tile(plain, len(variants))).reset_index(drop=True)
        for name in {name for part, _ in variants for name in part}:
            places = [order if name in part else plain for part, order in variants]
            together[name] = self.rows[name].take(np.concatenate(places)).array
        return together


def permutation_importances(
    model: Any, frame: pd.DataFrame, labels: Labels, project: Project, seed: int
) -> list[dict[str, Any]]:
    """What the gate's metric loses without each column: ``{"column", "value", "low", "high"}``, most important first.

    ``frame`` is ``feature_frame(rows, project)`` of n evaluation rows, ``labels`` their effective labels, text (n,). At
    most ``MOST_ROWS`` rows and ``MOST_COLUMNS`` columns are looked at. Same arguments give the same answer; an
    undefined metric, or no rows, gives none.
    """
    rows, told = _drawn(frame, labels, seed)
    said = predict_rows(model, rows, project)
    if not np.isfinite(scores(project.gate.metric, told, said, np.ones((1, len(rows)))))[0]:
        return []
    orders = permutation_orders(len(rows), REPEATS, seed)
    with threadpool_limits(limits=1):
        parts = _opened(model, Shuffled(rows, told, orders[:1], np.ones((1, len(rows))), project))
        losses = Shuffled(rows, told, orders, _weights(len(rows), seed), project).losses(model, parts)
    found = [_told(part[0], own) for part, own in zip(parts, losses, strict=True)]
    return sorted(found, key=lambda row: (-row["value"], row["column"]))


def _drawn(frame: pd.DataFrame, labels: Labels, seed: int) -> tuple[pd.DataFrame, Labels]:
    """The rows that are looked at: all, or as many as there is time for."""
    if len(frame) <= MOST_ROWS:
        return frame.reset_index(drop=True), labels
    chosen = np.sort(np.random.default_rng(seed).choice(len(frame), MOST_ROWS, replace=False))
    return frame.iloc[chosen].reset_index(drop=True), labels[chosen]


def _weights(rows: int, seed: int) -> Floats:
    """The rows as they are, then as often as each was drawn; (1 + RESAMPLES, rows)."""
    rng = np.random.default_rng(seed)
    drawn = [np.bincount(rng.integers(rows, size=rows), minlength=rows) for _ in range(RESAMPLES)]
    return np.stack([np.ones(rows), *drawn]).astype(np.float64)


def permutation_orders(rows: int, repeats: int, seed: int) -> Places:
    """Random orders of the rows, the same in which scikit-learn's ``permutation_importance`` puts a column."""
    rng = np.random.RandomState(np.random.RandomState(seed % 2**32).randint(2**31))
    order, shuffling, found = np.arange(rows), np.arange(rows), []
    for _ in range(repeats):
        rng.shuffle(shuffling)
        order = order[shuffling]
        found.append(order)
    return np.stack(found)


def _opened(model: Any, shuffled: Shuffled) -> list[Part]:
    """The columns there is time for, each a part: all, or the members of those groups whose shuffling costs most."""
    names = [str(name) for name in shuffled.rows.columns]
    if len(names) <= MOST_COLUMNS:
        return [(name,) for name in names]
    groups = [tuple(group.tolist()) for group in np.array_split(np.array(names), MOST_COLUMNS)]
    lost = shuffled.losses(model, groups)[:, 0]
    best = [name for place in np.argsort(-lost, kind="stable") for name in groups[place]]
    return [(name,) for name in best[:MOST_COLUMNS]]


def _told(name: str, losses: Floats) -> dict[str, Any]:
    """One column's loss on the rows as they are, with its interval over the resamples that are defined."""
    value, drawn = float(losses[0]), losses[1:][np.isfinite(losses[1:])]
    error = SURE * float(drawn.std(ddof=1)) if len(drawn) > 1 else 0.0
    rounded = {"value": value, "low": value - error, "high": value + error}
    return {"column": name, **{key: round(number, DECIMALS) + 0.0 for key, number in rounded.items()}}
