"""Reconcile: put right what a crash or a lost event left half done."""

from tiltyard.flows.ingest_batch import ingest_new_objects
from tiltyard.schemas.records import BatchId
from tiltyard.tasks.loop_flow import loop_flow
from tiltyard.tasks.maintenance.repair_stores import repair_stores
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.release_models import delete_rejected_models


@loop_flow("reconcile")
def reconcile(project: str = ".") -> list[str]:
    """List the source and take in what no event announced, repair the alias, close stale runs, let go what is not kept.

    With its schedule on, no event need ever arrive.

    Args:
        project: Folder or file of the project.

    Returns:
        What was found and put right, a line each.
    """
    done = repair_stores(project)
    done += delete_rejected_models(project)
    batches = ingest_new_objects(project)
    seal_ledger(project)
    return [*done, *_found(batches)]


def _found(batches: list[BatchId]) -> list[str]:
    """What no run had taken in, by the batches that it became."""
    ids = ", ".join(batch[:8] for batch in batches[:5]) + (", ..." if len(batches) > 5 else "")
    return [f"took in {len(batches)} objects that no run had checked: {ids}"] if batches else []
