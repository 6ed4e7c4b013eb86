"""What a report may tell beside the ledger: checks that somebody made, and a curve that needs the answer key."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from examples.random_choice import Curves


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was asked, whether it holds, and the numbers behind the answer."""

    title: str
    holds: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Findings and curves; both may be missing."""

    findings: tuple[Finding, ...] = ()
    curves: "Curves | None" = None
