"""Selecting the samples to label next: the pool is streamed, and only the best rows are kept."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tiltyard.evaluation.predictions import Predictions
from tiltyard.query.committee import Committee
from tiltyard.query.feature_space import Candidates, column_encoder
from tiltyard.query.strategies import SLICE, get_strategy
from tiltyard.query.top_k import CHANCE, WANTING, TopK
from tiltyard.samples.features import feature_frame
from tiltyard.samples.hashing import random_keys, row_keys, stochastic_round
from tiltyard.schemas.pool_types import pool_schema
from tiltyard.schemas.project import Project, Query, StrategyName

CHOICE: Final = {
    "_strategy": pl.String(),
    "_score": pl.Float64(),
    "_probability": pl.Float64(),
    "_purpose": pl.String(),
    "_priority": pl.Float64(),
}
"""Columns that :func:`select_samples` adds; the underscore keeps them apart from a project's own ``score``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySpec:
    """How many rows to select, and how.

    ``seed`` is the random seed; give each query its own, or a share of less than one row per query is never drawn.
    ``said`` gives the model's predictions for rows where the caller has them already; the model is
    then asked only which rows are near each other.
    """

    number: int
    strategy: StrategyName = "margin_kmeans"
    start: Literal["typical", "random"] = "typical"
    random_share: float = 0.1
    shortlist: int = 20
    seed: int = 0
    said: Callable[[pl.DataFrame], Predictions] | None = None

    @classmethod
    def by(cls, query: Query, number: int, seed: int) -> Self:
        """What a project file's ``query`` asks for."""
        return cls(
            number=number,
            strategy=query.strategy,
            start=query.start,
            random_share=query.random_share,
            shortlist=query.shortlist,
            seed=seed,
        )

    @property
    def drawn(self) -> int:
        """How many of the rows are drawn at random; on average over seeds exactly the share."""
        return min(self.number, stochastic_round(self.number * self.random_share, self.seed))


