"""What the decisions of either model cost, in the project's own money."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.metrics import codes
from tiltyard.evaluation.predictions import Predictions
from tiltyard.evaluation.weighted_shares import mean_of, told
from tiltyard.gate.findings import Findings
from tiltyard.gate.inputs import Examined, harm_level
from tiltyard.schemas.project.project_file import Project

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
    names = tuple(project.class_names)
    true, decided = codes(labels, names), codes(predictions.decisions, names)
    return np.asarray(cost_table(project.costs, names)[true, decided], dtype=np.float64)


def cost_table(costs: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> Floats:
    """What each decision costs, by true class (rows) and class decided for; 0 where none is named; float64 (K, K)."""
    return np.array([[costs.get(true, {}).get(decided, 0.0) for decided in names] for true in names])
