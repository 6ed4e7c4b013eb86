"""Ask: select the most informative samples, and add them to the experts' queue."""

from typing import Annotated

from pydantic import Field

from tiltyard.schemas.records import QueryId
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.loop_flow import loop_flow
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger


@loop_flow("ask-experts")
def ask_experts(project: str = ".", budget: Annotated[int | None, Field(ge=1)] = None) -> QueryId | None:
    """Fill the queue up to the budget.

    The run ends here: labeling takes days, so the queue is data in the ledger, never a paused run.

    Args:
        project: Folder or file of the project.
        budget: The maximum number of open assignments; default: the project file's query.budget.

    Returns:
        The query, or none when the queue is full or every sample has been queried.
    """
    query = choose_samples(project, budget)
    seal_ledger(project)
    return query
