"""Is the evaluation set still about today? A comparison on old labels says who was better then."""

from datetime import timedelta
from typing import Final

from tiltyard.gate.inputs import CheckContext, CheckResults
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Check, Outcome

DAY: Final = timedelta(days=1)


def freshness(examined: CheckContext, project: Project) -> CheckResults:
    """Whether the newest evaluation label is young enough, where the project file sets a limit.

    Too old a label is not a fault of the challenger: the check is undecided until fresh labels come.
    """
    limit = project.gate.freshness_days
    if limit is None:
        return CheckResults()
    if examined.labeled_at is None:
        why = "it is not known when the evaluation labels were given"
        return CheckResults((Check("freshness", "undecided", None, limit, why),), {"freshness": None})
    days = round((examined.now - examined.labeled_at) / DAY, 3)
    outcome: Outcome = "pass" if days <= limit else "undecided"
    why = f"the newest evaluation label is {days:.1f} days old, {limit:g} are allowed"
    return CheckResults((Check("freshness", outcome, days, limit, why),), {"freshness": {"days": days}})
