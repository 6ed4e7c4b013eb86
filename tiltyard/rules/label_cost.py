"""What labels cost: the time that annotators took, in the middle and altogether, for all and by class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from schemas.records import Annotation


@dataclass(frozen=True, slots=True)
class LabelCost:
    """The labels of one class (of all: ``label`` is None): how many, the median of their seconds, and hours in all.

    ``timed`` of them came with the time it took. The hours are median times labels: a pause at lunch is not work.
    """

    label: str | None
    labels: int
    timed: int
    seconds: float | None

    @property
    def hours(self) -> float | None:
        """The median times the number of labels, in hours."""
        return None if self.seconds is None else self.seconds * self.labels / 3600


def label_costs(annotations: Iterable[Annotation], class_names: Sequence[str]) -> list[LabelCost]:
    """The cost of all labels first, then of each class, the dearest class first; no class without a label."""
    given = [one for one in annotations if one.act in {"label", "adjudicate"} and one.label is not None]
    of_class = [_cost(name, [one for one in given if one.label == name]) for name in class_names]
    known = sorted((one for one in of_class if one.labels), key=lambda one: -(one.hours or 0))
    return [_cost(None, given), *known]


def _cost(label: str | None, given: Sequence[Annotation]) -> LabelCost:
    """The cost of some labels."""
    times = [one.lead_ms / 1000 for one in given if one.lead_ms is not None]
    return LabelCost(label, len(given), len(times), median(times) if times else None)
