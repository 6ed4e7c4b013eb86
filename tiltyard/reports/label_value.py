"""What labels were worth: how much better the model became from one training set to a larger one, in points.

The worth is the gain of a verdict, which compares challenger and champion on the same rows, so its interval is the
verdict's own. It is of the labels alone only where nothing but labels changed between the two; elsewhere it says what
else did.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tiltyard.evaluation.points import points_between
from tiltyard.schemas.records import Interval, Model, ModelId, Verdict, VerdictId
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
        return f"the last {self.labels:,} {noun}{also} bought {points_between(self.gain, self.metric)}"

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


def worth_of(
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
