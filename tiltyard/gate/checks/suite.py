"""Everything a challenger is examined for beside its metric: each family of checks is asked in turn.

The gate itself (:mod:`tiltyard.gate.decision`) asks whether the challenger is better. Here is asked what a better
number can hide: a part of the rows that it harms, probabilities that mislead, rows that it had seen before.
"""

from collections.abc import Callable
from typing import Final

from tiltyard.gate.checks.calibration import calibration
from tiltyard.gate.checks.churn import churn
from tiltyard.gate.checks.costs import decision_costs
from tiltyard.gate.checks.flips import flips
from tiltyard.gate.checks.freshness import freshness
from tiltyard.gate.checks.leakage import leaks
from tiltyard.gate.checks.prediction_collapse import dominance
from tiltyard.gate.checks.resources import resources
from tiltyard.gate.checks.slices import slices
from tiltyard.gate.findings import Findings, together
from tiltyard.gate.inputs import Examined as Examined
from tiltyard.gate.inputs import Side as Side
from tiltyard.schemas.project import Project

FAMILIES: Final[tuple[Callable[[Examined, Project], Findings], ...]] = (
    freshness,
    leaks,
    dominance,
    slices,
    flips,
    calibration,
    churn,
    resources,
    decision_costs,
)
"""The families of checks, in the order in which a verdict shows them."""


def examine(examined: Examined, project: Project) -> Findings:
    """What the further checks found, in the order in which a verdict shows them; nothing where no row is labeled."""
    if not len(examined.labels):
        return Findings()
    return together(family(examined, project) for family in FAMILIES)