def select_samples(
    chunks: Iterable[pl.DataFrame],
    wanted: QuerySpec,
    project: Project,
    *,
    model: Any = None,
    committee: Sequence[Any] = (),
    labeled: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The rows to label next, with all their columns and those of ``CHOICE``, highest priority first.

    ``chunks`` are pool frames with ``sample_id``, ``sample_key`` if at hand, and the project's columns; rows that are
    labelled, assigned or in the evaluation set are left out by the caller (see :func:`anti_join`). They are read
    once, in bounded memory; chunk sizes and order do not matter. ``model`` is the fitted champion; without one, the
    start strategy chooses. ``committee`` are the fitted members for a committee strategy, ``labeled`` the rows (any
    frame with the features) that typical and ranked_batch keep away from.

    A share of the rows is drawn at random first: ``_probability`` is then each row's chance of being drawn, and
    ``_score`` is null. Among the others the strategy chooses; ``_score`` is its measure in modAL's numbers. Fewer
    rows come back only if the pool has no more. Raises TrainingError if the model or the committee is missing its fit.
    """
    name: StrategyName = wanted.strategy if model is not None else wanted.start
    asks_committee = bool(committee) and get_strategy(name).needs_committee
    stream = _Stream(wanted, name, Committee(committee) if asks_committee else model, project)
    stream.said = None if asks_committee else wanted.said
    for piece in _pieces(chunks, project):
        stream.take(piece)
    drawn = stream.drawn()
    chosen = pl.concat([stream.asked(drawn, labeled), drawn])
    return chosen.sort("_priority", descending=True, maintain_order=True)


def anti_join(chunk: pl.DataFrame, sample_ids: pl.Series) -> pl.DataFrame:
    """The rows whose ``sample_id`` is not among those given, in their order."""
    return chunk.join(sample_ids.rename("sample_id").to_frame(), on="sample_id", how="anti", maintain_order="left")


class _Stream:
    """One pass over the pool: rows drawn at random, rows that the strategy may pick from, and how many there were."""

    def __init__(self, wanted: QuerySpec, name: StrategyName, classifier: Any, project: Project) -> None:
        self.wanted, self.name, self.classifier, self.project = wanted, name, classifier, project
        self.strategy = get_strategy(name)
        self.strategy.check(classifier)
        by_chance = wanted.number if name == "random" else wanted.drawn
        self.asking = wanted.number - by_chance
        self.offered = self.strategy.keeps(self.asking, wanted.shortlist) if self.asking else 0
        self.lottery = TopK(by_chance)
        # Rows drawn at random leave the strategy's list, so it holds as many more.
        self.best = TopK(self.offered + by_chance if self.asking else 0)
        self.seen = 0
        self.said: Callable[[pl.DataFrame], Predictions] | None = None

    def take(self, rows: pl.DataFrame) -> None:
        """Take in one piece of the pool."""
        chance = random_keys(row_keys(rows), self.wanted.seed)
        self.lottery.add(rows, np.zeros(rows.height), chance)
        positions, wanting = self._wanting(rows)
        self.best.add(rows[positions], wanting, chance[positions])
        self.seen += rows.height

    def drawn(self) -> pl.DataFrame:
        """The rows drawn at random, each with its probability of being drawn."""
        rows = self.lottery.settled()
        probability = rows.height / self.seen if self.seen else None
        return _marked(rows, "random", "random").with_columns(_probability=pl.lit(probability, pl.Float64))

    def asked(self, drawn: pl.DataFrame, labeled: pl.DataFrame | None) -> pl.DataFrame:
        """The rows that the strategy picks from its best, those drawn at random left out."""
        rows = anti_join(self.best.settled(), drawn["sample_id"]).head(self.offered)
        if rows.is_empty():
            return _marked(rows, self.name, "query")
        scores = self.strategy.measured(rows[WANTING].to_numpy())
        picks = self.strategy.pick(self._offer(rows, scores, labeled), self.asking)
        marked = _marked(rows[picks], self.name, "query")
        return marked.with_columns(_score=pl.Series(scores[picks])) if self.strategy.needs_model else marked

    def _wanting(self, rows: pl.DataFrame) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The rows that may still enter the list and how much they are wanted."""
        if not self.strategy.needs_model or not self.asking:
            return np.arange(rows.height), np.zeros(rows.height)
        if self.said is not None:
            return np.arange(rows.height), self.strategy.told(self.said(rows).probabilities)
        return self.strategy.wanting(self.classifier, feature_frame(rows, self.project), self.best.floor)

    def _offer(self, rows: pl.DataFrame, scores: NDArray[np.float64], labeled: pl.DataFrame | None) -> Candidates:
        """The shortlisted rows as the strategy's pick takes them."""
        return Candidates(
            X=feature_frame(rows, self.project),
            scores=scores,
            model=self.classifier,
            labeled=None if labeled is None or labeled.is_empty() else feature_frame(labeled, self.project),
            encoder=column_encoder(self.project),
            seed=self.wanted.seed,
        )


def _pieces(chunks: Iterable[pl.DataFrame], project: Project) -> Iterator[pl.DataFrame]:
    """The chunks cut to the size that scoring likes; an empty frame if there is none, for its columns."""
    empty = True
    for chunk in chunks:
        empty = False
        yield from chunk.iter_slices(SLICE) if chunk.height else (chunk,)
    if empty:
        yield pl.DataFrame(schema={"sample_id": pl.String(), "sample_key": pl.Int64(), **pool_schema(project)})


def _marked(rows: pl.DataFrame, strategy: str, purpose: str) -> pl.DataFrame:
    """The rows with the columns of ``CHOICE``, measures unknown, spread evenly over the priorities.

    Even spreading lets rows of both purposes alternate, so that a day cut short has its share of both.
    """
    priority = 1 - (pl.int_range(pl.len()) + 0.5) / pl.len()
    values = {"_strategy": strategy, "_score": None, "_probability": None, "_purpose": purpose}
    marks = [pl.lit(value, CHOICE[column]).alias(column) for column, value in values.items()]
    return rows.drop(WANTING, CHANCE).with_columns(*marks, priority.cast(pl.Float64).alias("_priority"))
