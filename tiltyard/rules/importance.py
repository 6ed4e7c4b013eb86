"""Which columns a model lives on: what the gate's metric loses where one of them is shuffled.

Method: permutation importance (Breiman 2001, Machine Learning 45; Fisher, Rudin and Dominici 2019, JMLR 20) as
scikit-learn does it, on evaluation rows, so that what a model merely remembers of its training rows does not count. The
interval is the normal one of a paired bootstrap over the rows (Efron and Tibshirani 1993, ch. 6 and 13: 50 resamples
are enough for a standard error). Columns that say the same share what they are worth: each alone looks dispensable.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.inspection import permutation_importance
from threadpoolctl import threadpool_limits

from schemas.project import Project
from tiltyard.rules.metrics import Floats, greater_is_better, scores
from tiltyard.rules.predictions import predictions_of

MOST_ROWS: Final = 1000
"""Rows that are looked at; more are drawn from by chance."""
MOST_COLUMNS: Final = 40
"""Columns that are shuffled one by one; of more, those are opened that count in groups."""
REPEATS: Final = 3
RESAMPLES: Final = 50
SURE: Final = 1.96
"""Standard errors on each side of a value: 95 % of a normal distribution."""
DECIMALS: Final = 6

Labels = NDArray[np.str_]
Part = tuple[str, ...]
"""Columns that are shuffled together."""


@dataclass(frozen=True, slots=True)
class Shuffled:
    """Rows under which a part's columns may stand in another order, and how they are scored.

    scikit-learn shuffles one column at a time. It is given one column of row numbers for each part, so that a part may
    be several columns; and it gets the gate's metric once for each weighting of the rows, weights (b, n).
    """

    rows: pd.DataFrame
    parts: tuple[Part, ...]
    project: Project
    weights: Floats

    def losses(self, model: Any, labels: Labels, repeats: int, seed: int) -> Floats:
        """What the metric loses without each part under each weighting, the mean over repeats; (parts, b)."""
        places = np.arange(len(self.rows))
        numbers = pd.DataFrame({number: places for number in range(len(self.parts))})
        found = permutation_importance(
            model, numbers, labels, scoring=self._scores, n_repeats=repeats, random_state=seed % 2**32
        )
        return np.stack([found[weighting].importances_mean for weighting in range(len(self.weights))], axis=1)

    def _scores(self, model: Any, numbers: pd.DataFrame, labels: Labels) -> dict[int, float]:
        """The gate's metric under each weighting; more is better, for losses too."""
        metric = self.project.gate.metric
        sign = 1 if greater_is_better(metric) else -1
        said = predictions_of(model, self._in_order(numbers), self.project)
        return {place: sign * float(value) for place, value in enumerate(scores(metric, labels, said, self.weights))}

    def _in_order(self, numbers: pd.DataFrame) -> pd.DataFrame:
        """The rows with each part's columns in the order of its row numbers."""
        places = np.arange(len(self.rows))
        changed: dict[str, Any] = {}
        for number, part in enumerate(self.parts):
            order = numbers[number].to_numpy()
            if not np.array_equal(order, places):
                changed |= {name: self.rows[name].take(order).set_axis(self.rows.index) for name in part}
        return self.rows.assign(**changed)


def importance_of(model: Any, frame: pd.DataFrame, labels: Labels, project: Project, seed: int) -> list[dict[str, Any]]:
    """What the gate's metric loses without each column: ``{"column", "value", "low", "high"}``, most important first.

    ``frame`` is ``feature_frame(rows, project)`` of n evaluation rows, ``labels`` their effective labels, text (n,). At
    most ``MOST_ROWS`` rows and ``MOST_COLUMNS`` columns are looked at. Same arguments give the same answer; an
    undefined metric, or no rows, gives none.
    """
    rows, told = _drawn(frame, labels, seed)
    said = predictions_of(model, rows, project)
    if not np.isfinite(scores(project.gate.metric, told, said, np.ones((1, len(rows)))))[0]:
        return []
    with threadpool_limits(limits=1):
        parts = _opened(model, rows, told, project, seed)
        shuffled = Shuffled(rows, parts, project, _weights(len(rows), seed))
        losses = shuffled.losses(model, told, REPEATS, seed)
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


def _opened(model: Any, rows: pd.DataFrame, labels: Labels, project: Project, seed: int) -> tuple[Part, ...]:
    """The columns there is time for, each a part: all, or the members of those groups whose shuffling costs most."""
    names = [str(name) for name in rows.columns]
    if len(names) <= MOST_COLUMNS:
        return tuple((name,) for name in names)
    groups = [tuple(group.tolist()) for group in np.array_split(np.array(names), MOST_COLUMNS)]
    shuffled = Shuffled(rows, tuple(groups), project, np.ones((1, len(rows))))
    lost = shuffled.losses(model, labels, 1, seed)[:, 0]
    best = [name for place in np.argsort(-lost, kind="stable") for name in groups[place]]
    return tuple((name,) for name in best[:MOST_COLUMNS])


def _told(name: str, losses: Floats) -> dict[str, Any]:
    """One column's loss on the rows as they are, with its interval over the resamples that are defined."""
    value, drawn = float(losses[0]), losses[1:][np.isfinite(losses[1:])]
    error = SURE * float(drawn.std(ddof=1)) if len(drawn) > 1 else 0.0
    rounded = {"value": value, "low": value - error, "high": value + error}
    return {"column": name, **{key: round(number, DECIMALS) + 0.0 for key, number in rounded.items()}}
