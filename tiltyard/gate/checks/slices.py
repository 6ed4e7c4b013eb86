"""Slices: does the challenger harm a part of the rows? An overall gain can hide a loss in a few.

In each slice both models are compared by the gate's metric. The gain's error comes from rows drawn again (the
bootstrap's standard interval with Student's t, Efron and Tibshirani 1993, ch. 13), of accuracy from the score interval
for matched pairs (Tango 1998). Many slices are compared, so one that looks bad at random is
expected: harm is claimed by Holm's step-down rule (Holm 1979), which keeps the chance of any false claim at one level.
Under ``not_worse`` every slice must pass for itself; the chance that a bad one slips through is then at most the level
of one, however many there are (intersection-union test, Berger 1982), so nothing is corrected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from tiltyard.evaluation.metrics import BY_DECISION, encode, greater_is_better, score_encoded
from tiltyard.evaluation.predictions import Predictions
from tiltyard.evaluation.proportions import PairedProportions, paired_proportions, rounded_interval
from tiltyard.gate.checks.slice_definitions import LABEL, Slice, find_slices, unlabeled_values
from tiltyard.gate.inputs import CheckContext, CheckResults, ModelUnderTest, harm_level
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Check, Interval, Outcome

DRAWS: Final = 400
CELLS: Final = 1_000_000
"""Numbers in all resamples: each row is in one slice of every column, and an area under a curve sorts each of them."""

DEFINED: Final = 0.95
"""The share of resamples in which the metric must be defined."""

NAMED: Final = 3
"""Slices that a sentence names at most."""

Floats = NDArray[np.float64]
Harm = Literal["pass", "fail", "undecided", "told"]


@dataclass(frozen=True, slots=True)
class Gain:
    """A gain with all that its interval needs: its standard error and degrees of freedom."""

    value: float
    error: float
    freedom: float

    def between(self, level: float) -> Interval:
        """The gain between bounds with one-sided error ``level`` at either end."""
        wide = float(student.isf(level, self.freedom)) * self.error
        return rounded_interval(self.value, self.value - wide, self.value + wide)

    def chance_of(self, limit: float) -> float:
        """How likely so bad a gain were (a p-value), if the true one were no worse than ``limit``."""
        if self.error <= 0:
            return float(self.value >= limit)
        return float(student.sf((limit - self.value) / self.error, self.freedom))


@dataclass(frozen=True, slots=True)
class Compared:
    """Both models in one slice; no champion or gain where there is none to compare with."""

    part: Slice
    metric: str
    challenger: float
    champion: float | None
    gain: Gain | PairedProportions | None


def slices(examined: CheckContext, project: Project) -> CheckResults:
    """Whether any slice with enough labels is harmed, by the rule of ``gate.slices``.

    ``told["slices"]``: every slice that was looked at; ``told["vanished"]``: values that were trained on and have no
    evaluation label.
    """
    weights = examined.resampled_weights(DRAWS, CELLS)
    looked_at = [_compared(part, examined, weights, project) for part in find_slices(examined, project)]
    judged = [one for one in looked_at if one.gain is not None and _is_judged(one.part, project)]
    outcomes = _outcomes(judged, examined.level, project)
    gone = [
        {"column": name, "value": value, "training_rows": rows}
        for name, value, rows in unlabeled_values(examined, project)
    ]
    level = harm_level(project.gate) / max(len(judged), 1)
    told = [_told(one, outcomes.get(one.part.named, "told"), level) for one in looked_at]
    checks = () if examined.champion is None else (_check(judged, outcomes, project, level, _unseen(gone)),)
    return CheckResults(checks, {"slices": told, "vanished": gone})


def _is_judged(part: Slice, project: Project) -> bool:
    """Whether a slice can fail; of two true labels one is always traded for the other, by the metric itself."""
    labels = project.gate.slices.labels
    return part.column != LABEL or (len(project.class_names) > 2 if labels is None else labels)


def metric_of(part: Slice, examined: CheckContext, project: Project) -> str:
    """What a slice is compared by: the gate's metric, accuracy for one's own metric and where a class is alone.

    A ranking needs both classes: where one has few labels, the Brier score measures the probabilities instead.
    """
    metric, counts = project.gate.metric, np.unique(examined.labels[part.mask], return_counts=True)[1]
    if metric in {"roc_auc", "average_precision"}:
        enough = len(counts) == 2 and counts.min() >= max(2, project.gate.slices.minimum // 2)
        return metric if enough else "brier"
    known = metric in {*BY_DECISION, "log_loss", "brier"}
    return metric if known and (len(counts) > 1 or metric not in BY_DECISION) else "accuracy"


def _compared(part: Slice, examined: CheckContext, weights: Floats, project: Project) -> Compared:
    """Both models in one slice, by the slice's metric; by accuracy where that is undefined."""
    metric = metric_of(part, examined, project)
    sides = [side for side in (examined.challenger, examined.champion) if side is not None]
    values = np.stack([_scores(metric, part, examined, side, weights) for side in sides])
    defined = np.isfinite(values.sum(axis=0))
    if not defined[0] or defined[1:].mean() < DEFINED:
        metric = "accuracy"
        values = np.stack([_scores(metric, part, examined, side, weights) for side in sides])
    new, old = float(values[0, 0]), float(values[1, 0]) if len(values) > 1 else None
    gain = None if examined.champion is None else _gain(metric, part, examined, values)
    return Compared(part, metric, new, old, gain)


def _scores(metric: str, part: Slice, examined: CheckContext, side: ModelUnderTest, weights: Floats) -> Floats:
    """One model's metric in a slice under each weighting of the rows."""
    rows = encode(examined.labels[part.mask], side.predictions.rows(part.mask))
    return score_encoded(metric, rows, weights[:, part.mask])


