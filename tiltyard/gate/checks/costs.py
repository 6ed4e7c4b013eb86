"""What the decisions of either model cost, in the project's own money."""

from typing import Any

from tiltyard.evaluation.decision_costs import costs_of
from tiltyard.evaluation.weighted_shares import mean_of, told
from tiltyard.gate.findings import Findings
from tiltyard.gate.inputs import Examined, harm_level
from tiltyard.schemas.project import Project


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
