"""Promote: act on the verdict that says so, and on nothing else."""

from prefect import flow

from tasks.promote_challenger import pending_verdict, promote_challenger
from tasks.seal_ledger import seal_ledger


@flow(name="promote-model", flow_run_name="promote-model {project}")
def promote_model(project: str = ".", verdict: str | None = None, actor: str = "gate") -> int | None:
    """Make the challenger of a verdict the champion (of the pending one, when none is named).

    Returns the number of the move, or none when no verdict asks for one.
    """
    chosen = verdict or pending_verdict(project)
    number = promote_challenger(project, chosen, actor) if chosen else None
    seal_ledger(project)
    return number
