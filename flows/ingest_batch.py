"""Ingest: land every new object, check its rows, and pool the valid ones."""

from tiltyard.schemas.arrivals import ArrivedObject
from tiltyard.schemas.records import BatchId
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.loop_flow import loop_flow
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.publish_artifacts import publish_validation


@loop_flow("ingest-batch")
def ingest_batch(project: str = ".", arrived: ArrivedObject | None = None) -> list[BatchId]:
    """Ingest every object that arrived since the last run.

    An event is a hint: the object that it names is ingested first, if it exists, and then every other new one. So one
    run is enough for many events, and a repeated, late or lost event changes nothing.

    Args:
        project: Folder or file of the project.
        arrived: The object in a bucket that an event named, if one did.

    Returns:
        The ids of the new batches.
    """
    batches = ingest_new_objects(project, arrived)
    seal_ledger(project)
    return batches


def ingest_new_objects(project: str, arrived: ArrivedObject | None = None) -> list[BatchId]:
    """Land and check new objects, and check those that a crash left unchecked; the ids of the batches."""
    land_objects(project, arrived)
    batches = [check_batch(project, object_id) for object_id in objects_to_check(project)]
    if batches:
        publish_validation(project, batches)
    return batches
