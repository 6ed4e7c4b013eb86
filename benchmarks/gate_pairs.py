"""Pairs of models whose difference is known: real models on real rows, and made answers, for `benchmarks/gates.py`.

A population of rows is set aside; champion and challenger answer all of it, so the true gain on it is known. Equal
pairs are two models trained on as many rows each, whose answers are swapped row by row by a coin: they differ where two
retrained models differ, and neither is better. Better pairs have a challenger that saw four times as many rows (what is
measured is kept only where it really is better); worse pairs are better pairs the other way round.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from tiltyard.evaluation.metrics import greater_is_better, score
from tiltyard.evaluation.predictions import Predictions

Kind = Literal["equal", "better", "worse"]
KINDS: Final[tuple[Kind, ...]] = ("equal", "better", "worse")
SETS: Final = ("adult", "credit_default", "magic", "spambase")
MOST_ROWS: Final = 16_000
FEWEST_HELD: Final = 2_000


@dataclass(frozen=True, slots=True)
class Pair:
    """A population's labels and both models' answers."""

    labels: NDArray[np.str_]
    champion: Predictions
    challenger: Predictions

    def rows(self, chosen: NDArray[np.int64]) -> "Pair":
        """The same for some rows."""
        return Pair(self.labels[chosen], self.champion.rows(chosen), self.challenger.rows(chosen))

    def gain(self, metric: str) -> float:
        """How much better the challenger is on all rows; positive is better, for losses too."""
        sign = 1 if greater_is_better(metric) else -1
        return sign * (score(metric, self.labels, self.challenger) - score(metric, self.labels, self.champion))

    @property
    def differ(self) -> NDArray[np.bool_]:
        """On which rows the two decide differently."""
        return np.asarray(self.champion.decisions != self.challenger.decisions)


def data_folder() -> Path:
    """Where the real data sets are: TILTYARD_DATA, or shared/data beside the repository."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("TILTYARD_DATA", beside)) / "al"


def real_pairs(name: str, model: str, few: int, count: int, seed: int) -> Iterator[dict[str, Pair]]:
    """For each of some splits: two models on ``few`` rows each, one on four times as many, and the first one trained
    again with a fifth more rows; as pairs by kind.

    None where the data set is too small for a population of ``FEWEST_HELD`` rows.
    """
    frame = pd.read_parquet(data_folder() / f"{name}.parquet")
    labels = frame.pop("target").astype(str).to_numpy(dtype=str)
    for number in range(count if len(frame) >= 6 * few + FEWEST_HELD else 0):
        rng = np.random.default_rng([seed, number])
        order = rng.permutation(len(frame))[: MOST_ROWS + 6 * few]
        parts = np.split(order, [few, 2 * few, 6 * few])
        held = frame.iloc[parts[3]]
        grown = np.concatenate([parts[0], parts[2][: few // 5]])
        trained = (parts[0], parts[1], parts[2], grown)
        first, second, more, later = (_answers(model, frame.iloc[part], labels[part], held) for part in trained)
        truth = labels[parts[3]]
        yield {
            "equal": coin_swapped(Pair(truth, first, second), rng),
            "better": Pair(truth, first, more),
            "worse": Pair(truth, more, first),
            "other rows": Pair(truth, first, second),
            "a fifth more": Pair(truth, first, later),
        }


def coin_swapped(pair: Pair, rng: np.random.Generator) -> Pair:
    """The same answers, given to the two models row by row by a coin: neither is better."""
    coin = rng.random(len(pair.labels)) < 0.5
    one, other = pair.champion, pair.challenger

    def mixed(first: Predictions, second: Predictions) -> Predictions:
        told = np.where(coin[:, None], first.probabilities, second.probabilities)
        return Predictions(told, np.where(coin, first.decisions, second.decisions), one.class_names, one.positive)

    return Pair(pair.labels, mixed(one, other), mixed(other, one))


def _answers(model: str, frame: pd.DataFrame, labels: NDArray[np.str_], held: pd.DataFrame) -> Predictions:
    """What a model that was fitted on some rows says of the population."""
    fitted = _pipeline(model).fit(frame, labels)
    names = tuple(str(name) for name in fitted.classes_)
    told = fitted.predict_proba(held)
    return Predictions(told, np.asarray(names)[told.argmax(axis=1)], names, names[-1])


def _pipeline(model: str) -> Any:
    """A linear model or boosted trees, with the preprocessing that each needs."""
    text = make_column_selector(dtype_include=["object", "string", "category"])
    numbers = make_column_selector(dtype_include="number")
    if model == "linear":
        columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), text), (StandardScaler(), numbers))
        return make_pipeline(columns, LogisticRegression(max_iter=500))
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer((encoder, text), ("passthrough", numbers))
    return make_pipeline(columns, HistGradientBoostingClassifier(max_iter=60, min_samples_leaf=10))


@dataclass(slots=True)
class MadeRows:
    """Endless rows, three quarters easy and a quarter hard, and models that are each right by chance on each of them.

    Models with the same ``edge`` are of equal quality on rows to come, by any metric.
    """

    rng: np.random.Generator
    truth: NDArray[np.bool_]
    hardness: NDArray[np.float64]

    @classmethod
    def of(cls, rows: int, seed: int) -> "MadeRows":
        """So many rows."""
        rng = np.random.default_rng(seed)
        return cls(rng, rng.random(rows) < 0.35, np.where(rng.random(rows) < 0.75, 0.03, 0.6))

    @property
    def labels(self) -> NDArray[np.str_]:
        """The true classes."""
        return np.where(self.truth, "yes", "no")

    def model(self, edge: float = 0.0) -> Predictions:
        """A new model, right on a hard row by 0.4 + edge."""
        wrong = self.rng.random(len(self.truth)) < np.where(self.hardness > 0.5, self.hardness - edge, self.hardness)
        sure = 0.5 + 0.48 * self.rng.random(len(self.truth))
        told = np.where(self.truth ^ wrong, sure, 1 - sure)
        return Predictions(np.column_stack([1 - told, told]), np.where(told >= 0.5, "yes", "no"), ("no", "yes"), "yes")


World = Literal["close", "far", "rare", "shape"]
WORLDS: Final[tuple[World, ...]] = ("close", "far", "rare", "shape")


def made_pair(rng: np.random.Generator, rows: int, world: World) -> Pair:
    """Two models that see the same evidence, each through noise of its own; their gain on endless rows is fixed.

    close: they differ on few rows. far: on many. rare: 6 % of the rows are positive. shape: the challenger is
    overconfident and decides at another cut, so that it wins and loses in different ways.
    """
    truth = rng.random(rows) < (0.06 if world == "rare" else 0.3)
    seen = np.where(truth, 1.2, -1.2) + rng.normal(size=rows)
    noise = {"close": 0.25, "rare": 0.4, "far": 1.0, "shape": 0.5}[world]
    old, new = (seen + noise * rng.normal(size=rows) for _ in range(2))
    sides = [_said(score) for score in (old, 1.8 * new + 0.3 if world == "shape" else new)]
    return Pair(np.where(truth, "yes", "no"), *sides)


def _said(score: NDArray[np.float64]) -> Predictions:
    """Log odds as predictions."""
    told = 1 / (1 + np.exp(-score))
    return Predictions(np.column_stack([1 - told, told]), np.where(told >= 0.5, "yes", "no"), ("no", "yes"), "yes")