def _gain(metric: str, part: Slice, examined: CheckContext, values: Floats) -> Gain | PairedProportions:
    """How much better the challenger is in a slice, and how sure that is."""
    if metric == "accuracy":
        return _gain_of_accuracy(part, examined)
    gains = (values[0] - values[1]) * (1 if greater_is_better(metric) else -1)
    counts = np.unique(examined.labels[part.mask], return_counts=True)[1]
    carrying = counts.min() if metric in {"roc_auc", "average_precision", "f1"} else part.rows
    draws = gains[1:][np.isfinite(gains[1:])]
    return Gain(float(gains[0]), float(np.std(draws, ddof=1)), max(int(carrying) - 1, 1))


def _gain_of_accuracy(part: Slice, examined: CheckContext) -> PairedProportions:
    """The gain in right decisions."""
    assert examined.champion is not None
    new, old = (_right(part, examined, side.predictions) for side in (examined.challenger, examined.champion))
    return paired_proportions(new, old, examined.weights[part.mask])


def _right(part: Slice, examined: CheckContext, predictions: Predictions) -> NDArray[np.bool_]:
    """Which of a slice's rows are decided rightly."""
    return np.asarray(predictions.decisions[part.mask] == examined.labels[part.mask])


def _outcomes(judged: list[Compared], level: float, project: Project) -> dict[str, Harm]:
    """What each judged slice came to, by its name."""
    policy = project.gate.slices
    harmed = holm_rejections([one.gain for one in judged if one.gain], policy.margin, harm_level(project.gate))
    found: dict[str, Harm] = {}
    for one, is_harmed in zip(judged, harmed, strict=True):
        assert one.gain is not None
        shown = policy.rule == "no_harm" or one.gain.between(level).low > -policy.margin
        found[one.part.named] = "fail" if is_harmed else "pass" if shown else "undecided"
    return found


def holm_rejections(gains: Sequence[Gain | PairedProportions], margin: float, level: float) -> list[bool]:
    """Which slices are shown to be worse by more than the margin: Holm's rule, from the clearest on.

    >>> clear, unclear = Gain(-0.5, 0.05, 50), Gain(-0.1, 0.05, 50)
    >>> holm_rejections([unclear, clear, unclear], 0.05, 0.025)
    [False, True, False]
    """
    chances = np.array([gain.chance_of(-margin) for gain in gains])
    order = np.argsort(chances, kind="stable")
    below = chances[order] <= level / np.arange(len(gains), 0, -1)
    harmed = np.zeros(len(gains), dtype=np.bool_)
    harmed[order[: len(gains) if below.all() else int(np.argmin(below))]] = True
    return [bool(one) for one in harmed]


def _check(judged: list[Compared], outcomes: dict[str, Harm], project: Project, level: float, unseen: str) -> Check:
    """All slices as one question: the worst of them is its value."""
    limit = -project.gate.slices.margin
    if not judged:
        why = f"no slice has {project.gate.slices.minimum} evaluation labels yet{unseen}"
        return Check("slices", "pass", None, limit, why)
    outcome = _worst(list(outcomes.values()))
    telling = [one for one in judged if outcomes[one.part.named] == outcome]
    worst = min(telling, key=_gained)
    assert worst.gain is not None
    interval = worst.gain.between(level)
    why = _why(outcome, sorted(telling, key=_gained), len(judged), -limit) + unseen
    return Check("slices", outcome, interval.value, limit, why, interval.low, interval.high)


def _unseen(gone: list[dict[str, Any]]) -> str:
    """The values that no evaluation label has, in words."""
    named = ", ".join(f"{one['column']} {one['value']!r}" for one in gone[:NAMED])
    more = f" and {len(gone) - NAMED} more" if len(gone) > NAMED else ""
    return f"; no evaluation label has {named}{more}" if gone else ""


def _worst(outcomes: list[Harm]) -> Outcome:
    """What all slices together came to."""
    return "fail" if "fail" in outcomes else "undecided" if "undecided" in outcomes else "pass"


def _gained(one: Compared) -> float:
    """By how much the challenger is better in a slice."""
    return one.gain.value if one.gain else 0.0


def _why(outcome: str, telling: list[Compared], number: int, margin: float) -> str:
    """The outcome over all slices in words."""
    named = ", ".join(_phrase(one) for one in telling[:NAMED])
    more = f" and {len(telling) - NAMED} more" if len(telling) > NAMED else ""
    if outcome == "fail":
        return f"worse by more than {margin:g}: {named}{more}, of {number} slices"
    if outcome == "undecided":
        return f"not yet shown to be no worse than {margin:g}: {named}{more}, of {number} slices"
    return (
        f"none of {number} slices is shown to be worse by more than {margin:g}; the lowest gain: {_phrase(telling[0])}"
    )


def _phrase(one: Compared) -> str:
    """One slice's result in words."""
    return f"{one.part.named} ({one.metric} {one.challenger:.3g} after {one.champion or 0:.3g}, {one.part.rows} labels)"


def _told(one: Compared, outcome: Harm, level: float) -> dict[str, Any]:
    """One slice as JSON, for the evidence; the intervals of all slices hold jointly."""
    gain = one.gain.between(level) if one.gain else None
    return {
        "column": one.part.column,
        "value": one.part.value,
        "rows": one.part.rows,
        "metric": one.metric,
        "challenger": round(one.challenger, 6),
        "champion": None if one.champion is None else round(one.champion, 6),
        "gain": gain.value if gain else None,
        "low": gain.low if gain else None,
        "high": gain.high if gain else None,
        "outcome": outcome,
    }
