"""What the checks beside the metric look at: labeled evaluation rows and what both models say about them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tiltyard.evaluation.predictions import Predictions
from tiltyard.evaluation.resampled_rows import CELLS, resampled
from tiltyard.evaluation.strata import Strata
from tiltyard.schemas.project import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two models: what it says about the evaluation rows, and what it was trained on.

    ``model`` is the fitted object, ``training`` its labeled set (sample_id, label, own columns), ``size`` the bytes of
    the stored artefact, known where the project file limits them.
    """

    model_id: str
    model: Any
    predictions: Predictions
    training: pl.DataFrame
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What the checks look at: n labeled evaluation rows and both models' answers for them, row by row.

    ``rows`` has sample_id, label and the project's own columns; ``labels`` (n,) are its labels; ``weights`` (n,) say
    how many rows of the population each stands for, all 1 where they are a plain random sample. ``level`` is the
    one-sided error that this look may make; ``now`` is when it happens, ``labeled_at`` when the newest of the labels
    was given. ``population`` has the champion's and the challenger's answers for the rows of the population, labeled or
    not; none where they were not asked. ``stopwatch`` gives seconds that only grow; it is read where the policy
    limits the time of a prediction. ``units`` (n,) says whose each row is, where rows of one entity are drawn together.
    """

    rows: pl.DataFrame
    labels: NDArray[np.str_]
    weights: NDArray[np.float64]
    challenger: Side
    champion: Side | None
    seed: int
    now: datetime
    level: float = 0.025
    strata: Strata | None = None
    labeled_at: datetime | None = None
    population: tuple[Predictions, Predictions] | None = None
    stopwatch: Callable[[], float] | None = None
    units: NDArray[np.str_] | None = None


def resampled_weights(examined: Examined, draws: int, cells: int = CELLS) -> NDArray[np.float64]:
    """The examined rows' weights, then their weights under each resample; float64 (1 + draws, n)."""
    return resampled(examined.weights, examined.strata, examined.units, examined.seed, draws, cells)


def harm_level(policy: Gate) -> float:
    """The one-sided error of a check that blocks: harm is shown with the confidence of a first look, at every look.

    The levels of further looks are paid for by promotions alone: a look that must convince more to promote would
    otherwise also need more to see harm.

    >>> round(harm_level(Gate(confidence=0.9)), 6)
    0.05
    """
    return (1 - policy.confidence) / 2
