"""How many decisions flip when the inputs change a little: a model that does that decides by accident."""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tiltyard.evaluation.predictions import predictions_of
from tiltyard.evaluation.weighted_shares import excess_of, share_of, told
from tiltyard.gate.checks.robustness import perturbed
from tiltyard.gate.findings import Findings
from tiltyard.gate.inputs import Examined, Side, harm_level
from tiltyard.samples.features import feature_frame
from tiltyard.samples.hashing import random_keys, row_keys
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Check, Interval, Outcome

MOST: Final = 2000
"""Rows that are changed and predicted again, those of the lowest chance."""


def flips(examined: Examined, project: Project) -> Findings:
    """The share of decisions that flip under small changes of the inputs, the champion's own beside it.

    Nothing where the project file asks for no changes.
    """
    how, level = project.gate.perturbation, harm_level(project.gate)
    if not (how.noise or how.typos or how.missing):
        return Findings()
    chosen = _chosen(examined)
    changed = feature_frame(perturbed(examined.rows[chosen], project, examined.seed), project)
    weights, new = examined.weights[chosen], _flipped(examined.challenger, changed, chosen, project)
    share = share_of(new, weights, level)
    checks = [] if how.most_flips is None else [_flips_check(share, how.most_flips)]
    found: dict[str, Any] = {"rows": len(chosen), "challenger": _told(share), "champion": None, "more": None}
    if examined.champion is not None:
        old = _flipped(examined.champion, changed, chosen, project)
        own, more = share_of(old, weights, level), excess_of(new, old, weights, level)
        found |= {"champion": _told(own), "more": told(more)}
        checks += [] if how.most_more_flips is None else [_more_check(more, share, own, how.most_more_flips)]
    return Findings(tuple(checks), {"perturbation": found})


def _chosen(examined: Examined) -> NDArray[np.intp]:
    """The rows that are changed: all, or those whose number by chance is lowest."""
    order = np.argsort(random_keys(row_keys(examined.rows), examined.seed), kind="stable")
    return np.sort(order[:MOST])


def _flipped(side: Side, changed: pd.DataFrame, chosen: NDArray[np.intp], project: Project) -> NDArray[np.bool_]:
    """Whether each chosen row's decision flips when its inputs change a little, to those of the frame ``changed``."""
    after = predictions_of(side.model, changed, project).decisions
    return np.asarray(after != side.predictions.decisions[chosen])


def _flips_check(share: Interval, limit: float) -> Check:
    """Whether more decisions are shown to flip than the project file allows."""
    outcome: Outcome = "fail" if share.low > limit else "pass"
    why = f"{share.value:.1%} of the decisions flip when the inputs change a little, {limit:.0%} are allowed"
    return Check("perturbation", outcome, share.value, limit, why, share.low, share.high)


def _more_check(more: Interval, share: Interval, own: Interval, limit: float) -> Check:
    """Whether the challenger is shown to flip more than the champion by more than the project file allows."""
    outcome: Outcome = "fail" if more.low > limit else "pass"
    why = (
        f"{share.value:.1%} of the decisions flip when the inputs change a little, {own.value:.1%} of the champion's; "
        f"{limit:.0%} more are allowed"
    )
    return Check("perturbation against champion", outcome, more.value, limit, why, more.low, more.high)


def _told(share: Interval) -> dict[str, float]:
    """A model's share of flips as it stands in the evidence."""
    return {"flips": share.value, "low": share.low, "high": share.high}
