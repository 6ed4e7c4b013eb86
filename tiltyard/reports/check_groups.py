"""The gate's checks in the groups that a reader asks about, each with its question."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tiltyard.schemas.records import Check, Outcome

QUESTIONS: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("Is it better?", frozenset({"gain", "metric", "floor"})),
    ("Is the champion still better?", frozenset({"watch"})),
    ("Are there enough labels?", frozenset({"labels", "classes", "looks", "freshness"})),
    ("Was the comparison fair?", frozenset({"overlap", "same", "near", "entity"})),
    ("Does it harm any group?", frozenset({"constant", "dominance", "slices", "churn", "costs"})),
    ("Are its predictions reliable?", frozenset({"perturbation", "calibration"})),
    ("Is it small and fast enough?", frozenset({"size", "latency"})),
)
"""Each question with the first words of the names of its checks."""

GRAVITY: Final[tuple[Outcome, ...]] = ("pass", "undecided", "fail")

REST: Final = "Other checks"


@dataclass(frozen=True, slots=True)
class CheckGroup:
    """A question and the checks that answer it; ``against`` is how many of them did not pass."""

    question: str
    checks: tuple[Check, ...]

    @property
    def against(self) -> int:
        """How many checks did not pass."""
        return sum(check.outcome != "pass" for check in self.checks)

    @property
    def worst(self) -> Outcome:
        """The gravest outcome among them."""
        return max((check.outcome for check in self.checks), key=GRAVITY.index)


def group_checks(checks: Iterable[Check]) -> list[CheckGroup]:
    """The checks under their questions, in the gate's order within each; a name that is not known comes last.

    >>> one = Check("gain", "pass", 0.1, 0, "better")
    >>> [group.question for group in group_checks([Check("slices", "fail", -0.2, -0.05, "worse"), one])]
    ['Is it better?', 'Does it harm any group?']
    """
    asked = [(check, group_question(check.name)) for check in checks]
    names = [*(question for question, _ in QUESTIONS), REST]
    groups = [CheckGroup(name, tuple(check for check, question in asked if question == name)) for name in names]
    return [group for group in groups if group.checks]


def group_question(name: str) -> str:
    """The question that a check of this name answers.

    >>> group_question("floor macro_f1"), group_question("near duplicates"), group_question("tea")
    ('Is it better?', 'Was the comparison fair?', 'Other checks')
    """
    first = name.split()[0]
    return next((question for question, words in QUESTIONS if first in words), REST)
