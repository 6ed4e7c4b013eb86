"""What the decisions of either model cost, in the project's own money."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.project import Project
from tiltyard.rules.examined import Examined, harm_level
from tiltyard.rules.findings import Findings
from tiltyard.rules.metrics import codes
from tiltyard.rules.predictions import Predictions
from tiltyard.rules.weighted_shares import mean_of, told

Floats = NDArray[np.float64]


def decision_costs(examined: Examined, project: Project) -> Findings:
    """The mean cost of a decision of both models and what the challenger saves, told where the project has costs."""
    if not project.costs:
        return Findings()
    level = harm_level(project.gate)
    new = costs_of(examined.labels, examined.challenger.predictions, project)
    costs: dict[str, Any] = {"challenger": told(mean_of(new, examined.weights, level)), "champion": None, "saved": None}
    if examined.champion is not None:
        old = costs_of(examined.labels, examined.champion.predictions, project)
        costs["champion"] = told(mean_of(old, examined.weights, level))
        costs["saved"] = told(mean_of(old - new, examined.weights, level))
    return Findings(told={"costs": costs})


def costs_of(labels: NDArray[np.str_], predictions: Predictions, project: Project) -> Floats:
    """What each row's decision costs; 0 where it is right, or where the project file names no cost; float64 (n,)."""
    names = project.class_names
    table = np.array([[project.costs.get(true, {}).get(decided, 0.0) for decided in names] for true in names])
    true, decided = codes(labels, tuple(names)), codes(predictions.decisions, tuple(names))
    return np.asarray(table[true, decided], dtype=np.float64)
