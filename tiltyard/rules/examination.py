"""Everything a challenger is examined for beside its metric: each family of checks is asked in turn.

The gate itself (:mod:`tiltyard.rules.judging`) asks whether the challenger is better. Here is asked what a better
number can hide: a part of the rows that it harms, probabilities that mislead, rows that it had seen before.
"""

from collections.abc import Callable
from typing import Final

from schemas.project import Project
from tiltyard.rules.calibration_error import calibration
from tiltyard.rules.churn import churn
from tiltyard.rules.decision_costs import decision_costs
from tiltyard.rules.dominance import dominance
from tiltyard.rules.examined import Examined as Examined
from tiltyard.rules.examined import Side as Side
from tiltyard.rules.findings import Findings, together
from tiltyard.rules.flips import flips
from tiltyard.rules.freshness import freshness
from tiltyard.rules.leaks import leaks
from tiltyard.rules.resources import resources
from tiltyard.rules.slices import slices

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
