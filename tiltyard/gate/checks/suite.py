"""Everything a challenger is examined for beside its metric: each family of checks is asked in turn.

The gate itself (:mod:`tiltyard.gate.decision`) asks whether the challenger is better. Here is asked what a better
number can hide: a part of the rows that it harms, probabilities that mislead, rows that it had seen before.
"""

from collections.abc import Callable
from typing import Final

from tiltyard.gate.checks.calibration import calibration
from tiltyard.gate.checks.churn import churn
from tiltyard.gate.checks.costs import decision_costs
from tiltyard.gate.checks.freshness import freshness
from tiltyard.gate.checks.leakage import leakage
from tiltyard.gate.checks.prediction_collapse import prediction_collapse
from tiltyard.gate.checks.resources import resources
from tiltyard.gate.checks.robustness import robustness
from tiltyard.gate.checks.slices import slices
from tiltyard.gate.inputs import CheckContext, CheckResults, merge
from tiltyard.schemas.project import Project

FAMILIES: Final[tuple[Callable[[CheckContext, Project], CheckResults], ...]] = (
    freshness,
    leakage,
    prediction_collapse,
    slices,
    robustness,
    calibration,
    churn,
    resources,
    decision_costs,
)
"""The families of checks, in the order in which a verdict shows them."""


def run_checks(examined: CheckContext, project: Project) -> CheckResults:
    """What the further checks found, in the order in which a verdict shows them; nothing where no row is labeled."""
    if not len(examined.labels):
        return CheckResults()
    return merge(family(examined, project) for family in FAMILIES)
