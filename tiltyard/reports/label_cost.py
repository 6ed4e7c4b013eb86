"""What labels cost: the time that annotators took, the median and the sum, for all and by class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tiltyard.schemas.records import Annotation


@dataclass(frozen=True, slots=True)
class LabelCost:
    """The labels of one class (of all: ``label`` is None): how many, the median of their seconds, and hours in all.

    ``timed`` of them came with the time it took; labels from imports and from data have none. The hours are the median
    times the timed labels: a pause at lunch is not work, and a label without a time says nothing about its cost.
    """

    label: str | None
    labels: int
    timed: int
    seconds: float | None

    @property
    def hours(self) -> float | None:
        """The median times the number of timed labels, in hours."""
        return None if self.seconds is None else self.seconds * self.timed / 3600

    @property
    def time(self) -> str:
        """The hours as text in a unit that fits, empty where no label was timed."""
        return "" if self.hours is None else duration(self.hours * 3600)

    @property
    def sentence(self) -> str:
        """What the labels cost and how many of them that is known of.

        >>> LabelCost(None, 3299, 3, 4.0).sentence
        '3 of 3,299 labels were timed: 4.0 seconds each (median), 12 seconds of work. The others have no recorded time.'
        """
        if self.seconds is None:
            return f"None of {self.labels:,} labels was timed, so their cost is not known."
        cost = f"{self.seconds:.1f} seconds each (median), {self.time} of work."
        if self.timed == self.labels:
            return f"{self.labels:,} labels: {cost}"
        return f"{self.timed:,} of {self.labels:,} labels were timed: {cost} The others have no recorded time."


def duration(seconds: float) -> str:
    """A length of time in seconds, minutes or hours, so that it never rounds to nothing.

    >>> [duration(seconds) for seconds in (0.2, 12, 119, 120, 7000, 7300)]
    ['under 1 second', '12 seconds', '119 seconds', '2 minutes', '117 minutes', '2.0 hours']
    """
    if seconds < 1:
        return "under 1 second"
    if seconds < 120:
        return f"{seconds:.0f} seconds" if round(seconds) != 1 else "1 second"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:,.1f} hours"


def label_costs(annotations: Iterable[Annotation], class_names: Sequence[str]) -> list[LabelCost]:
    """The cost of all labels first, then of each class, the dearest class first; no class without a label."""
    given = [one for one in annotations if one.act in {"label", "adjudicate"} and one.label is not None]
    of_class = [_cost(name, [one for one in given if one.label == name]) for name in class_names]
    known = sorted((one for one in of_class if one.labels), key=lambda one: -(one.seconds or 0) * one.labels)
    return [_cost(None, given), *known]


def _cost(label: str | None, given: Sequence[Annotation]) -> LabelCost:
    """The cost of some labels."""
    times = [one.lead_ms / 1000 for one in given if one.lead_ms is not None]
    return LabelCost(label, len(given), len(times), median(times) if times else None)
