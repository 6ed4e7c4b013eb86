"""The cost of both models' decisions, in the project's own currency."""

from typing import Any

from tiltyard.evaluation.metrics import row_costs
from tiltyard.evaluation.proportions import interval_to_json, weighted_mean
from tiltyard.gate.inputs import CheckContext, CheckResults, harm_level
from tiltyard.schemas.project import Project


def decision_costs(examined: CheckContext, project: Project) -> CheckResults:
    """The mean cost of a decision of both models and what the challenger saves, if the project has costs."""
    if not project.costs:
        return CheckResults()
    level = harm_level(project.gate)
    new = row_costs(examined.labels, examined.challenger.predictions, project)
    costs: dict[str, Any] = {
        "challenger": interval_to_json(weighted_mean(new, examined.weights, level)),
        "champion": None,
        "saved": None,
    }
    if examined.champion is not None:
        old = row_costs(examined.labels, examined.champion.predictions, project)
        costs["champion"] = interval_to_json(weighted_mean(old, examined.weights, level))
        costs["saved"] = interval_to_json(weighted_mean(old - new, examined.weights, level))
    return CheckResults(evidence={"costs": costs})
