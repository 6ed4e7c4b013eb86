"""Land what arrived: copy each new object byte for byte, before anything reads it."""

from schemas.records import ObjectId
from tasks.step import step
from tiltyard.stores.workspace import open_workspace


@step("land-objects")
def land_objects(project: str) -> list[ObjectId]:
    """Land every object of the source that was not seen before; their ids, in the order of their keys.

    The listing is compared with the ledger, object by object, so that no event need ever arrive and late,
    re-ordered or repeated ones change nothing.
    """
    workspace = open_workspace(project)
    seen = {(known.key, known.version, known.stamp) for known in workspace.ledger.batches.objects()}
    landed = []
    for arrival in workspace.source.arrivals(workspace.project.source.pattern):
        if (arrival.key, arrival.version, arrival.stamp) not in seen:
            copy = workspace.landed.land(workspace.source, arrival, workspace.clock())
            landed.append(workspace.ledger.batches.see(copy).object_id)
    return landed
