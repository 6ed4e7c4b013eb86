"""How many decisions change when the challenger takes over: whoever lives with the model notices each of them."""

from tiltyard.evaluation.proportions import rounded
from tiltyard.evaluation.weighted_shares import share_of
from tiltyard.gate.findings import Findings
from tiltyard.gate.inputs import Examined, Side, harm_level
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Check, Interval, Outcome


def churn(examined: Examined, project: Project) -> Findings:
    """The share of decisions that differ, over the population where it was scored, else over the labeled rows.

    A check only where the project file sets a limit; nothing without a champion.
    """
    if examined.champion is None:
        return Findings()
    share, rows = _share(examined, examined.champion, harm_level(project.gate))
    told = {"churn": {"share": share.value, "low": share.low, "high": share.high, "rows": rows}}
    if project.gate.churn is None:
        return Findings(told=told)
    return Findings((_check(share, rows, project.gate.churn),), told)


def _share(examined: Examined, champion: Side, level: float) -> tuple[Interval, int]:
    """The share of flips with its interval, and the rows that it is over; of a whole population it is exact."""
    if examined.population is not None and len(examined.population[0].decisions):
        old, new = (predictions.decisions for predictions in examined.population)
        exact = float((old != new).mean())
        return rounded(exact, exact, exact), len(old)
    flips = examined.challenger.predictions.decisions != champion.predictions.decisions
    return share_of(flips, examined.weights, level), len(flips)


def _check(share: Interval, rows: int, limit: float) -> Check:
    """Whether more decisions are shown to flip than the project file allows."""
    outcome: Outcome = "fail" if share.low > limit else "pass"
    why = f"{share.value:.1%} of the decisions on {rows:,} rows would change, {limit:.0%} are allowed"
    return Check("churn", outcome, share.value, limit, why, share.low, share.high)
