"""Everything a challenger is examined for beside its metric: each family of checks is asked in turn.

The gate itself (:mod:`tiltyard.rules.judging`) asks whether the challenger is better. Here is asked what a better
number can hide: a part of the rows that it harms, probabilities that mislead, rows that it had seen before.
"""

from collections.abc import Callable
from typing import Final

from schemas.project import Project
from tiltyard.rules.examined import Examined as Examined
from tiltyard.rules.examined import Side as Side
from tiltyard.rules.findings import Findings, together

FAMILIES: Final[tuple[Callable[[Examined, Project], Findings], ...]] = ()
"""The families of checks, in the order in which a verdict shows them."""


def examine(examined: Examined, project: Project) -> Findings:
    """What the further checks found, in the order in which a verdict shows them; nothing where no row is labeled."""
    if not len(examined.labels):
        return Findings()
    return together(family(examined, project) for family in FAMILIES)
