"""Reconcile: repair what a crash or a lost event left unfinished."""

from tiltyard.flows.ingest_batch import ingest_new_objects
from tiltyard.schemas.records import BatchId
from tiltyard.tasks.loop_flow import loop_flow
from tiltyard.tasks.maintenance.repair_stores import repair_stores
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.release_models import delete_rejected_models


@loop_flow("reconcile")
def reconcile(project: str = ".") -> list[str]:
    """Ingest objects without an event, repair the alias, close stale runs, delete models that are not kept.

    With its schedule on, no events are needed.

    Args:
        project: Folder or file of the project.

    Returns:
        What was found and repaired, one line each.
    """
    done = repair_stores(project)
    done += delete_rejected_models(project)
    batches = ingest_new_objects(project)
    seal_ledger(project)
    return [*done, *_found(batches)]


def _found(batches: list[BatchId]) -> list[str]:
    """A line about the objects that no run had checked, with the ids of their batches; none without any."""
    if not batches:
        return []
    count = "1 object" if len(batches) == 1 else f"{len(batches)} objects"
    ids = ", ".join(batch[:8] for batch in batches[:5]) + (", ..." if len(batches) > 5 else "")
    return [f"ingested {count} that no run had checked: {ids}"]
