"""The decision of the gate: every check with its evidence, then one decision and its reason.

Only rows drawn with known chances are judged on. A tie, an undefined metric or too few rows keep the champion and ask
for more evaluation labels. Without a champion the first model needs enough evaluation labels, its floors and clean
rows.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiltyard.evaluation.metrics import greater_is_better, scores
from tiltyard.evaluation.paired_comparison import Bootstrap, Comparison, compare, estimate
from tiltyard.evaluation.strata import weights_of
from tiltyard.gate.checks.suite import run_checks
from tiltyard.gate.inputs import CheckContext, CheckResults, Evidence, merge
from tiltyard.gate.sequential_design import CLOSE, SamplingPlace, labels_to_request, lower_limit, significance_level
from tiltyard.gate.triggers import Looks
from tiltyard.schemas.project import Gate, Project
from tiltyard.schemas.records import Check, Decision, Interval, Outcome


@dataclass(frozen=True, slots=True)
class Judgement:
    """The gate's decision with its checks and evidence.

    ``labels_wanted`` is how many more evaluation labels would help to decide, 0 for none; ``wanted_where`` is whether
    to draw them where the models disagree or at random.
    """

    decision: Decision
    checks: tuple[Check, ...]
    reason: str
    rows: int
    challenger: Interval | None
    champion: Interval | None
    gain: Interval | None
    labels_wanted: int
    wanted_where: SamplingPlace
    evidence: Mapping[str, Any]


def evaluate(
    context: CheckContext,
    project: Project,
    looks: Looks,
    notes: CheckResults | None = None,
    drawable: int | None = None,
) -> Judgement:
    """Evaluate a challenger: run every check of the gate on one set of rows, then decide under the project's policy.

    ``notes`` are recorded in the evidence and decide nothing. ``drawable`` counts the unlabeled rows of the population
    on which the models disagree; None where they were not counted.
    """
    evidence = Evidence(
        labels=context.labels,
        challenger=context.challenger.predictions,
        champion=context.champion.predictions if context.champion else None,
        overlap=context.overlap,
        look=looks.number,
        looks_at_challenger=looks.at_challenger,
        seed=context.seed,
        strata=context.strata,
        findings=merge([run_checks(context, project), notes or CheckResults()]),
        disagreement=project.evaluation.disagreement,
        drawable=drawable,
        units=context.units,
    )
    return decide(evidence, project.gate)


def decide(evidence: Evidence, policy: Gate) -> Judgement:
    """Promote the challenger if every check passes, else keep the champion.

    Checks come in this order: labels, classes, the floors, overlap, then metric (no champion) or gain, then looks,
    which is reported but never fails, then the further checks.
    """
    compared = _compared(evidence, policy)
    checks = (
        _labels(evidence, policy),
        _classes(evidence),
        *[_floor(metric, limit, evidence) for metric, limit in sorted(policy.floors.items())],
        _overlap(evidence),
        _metric(compared, policy) if evidence.champion is None else _gain(compared, evidence, policy),
        _looks(evidence, policy),
        *evidence.findings.checks,
    )
    decision: Decision = "promote" if all(check.outcome == "pass" for check in checks) else "keep"
    wanted, where = labels_to_request(evidence, policy, compared, checks)
    return Judgement(
        decision=decision,
        checks=checks,
        reason=_reason(checks, wanted, where),
        rows=len(evidence.labels),
        challenger=compared.challenger,
        champion=compared.champion,
        gain=compared.gain,
        labels_wanted=wanted,
        wanted_where=where,
        evidence=_evidence(evidence, policy, wanted, where) | {"counts": _counts(compared, policy)},
    )


def _evidence(evidence: Evidence, policy: Gate, wanted: int, where: SamplingPlace) -> dict[str, Any]:
    """The evidence of the verdict."""
    level = round(significance_level(evidence.look, policy), 12)
    own = {"look": evidence.look, "level": level, "labels_wanted": wanted, "wanted_where": where}
    return dict(merge([CheckResults(evidence=own), evidence.findings]).evidence)


def _counts(compared: Comparison, policy: Gate) -> bool:
    """Whether later looks must pay for this one; one that came close is free."""
    return compared.chance_beyond(lower_limit(policy)) > CLOSE


def _compared(evidence: Evidence, policy: Gate) -> Comparison:
    """The gate's metric of both models and the gain, with intervals."""
    level = significance_level(evidence.look, policy)
    bootstrap = Bootstrap(1 - 2 * level, policy.resamples, evidence.seed, evidence.units)
    if evidence.champion is None:
        alone = estimate(policy.metric, evidence.labels, evidence.challenger, bootstrap, evidence.strata)
        return Comparison(champion=None, challenger=alone, gain=None)
    sides = (evidence.champion, evidence.challenger)
    return compare(policy.metric, evidence.labels, *sides, bootstrap, evidence.strata)


def _labels(evidence: Evidence, policy: Gate) -> Check:
    """Whether there are enough evaluation labels."""
    rows, least = len(evidence.labels), policy.minimum_labels
    why = f"{rows} evaluation labels, at least {least} are needed"
    return Check("labels", "pass" if rows >= least else "undecided", rows, least, why)


