"""New data: land every object that arrived, check its rows, and pool the good ones."""

from prefect import flow

from schemas.records import BatchId
from tasks.check_batch import check_batch, objects_to_check
from tasks.land_objects import land_objects
from tasks.publish_artifacts import publish_validation
from tasks.seal_ledger import seal_ledger


@flow(name="ingest-batch", flow_run_name="ingest-batch {project}")
def ingest_batch(project: str = ".") -> list[BatchId]:
    """Take in what arrived since the last run; the ids of the batches it made."""
    batches = take_in(project)
    seal_ledger(project)
    return batches


def take_in(project: str) -> list[BatchId]:
    """Land and check what is new. An object that a crash left unchecked is checked now."""
    land_objects(project)
    batches = [check_batch(project, object_id) for object_id in objects_to_check(project)]
    if batches:
        publish_validation(project, batches)
    return batches
