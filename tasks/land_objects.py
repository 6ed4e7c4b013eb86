"""Land what arrived: copy each new object byte for byte, before anything reads it."""

import logging
from collections.abc import Iterator
from typing import Any

from prefect.context import TaskRunContext
from prefect.logging import get_logger, get_run_logger

from schemas.arrivals import ArrivedObject
from schemas.errors import NotFound, TiltyardError, Unavailable
from schemas.events import OBJECT_LANDED
from schemas.records import ObjectId
from tasks.announcing import announce
from tasks.step import step
from tiltyard.stores.objects import Arrival, is_batch
from tiltyard.stores.workspace import Workspace, open_workspace


@step("land-objects", alone=("ingest",))
def land_objects(project: str, arrived: ArrivedObject | None = None) -> list[ObjectId]:
    """Land every object of the source that was not seen before; their ids, in the order they were landed.

    The object that an event named comes first, the others by their keys. The listing is compared with the ledger,
    object by object, so that no event need ever arrive and late, re-ordered or repeated ones change nothing. An
    object that cannot be copied is told in the log and tried again by the next run; it keeps no other from landing.

    Raises Unavailable when source or ledger do not answer, and what kept the objects from landing when none could be.
    """
    workspace = open_workspace(project)
    landed: list[ObjectId] = []
    failures: list[TiltyardError] = []
    for arrival in _new(workspace, arrived):
        if not landed:
            workspace.refuse_other_kinds()
        try:
            landed.append(_land(workspace, arrival))
        except Unavailable:
            raise
        except TiltyardError as error:
            _log().warning("%s; the next run tries again", error)
            failures += [] if isinstance(error, NotFound) else [error]
    if failures and not landed:
        raise failures[0]
    _tell(workspace, len(landed))
    return landed


def _new(workspace: Workspace, arrived: ArrivedObject | None) -> Iterator[Arrival]:
    """What the ledger has not seen."""
    seen = workspace.ledger.batches.seen(workspace.source.name)
    for arrival in _arrivals(workspace, arrived):
        stamp = (arrival.key, arrival.version, arrival.stamp)
        if stamp not in seen:
            seen.add(stamp)
            yield arrival


def _arrivals(workspace: Workspace, arrived: ArrivedObject | None) -> Iterator[Arrival]:
    """What lies in the source: the named object first, then every one in the order of keys."""
    if arrived is not None:
        yield from _named(workspace, arrived)
    yield from workspace.source.arrivals(workspace.project.source.pattern)


def _named(workspace: Workspace, arrived: ArrivedObject) -> Iterator[Arrival]:
    """The object that an event named, as the source itself has it; none when it is not there or not the project's."""
    # It brings boto3, whose import takes a quarter of a second.
    from tiltyard.stores.s3_objects import S3Objects

    source = workspace.source
    key = source.key_of(arrived.bucket, arrived.key) if isinstance(source, S3Objects) else None
    if key is None or not is_batch(key, workspace.project.source.pattern):
        _log().warning("%r is no batch of %s; the rest goes on", arrived.name, source.name)
        return
    try:
        yield source.find(key, arrived.version)
    except Unavailable:
        raise
    except TiltyardError as error:
        _log().warning("%r was named, but %s; the rest goes on", arrived.name, error)


def _land(workspace: Workspace, arrival: Arrival) -> ObjectId:
    """Copy one object and record it."""
    copy = workspace.landed.land(workspace.source, arrival, workspace.clock())
    return workspace.ledger.batches.see(copy).object_id


def _tell(workspace: Workspace, count: int) -> None:
    """Announce how many objects landed, if any."""
    if count:
        announce(workspace, OBJECT_LANDED, f"{count} objects landed", objects=count)


def _log() -> "logging.Logger | logging.LoggerAdapter[Any]":
    """The run's own log; outside a run the process's."""
    return get_run_logger() if TaskRunContext.get() else get_logger("tiltyard")
