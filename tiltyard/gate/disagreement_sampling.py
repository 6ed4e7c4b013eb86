"""Disagreement sampling: label where champion and challenger differ, and weight the rows to stay unbiased.

Only where two models decide differently can one be better, so the labels that a gate still wants are drawn there, and
each counts for as many rows as it stands for (stratified sampling, Cochran 1977, ch. 5). Every evaluation row has a
number in [0, 1) that never changes, and every draw takes the lowest first (permanent random numbers, Ohlsson 1995): so
the labels drawn for one pair of models remain of use for others, without favouring the rows that models find hard.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tiltyard.evaluation.metrics import BY_DECISION
from tiltyard.evaluation.predictions import Predictions
from tiltyard.evaluation.strata import Strata
from tiltyard.schemas.project import METRICS

Mask = NDArray[np.bool_]

FAR: Final = 0.1
"""From which difference of a probability on two answers differ for a metric of probabilities."""


@dataclass(frozen=True, slots=True)
class UsableLabels:
    """Which of some labeled rows a verdict may look at (Boolean, one each), and what those stand for; None: a plain
    random sample, each row for itself. ``by_chance`` is how many of them chance asked for, or would have by now."""

    rows: pl.Series
    strata: Strata | None
    by_chance: int


def disagreement_mask(metric: str, champion: Predictions, challenger: Predictions) -> Mask:
    """Where two models' answers for the same n rows differ, in the metric's eyes; bool (n,).

    A metric of decisions sees another decision; one of probabilities also sees one that is further off than ``FAR``.
    A metric of one's own may look at either.
    """
    decided = champion.decisions != challenger.decisions
    if metric in METRICS and metric in BY_DECISION:
        return np.asarray(decided, dtype=np.bool_)
    far = np.abs(champion.probabilities - challenger.probabilities).max(axis=1, initial=0.0) > FAR
    return np.asarray(decided | far, dtype=np.bool_)


def usable_labels(labeled: pl.DataFrame, rows: int, differ: int) -> UsableLabels:
    """Which labeled rows represent the population, and how many of its rows each represents.

    ``labeled`` has one line per labeled evaluation row: ``drawn`` says how its label came to be asked for (``chance``;
    ``here``, for this very pair of models; ``elsewhere``, for another pair; null, it arrived by itself), ``order`` its
    number, ``batch`` where it came from and ``differs`` whether the two models differ on it, null if the row is not
    in the population. The population has ``rows`` rows, on ``differ`` of which the models differ.

    What was asked for elsewhere may speak only where chance would have asked for it by now, else hard rows would
    count double: up to the highest number that chance has come to in its batch, and where the two models differ up to
    the highest that was drawn for them. Where every row on which they differ is labeled, all of these speak: nothing is
    left to chance. Without such labels beyond those of chance the rows are a plain random sample.
    """
    told = labeled.select(
        chance=(_reached("chance") >= pl.col("order")) | pl.col("drawn").is_null() | (pl.col("drawn") == "chance"),
        differ=pl.col("differs") & ((_reached("here") >= pl.col("order")) | pl.lit(labeled["differs"].sum() == differ)),
    ).fill_null(value=False)
    if not (told["differ"] & ~told["chance"]).any():
        return UsableLabels(told["chance"], None, int(told["chance"].sum()))
    speaks = (told["chance"] | told["differ"]) & labeled["differs"].is_not_null()
    of = labeled["differs"].filter(speaks).cast(pl.Int64).to_numpy()
    return UsableLabels(speaks, Strata(of, (rows - differ, differ)), int((speaks & told["chance"]).sum()))


def _reached(drawn: str) -> pl.Expr:
    """The highest number that was drawn so in a row's own batch; null where none was."""
    return pl.col("order").filter(pl.col("drawn") == drawn).max().over("batch")


def disagreement_budget(wanted: int, free: int, by_share: int) -> int:
    """How many labels that an open question wants fit into a query beside the evaluation set's own share.

    Never more than half of what is left: learning goes on while the gate asks.

    >>> disagreement_budget(wanted=100, free=60, by_share=15), disagreement_budget(wanted=4, free=60, by_share=15)
    (22, 4)
    """
    return max(0, min(wanted, (free - by_share) // 2))
