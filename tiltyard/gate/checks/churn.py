"""Churn: how many decisions change when the challenger takes over. Users of the model notice each of them."""

from tiltyard.evaluation.proportions import rounded_interval, weighted_share
from tiltyard.gate.inputs import CheckContext, CheckResults, ModelUnderTest, harm_level
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Check, Interval, Outcome


def churn(examined: CheckContext, project: Project) -> CheckResults:
    """The share of decisions that differ, over the population where it was scored, else over the labeled rows.

    A check only where the project file sets a limit; nothing without a champion.
    """
    if examined.champion is None:
        return CheckResults()
    share, rows = _share(examined, examined.champion, harm_level(project.gate))
    told = {"churn": {"share": share.value, "low": share.low, "high": share.high, "rows": rows}}
    if project.gate.churn is None:
        return CheckResults(evidence=told)
    return CheckResults((_check(share, rows, project.gate.churn),), told)


def _share(examined: CheckContext, champion: ModelUnderTest, level: float) -> tuple[Interval, int]:
    """The share of flips with its interval, and the rows that it is over; of a whole population it is exact."""
    if examined.population is not None and len(examined.population[0].decisions):
        old, new = (predictions.decisions for predictions in examined.population)
        exact = float((old != new).mean())
        return rounded_interval(exact, exact, exact), len(old)
    flips = examined.challenger.predictions.decisions != champion.predictions.decisions
    return weighted_share(flips, examined.weights, level), len(flips)


def _check(share: Interval, rows: int, limit: float) -> Check:
    """Whether more decisions are shown to flip than the project file allows."""
    outcome: Outcome = "fail" if share.low > limit else "pass"
    why = f"{share.value:.1%} of the decisions on {rows:,} rows would change, {limit:.0%} are allowed"
    return Check("churn", outcome, share.value, limit, why, share.low, share.high)
