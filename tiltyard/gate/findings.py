"""What was found out about a challenger: checks that speak for or against it, and numbers that are only told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tiltyard.schemas.records import Check


@dataclass(frozen=True, slots=True)
class Findings:
    """Checks in the order in which they are read, and what stands in the verdict's evidence: plain JSON by name."""

    checks: tuple[Check, ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)


def together(findings: Iterable[Findings]) -> Findings:
    """All findings as one; no two may tell something under the same name.

    >>> together([Findings(told={"churn": 0.1}), Findings(told={"age": 3})]).told
    {'churn': 0.1, 'age': 3}
    """
    checks: list[Check] = []
    told: dict[str, Any] = {}
    for one in findings:
        checks += one.checks
        twice = told.keys() & one.told.keys()
        if twice:
            raise ValueError(f"told twice: {', '.join(sorted(twice))}")
        told |= one.told
    return Findings(tuple(checks), told)
