"""What labels were worth: how much better the model became from one training set to a larger one, in points.

The worth is the gain of a verdict, which compares challenger and champion on the same rows, so its interval is the
verdict's own. It is of the labels alone only where nothing but labels changed between the two; elsewhere it says what
else did.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from tiltyard.evaluation.metrics import describe_gain_interval
from tiltyard.schemas.records import Annotation, Interval, Model, ModelId, Verdict, VerdictId
from tiltyard.training.versioning import ModelVersion

CHANGED: Final = {"major": "another contract", "minor": "another recipe"}


@dataclass(frozen=True, slots=True)
class Worth:
    """What the labels between two training sets bought: the gain of a verdict, more is better.

    ``beside`` is what else changed between the two models, nothing where it was labels only.
    """

    verdict_id: VerdictId
    before: int
    after: int
    metric: str
    gain: Interval
    beside: str = ""

    @property
    def labels(self) -> int:
        """How many more labels the challenger was trained on."""
        return self.after - self.before

    @property
    def sentence(self) -> str:
        """The worth as a sentence, for example "the last 50 labels bought +0.8 points of accuracy (between ...)"."""
        also = f" and {self.beside}" if self.beside else ""
        noun = "label" if self.labels == 1 else "labels"
        return f"the last {self.labels:,} {noun}{also} bought {describe_gain_interval(self.gain, self.metric)}"

    def as_row(self) -> dict[str, Any]:
        """The worth as a row of a table; ``per_hundred`` is the gain of a hundred labels at this rate."""
        return {
            "verdict": self.verdict_id[:8],
            "labels before": self.before,
            "labels": self.labels,
            "gain": round(self.gain.value, 6),
            "low": round(self.gain.low, 6),
            "high": round(self.gain.high, 6),
            "per_hundred": round(100 * self.gain.value / self.labels, 6),
            "beside": self.beside,
        }


def label_worth(
    verdicts: Iterable[Verdict],
    models: Iterable[Model],
    labels: Mapping[str, int],
    versions: Mapping[ModelId, ModelVersion],
) -> list[Worth]:
    """The worth of labels at each verdict that compared two models, the challenger's labels being more; in their order.

    ``labels`` gives the number of labels of each training set by its id, ``versions`` the versions by model. Of several
    verdicts on the same pair the last one counts.
    """
    trained_on = {model.model_id: labels[model.training_id] for model in models}
    found: dict[tuple[ModelId, ModelId], Worth] = {}
    for verdict in verdicts:
        champion = verdict.champion_id
        if verdict.gain is None or champion is None or verdict.decision == "roll_back":
            continue
        before, after = trained_on[champion], trained_on[verdict.challenger_id]
        if after > before:
            beside = _beside(champion, verdict.challenger_id, versions)
            found[champion, verdict.challenger_id] = Worth(
                verdict.verdict_id, before, after, verdict.metric, verdict.gain, beside
            )
    return list(found.values())


def _beside(champion: ModelId, challenger: ModelId, versions: Mapping[ModelId, ModelVersion]) -> str:
    """What else changed between two models: the largest step on the way from one to the other."""
    way = list(versions)
    between = way[way.index(champion) + 1 : way.index(challenger) + 1]
    steps = {versions[name].step for name in between}
    return next((word for step, word in CHANGED.items() if step in steps), "")


@dataclass(frozen=True, slots=True)
class LabelCost:
    """The labels of one class (of all: ``label`` is None): how many, the median of their seconds, and hours in all.

    ``timed`` of them came with the time it took; labels from imports and from data have none. The hours are the median
    times the timed labels: a pause at lunch is not work, and a label without a time carries no information about cost.
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
