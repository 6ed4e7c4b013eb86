"""What a page may tell beside the ledger: checks that somebody made, and a curve that needs the answer key."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A number of training labels and the gate's metric there: the mean, lowest and highest of several draws."""

    labels: int
    score: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curves:
    """Score by number of labels: of the models that were trained, and of the same recipes on labels by chance.

    Both are scored on the same ``rows``: every sample of the evaluation set, with the answers of the key.
    """

    chosen: tuple[Point, ...]
    random: tuple[Point, ...]
    rows: int
    draws: int


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
    curves: Curves | None = None
