"""Prediction collapse: a model that predicts the same for every row, or one label far too often.

A constant prediction scores well if one class is frequent, but it is useless. A model can also be fine overall and
collapse in one slice. Where the features do not separate rows, the most frequent label is the best prediction for all
of them and exceeds its share: this is harmful only if the champion is right more often there.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.predictions import DECIMALS
from tiltyard.evaluation.proportions import paired_difference
from tiltyard.gate.checks.slice_definitions import LABEL, Slice, find_slices
from tiltyard.gate.inputs import CheckContext, CheckResults, harm_level
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Check, Interval, Outcome

ENOUGH: Final = 3
"""With this many labels of other classes, a single decision for all rows is not a coincidence."""

BY_PROBABILITY: Final = frozenset({"roc_auc", "average_precision", "log_loss", "brier"})
"""Metrics that do not look at decisions: under them the cut may lie so that one class is never decided for."""

REMEDY: Final = "name 'costs' and set tuning.threshold to costs, or judge by a metric of decisions"
"""What helps a model whose cut lies so that one class is never decided for."""

TOLD: Final = 20
"""The maximum number of labels in the evidence, the largest excess first."""

EVERYWHERE: Final = "all rows"

Found = tuple[Slice, str, Interval]


def prediction_collapse(examined: CheckContext, project: Project) -> CheckResults:
    """Whether the challenger gives one answer for everything, and which label it gives most above its share.

    ``told["dominance"]``: by label its share of the labels and of both models' decisions.
    """
    found = list(_excesses(examined, project))
    checks = [_constant(examined, project)]
    if project.gate.dominance is not None and found:
        checks.append(_dominance(found, examined, project.gate.dominance))
    return CheckResults(tuple(checks), {"dominance": _told(examined, project)})


def _constant(examined: CheckContext, project: Project) -> Check:
    """Whether there is more than one answer: constant probabilities never pass, one decision only while labels are few.

    The value is the number of different decisions, the limit how many are wanted. Under a metric of probabilities one
    decision passes below the limit: with a warning, for the cut may lie so.
    """
    said = examined.challenger.predictions
    decided = np.unique(said.decisions)
    if len(examined.labels) > 1 and not np.ptp(np.round(said.probabilities, DECIMALS), axis=0).any():
        return Check("constant", "fail", len(decided), 2, "the challenger says exactly the same of every row")
    if len(decided) > 1:
        return Check("constant", "pass", len(decided), 2, "the challenger's decisions differ from row to row")
    others = int((examined.labels != decided[0]).sum())
    every = f"the challenger decides for {str(decided[0])!r} in all {len(examined.labels)} rows"
    why = f"{every}, and {others} labels are of other classes"
    if others and project.gate.metric in BY_PROBABILITY:
        why += f"; {project.gate.metric} looks at probabilities only. If decisions are used, {REMEDY}"
        return Check("constant", "pass", 1, 2, why)
    outcome: Outcome = "pass" if not others else "undecided" if others < ENOUGH else "fail"
    return Check("constant", outcome, 1, 2 if others else 1, why)


def _excesses(examined: CheckContext, project: Project) -> Iterator[Found]:
    """How far each label's share of the decisions exceeds its share of the labels, on all rows and in each slice.

    The intervals hold jointly (Bonferroni), so the largest of many is not a coincidence.
    """
    whole = Slice(EVERYWHERE, "", np.ones(len(examined.labels), dtype=np.bool_))
    parts = [whole, *(part for part in find_slices(examined, project) if part.column != LABEL)]
    level = harm_level(project.gate) / (len(parts) * len(project.class_names))
    for part in parts:
        for name in np.unique(examined.challenger.predictions.decisions[part.mask]):
            yield part, str(name), _excess(examined, part.mask, str(name), level)


def _excess(examined: CheckContext, mask: NDArray[np.bool_], name: str, level: float) -> Interval:
    """One label's share of the decisions above its share of the labels, in some rows."""
    decided = examined.challenger.predictions.decisions[mask] == name
    return paired_difference(decided, examined.labels[mask] == name, examined.weights[mask], level)


def _dominance(found: list[Found], examined: CheckContext, limit: float) -> Check:
    """Whether some label is shown to be given too often, and wrongly: the one with the highest lower bound."""
    harmful = [one for one in found if one[2].low > limit and _is_harm(examined, one[0].mask, one[1])]
    part, name, excess = max(harmful or found, key=lambda one: (one[2].low, one[2].value))
    where = "" if part.column == EVERYWHERE else f" where {part.named}"
    more = f"{name!r} has {abs(excess.value):.1%} {'more' if excess.value >= 0 else 'less'} of the decisions"
    if harmful:
        shown = f"which is shown to be more than {limit:.0%} more, and wrong"
    elif excess.low > limit:
        shown = "and no other answer is right more often there"
    else:
        shown = f"not shown to be more than {limit:.0%} more"
    why = f"{more} than of the labels{where}, {shown}"
    return Check("dominance", "fail" if harmful else "pass", excess.value, limit, why, excess.low, excess.high)


def _is_harm(examined: CheckContext, mask: NDArray[np.bool_], name: str) -> bool:
    """Whether a label that is given too often is the wrong answer: another is commoner, or the champion is righter."""
    labels, decided = examined.labels[mask], examined.challenger.predictions.decisions[mask]
    names, place = np.unique(labels[decided == name], return_inverse=True)
    counts = np.bincount(place, weights=examined.weights[mask][decided == name])
    if name not in names[counts >= counts.max()]:
        return True
    if examined.champion is None:
        return False
    old = examined.champion.predictions.decisions[mask]
    return float(((old == labels) * 1.0 - (decided == labels)) @ examined.weights[mask]) > 0


def _told(examined: CheckContext, project: Project) -> list[dict[str, Any]]:
    """Each label's share of the labels and of the decisions, those first that the challenger gives most too often."""
    names = list(project.class_names)
    rows = [{"label": name, **_shares(examined, name)} for name in names]
    return sorted(rows, key=lambda row: (row["labels"] - row["challenger"], row["label"]))[:TOLD]


def _shares(examined: CheckContext, name: str) -> dict[str, Any]:
    """One label's share of the labels and of each model's decisions."""
    champion = examined.champion.predictions.decisions if examined.champion else None
    said = {"labels": examined.labels, "challenger": examined.challenger.predictions.decisions, "champion": champion}
    total = examined.weights.sum()
    return {
        who: None if answers is None else round(float(examined.weights[answers == name].sum() / total), 6)
        for who, answers in said.items()
    }