def _classes(evidence: Evidence) -> Check:
    """Whether the labels hold at least two classes; the absent ones of more are named, for a rare class may be late."""
    names = evidence.challenger.class_names
    held = set(evidence.labels.tolist())
    absent = [name for name in names if name not in held]
    why = f"no evaluation label is {', '.join(map(repr, absent[:5]))}" if absent else "every class is there"
    if len(absent) > 5:
        why += f" or one of {len(absent) - 5} others"
    return Check("classes", "pass" if len(held) >= 2 else "undecided", len(held), 2, why)


def _floor(metric: str, limit: float, evidence: Evidence) -> Check:
    """Whether the challenger reaches a floor (for a loss: does not exceed it)."""
    stands_for = weights_of(evidence.strata) if evidence.strata else np.ones(len(evidence.labels))
    value = float(scores(metric, evidence.labels, evidence.challenger, stands_for[None, :])[0])
    word = "at least" if greater_is_better(metric) else "at most"
    if not math.isfinite(value):
        return Check(f"floor {metric}", "undecided", None, limit, f"{metric} is undefined on these rows")
    reached = value >= limit if greater_is_better(metric) else value <= limit
    why = f"{metric} is {value:.4g}, {word} {limit:.4g} is asked"
    return Check(f"floor {metric}", "pass" if reached else "fail", value, limit, why)


def _overlap(evidence: Evidence) -> Check:
    """Whether no evaluation row was trained on."""
    why = f"{evidence.overlap} of the {len(evidence.labels)} evaluation rows are in a training set"
    return Check("overlap", "fail" if evidence.overlap else "pass", evidence.overlap, 0, why)


def _metric(compared: Comparison, policy: Gate) -> Check:
    """Whether the gate's metric is defined for a first champion."""
    own = compared.challenger
    if own is None:
        return Check("metric", "undecided", None, None, f"{policy.metric} is undefined on these rows")
    why = f"first champion: {policy.metric} is {own.value:.4g}, between {own.low:.4g} and {own.high:.4g}"
    return Check("metric", "pass", own.value, None, why, own.low, own.high)


def _gain(compared: Comparison, evidence: Evidence, policy: Gate) -> Check:
    """Whether the challenger is better (or not worse) with the confidence that the policy asks for."""
    gain, old, new = compared.gain, compared.champion, compared.challenger
    limit, sure = lower_limit(policy), 100 * (1 - 2 * significance_level(evidence.look, policy))
    if gain is None or old is None or new is None:
        return Check("gain", "undecided", None, limit, f"{policy.metric} cannot be compared on these rows")
    why = (
        f"{policy.metric} is {new.value:.4g} against {old.value:.4g}: a gain of {gain.value:+.4g}, "
        f"between {gain.low:+.4g} and {gain.high:+.4g} with {sure:.4g}% confidence, {_asked(policy)}"
    )
    return Check("gain", _gain_outcome(gain, policy), gain.value, limit, why, gain.low, gain.high)


def _asked(policy: Gate) -> str:
    """The rule as a phrase."""
    if policy.rule == "superior":
        return f"more than {policy.minimum_gain:.4g} is asked of the lower bound"
    least, low = policy.minimum_gain, lower_limit(policy)
    return f"more than {low:.4g} is asked of the lower bound, more than {least:.4g} of the gain"


def _gain_outcome(gain: Interval, policy: Gate) -> Outcome:
    """Passed when the lower bound clears the limit; failed when even the upper bound is below the gain asked."""
    large_enough = policy.rule == "superior" or gain.value > policy.minimum_gain
    if gain.low > lower_limit(policy) and large_enough:
        return "pass"
    return "fail" if gain.high < policy.minimum_gain else "undecided"


def _looks(evidence: Evidence, policy: Gate) -> Check:
    """Which look this is since the champion moved: a later look needs stronger evidence."""
    level = significance_level(evidence.look, policy)
    why = f"look {evidence.look} that counts, judged at a one-sided error of {level:.2g}"
    if evidence.looks_at_challenger > 1:
        why += f"; look {evidence.looks_at_challenger} at this challenger"
    return Check("looks", "pass", evidence.look, None, why)


def _reason(checks: tuple[Check, ...], wanted: int, where: SamplingPlace) -> str:
    """The decision in sentences: the checks that did not pass, or the reasons for a promotion."""
    against = [check.why for check in checks if check.outcome != "pass"]
    told = against or [check.why for check in checks if check.name in {"metric", "gain", "labels"}]
    warnings = [f"but {check.why}" for check in checks if _warns(check)]
    return "; ".join([*told, *warnings, *_asking({check.outcome for check in checks}, wanted, where)])


def _warns(check: Check) -> bool:
    """Whether a check lets a model pass that gives fewer different answers than are wanted: that is said aloud."""
    return check.name == "constant" and check.outcome == "pass" and (check.value or 0) < (check.limit or 0)


def _asking(outcomes: set[Outcome], wanted: int, where: SamplingPlace) -> list[str]:
    """What is wanted of the annotators; where an open question has nothing to ask, what it waits for."""
    if wanted:
        place = ", drawn where the two models disagree" if where == "disagreement" else ""
        return [f"{wanted} more evaluation labels are wanted{place}"]
    if "undecided" in outcomes and "fail" not in outcomes:
        return ["every row on which the models disagree has its label, only more data can decide"]
    return []
