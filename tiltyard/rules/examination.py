"""Everything a challenger is examined for beside its metric: each family of checks is asked in turn.

The gate itself (:mod:`tiltyard.rules.judging`) asks whether the challenger is better. Here is asked what a better
number can hide: a part of the rows that it harms, probabilities that mislead, rows that it had seen before.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.project import Project
from tiltyard.rules.findings import Findings, together
from tiltyard.rules.predictions import Predictions

if TYPE_CHECKING:
    from tiltyard.rules.strata import Strata


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two models: what it says about the evaluation rows, and what it was trained on.

    ``model`` is the fitted object, ``training`` its labeled set (sample_id, label, own columns), ``size`` the bytes of
    the stored artefact.
    """

    model_id: str
    model: Any
    predictions: Predictions
    training: pl.DataFrame
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What the checks look at: n labeled evaluation rows and both models' answers for them, row by row.

    ``rows`` has sample_id, label and the project's own columns; ``labels`` (n,) are its labels; ``weights`` (n,) say
    how many rows of the population each stands for, all 1 where they are a plain random sample. ``level`` is the
    one-sided error that this look may make; ``now`` is when it happens.
    """

    rows: pl.DataFrame
    labels: NDArray[np.str_]
    weights: NDArray[np.float64]
    challenger: Side
    champion: Side | None
    seed: int
    now: datetime
    level: float = 0.025
    strata: "Strata | None" = None


def examine(examined: Examined, project: Project) -> Findings:
    """What the further checks found, in the order in which a verdict shows them."""
    return together([])
