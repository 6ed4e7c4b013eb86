"""The cost of decisions, in the project's own money."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.metrics import codes
from tiltyard.evaluation.predictions import Predictions
from tiltyard.schemas.project import Project

Floats = NDArray[np.float64]


def costs_of(labels: NDArray[np.str_], predictions: Predictions, project: Project) -> Floats:
    """What each row's decision costs; 0 where it is right, or where the project file names no cost; float64 (n,)."""
    names = tuple(project.class_names)
    true, decided = codes(labels, names), codes(predictions.decisions, names)
    return np.asarray(cost_table(project.costs, names)[true, decided], dtype=np.float64)


def cost_table(costs: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> Floats:
    """What each decision costs, by true class (rows) and class decided for; 0 where none is named; float64 (K, K)."""
    return np.array([[costs.get(true, {}).get(decided, 0.0) for decided in names] for true in names])
