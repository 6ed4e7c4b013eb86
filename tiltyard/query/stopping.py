"""When to stop labeling: two methods and one sentence of advice. Requests continue; people decide.

Stabilizing predictions (Bloodgood and Vijay-Shanker 2009, CoNLL): Cohen's kappa between the decisions of successive
models on a fixed stop set that needs no labels; stable is a mean of the last 3 agreements of 0.99 or more. Agreement
bounds how much F1 can still change (Bloodgood and Grothendieck 2013); among thirteen criteria it was one of the
reliable ones (Pullar-Strecker et al. 2022). The stop set is a random part of the evaluation set, which no model
is ever trained on: on trained rows models agree too well.

Predicted gain: :func:`tiltyard.query.learning_curve.expected_gain`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.metrics import SHARES, describe_gain_interval
from tiltyard.query.learning_curve import FEWEST, Point, expected_gain
from tiltyard.schemas.project import Stopping
from tiltyard.schemas.records import Interval, Model, ModelId, Verdict

LOSSES: Final = frozenset({"log_loss", "brier"})
DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class Advice:
    """Whether more labels are unlikely to improve the model, in a few words, and the result of each method.

    ``agreement`` is the mean kappa of the last successive models, None while they are too few; ``expected`` is what as
    many labels again would add, None while too few models were judged.
    """

    enough: bool
    headline: str
    methods: tuple[str, str]
    agreement: float | None
    expected: Interval | None

    @property
    def sentence(self) -> str:
        """The advice as one sentence without a full stop."""
        return f"{self.headline}: {'; '.join(self.methods)}"

    @property
    def early(self) -> bool:
        """Whether there is nothing yet to say anything by."""
        return self.agreement is None and self.expected is None


def decision_kappa(before: NDArray[np.str_], after: NDArray[np.str_]) -> float:
    """Cohen's kappa (1960) between two models' decisions for the same n rows; 1 where they are all the same.

    >>> decision_kappa(np.array(["a", "a", "b", "b"]), np.array(["a", "a", "b", "a"]))
    0.5
    """
    names, codes = np.unique(np.concatenate([before, after]), return_inverse=True)
    one, other = codes[: len(before)], codes[len(before) :]
    if np.array_equal(one, other):
        return 1.0
    shares = [np.bincount(side, minlength=len(names)) / len(one) for side in (one, other)]
    by_chance = float(shares[0] @ shares[1])
    return round((float(np.mean(one == other)) - by_chance) / (1 - by_chance), DECIMALS)


def successive_agreements(verdicts: Iterable[Verdict]) -> list[float]:
    """The agreement of each judged model with the one trained before it, first to last, since the last unknown one.

    It is unknown for the first model, and where a model takes other columns than the one before: earlier agreements
    do not describe later models.
    """
    told = {verdict.challenger_id: verdict for verdict in verdicts if verdict.decision != "roll_back"}
    found: list[float] = []
    for verdict in told.values():
        known = (verdict.evidence or {}).get("stability")
        found = [*found, float(known["kappa"])] if known else []
    return found


def learning_points(verdicts: Sequence[Verdict], models: Iterable[Model], labels: Mapping[str, int]) -> list[Point]:
    """One point for each model judged by today's metric, its last verdict; ``labels`` by training set."""
    trained_on = {model.model_id: labels[model.training_id] for model in models}
    alike = [one for one in verdicts if one.metric == verdicts[-1].metric and one.decision != "roll_back"]
    sign = _sign(alike)
    points: dict[ModelId, Point] = {}
    for verdict in alike:
        if verdict.challenger is not None:
            score, error = sign * verdict.challenger.value, _error(verdict.challenger, verdict)
            points[verdict.challenger_id] = Point(trained_on[verdict.challenger_id], score, error)
    return list(points.values())


def stopping_advice(
    kappas: Sequence[float], curve: Sequence[Point], metric: str, policy: Stopping, seed: int
) -> Advice:
    """Advice for people who label: whether more labels are unlikely to improve the model, and by which method.

    They do not when the curve is surely flat (even the upper bound of the expected gain is below ``policy.gain``), or
    when successive models are stable and the curve does not say that labels pay.
    """
    last = kappas[-policy.models :]
    agreement = float(np.mean(last)) if len(last) == policy.models else None
    expected = expected_gain(curve, seed)
    stable = agreement is not None and agreement >= policy.kappa
    flat = expected is not None and expected.high < policy.gain
    enough = flat or (stable and (expected is None or expected.value < policy.gain))
    methods = _of_agreement(agreement, len(last), policy), _of_gain(expected, curve, metric)
    return Advice(enough, _headline(enough, agreement, expected), methods, agreement, expected)


def _sign(verdicts: Sequence[Verdict]) -> int:
    """1 where more of the metric is better, else -1; a metric of one's own is known by what counted as a gain.

    The rules of metrics know it too, but their import takes seconds, and a page shows this advice.
    """
    if any(verdict.metric in LOSSES for verdict in verdicts):
        return -1
    pairs = [(one.gain, one.challenger, one.champion) for one in verdicts]
    rises = [gain.value * (new.value - old.value) for gain, new, old in pairs if gain and new and old]
    return -1 if sum(rises) < 0 else 1


def _error(interval: Interval, verdict: Verdict) -> float:
    """The standard error that an interval stands for; its one-sided level is in the evidence, else in the policy.

    A share's error is at least that of Agresti and Coull (1998) for the same number of rows: on few rows a model may be
    right on all, and the interval is then nothing wide.
    """
    level = (verdict.evidence or {}).get("level") or (1 - float(verdict.policy.get("confidence", 0.95))) / 2
    error = (interval.high - interval.low) / 2 / NormalDist().inv_cdf(1 - level)
    if verdict.metric not in SHARES:
        return error
    rows = verdict.rows + 4
    share = (interval.value * verdict.rows + 2) / rows
    return max(error, math.sqrt(share * (1 - share) / rows))


def _headline(enough: bool, agreement: float | None, expected: Interval | None) -> str:
    """The advice in a few words."""
    if enough:
        return "more labels are unlikely to improve the model"
    return "too early to say" if agreement is None and expected is None else "labels still pay"


def _of_agreement(agreement: float | None, known: int, policy: Stopping) -> str:
    """What stabilizing predictions says."""
    if agreement is None:
        return f"stabilizing predictions needs {policy.models} agreements of successive models, there are {known}"
    word = "stable" if agreement >= policy.kappa else "not stable yet"
    return (
        f"stabilizing predictions: successive models are {word} "
        f"(kappa {agreement:.3f}, mean of {policy.models}, {policy.kappa:g} is stable)"
    )


def _of_gain(expected: Interval | None, curve: Sequence[Point], metric: str) -> str:
    """What the learning curve says."""
    sizes = {point.labels for point in curve}
    if expected is None:
        return f"predicted gain needs {FEWEST} judged models of different sizes, there are {len(sizes)}"
    return f"predicted gain: {max(sizes):,} labels more would add {describe_gain_interval(expected, metric)}"


def stability_evidence(kappa: float, rows: int, previous: ModelId) -> dict[str, Any]:
    """A verdict's evidence of a challenger's agreement with the model trained before it."""
    return {"kappa": kappa, "rows": rows, "previous": previous}
