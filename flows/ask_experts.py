"""Ask: choose the samples whose labels teach most, and put them into the experts' queue."""

from prefect import flow

from schemas.records import QueryId
from tasks.choose_samples import choose_samples
from tasks.seal_ledger import seal_ledger


@flow(name="ask-experts", flow_run_name="ask-experts {project}")
def ask_experts(project: str = ".", budget: int | None = None) -> QueryId | None:
    """Fill the queue up to the budget; the query, or none when the queue is full or the pool is asked out.

    The run ends here: labeling takes days, so the queue is data in the ledger, never a paused run.
    """
    query = choose_samples(project, budget)
    seal_ledger(project)
    return query
