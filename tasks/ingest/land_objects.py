"""Land what arrived: copy each new object byte for byte, before anything reads it."""

import logging
from collections.abc import Iterator
from typing import Any, Final

from prefect.context import TaskRunContext
from prefect.logging import get_logger, get_run_logger

from tiltyard.ingest.object_keys import is_batch, printable_key
from tiltyard.schemas.arrivals import ArrivedObject
from tiltyard.schemas.errors import NotFound, TiltyardError, Unavailable
from tiltyard.schemas.events import OBJECT_LANDED
from tiltyard.schemas.records import ObjectId
from tiltyard.stores.files import SkippedObject
from tiltyard.stores.files.landing import Arrival
from tiltyard.tasks.labels.announcements import announce
from tiltyard.tasks.step import step
from tiltyard.workspace.workspace import Workspace, open_workspace

MOST_TOLD: Final = 20
"""Objects that one run's log names among those that were left; all of them are kept."""


@step("land-objects", alone=("ingest",))
def land_objects(project: str, arrived: ArrivedObject | None = None) -> list[ObjectId]:
    """Land every object of the source that was not seen before; their ids, in the order they were landed.

    The object that an event named comes first, the others by their keys. The listing is compared with the ledger,
    object by object, so that no event need ever arrive and late, re-ordered or repeated ones change nothing. An
    object that cannot be copied is told in the log and tried again by the next run; it keeps no other from landing.
    What is no batch (a link, a pipe, a half-written file, one above ``limits.max_bytes``) is left, and told once.

    Raises Unavailable when source or ledger do not answer, and what kept the objects from landing when none could be.
    """
    workspace = open_workspace(project)
    landed: list[ObjectId] = []
    failures: list[TiltyardError] = []
    left: list[SkippedObject] = []
    for arrival in _new(workspace, arrived, left):
        if not landed:
            workspace.refuse_other_kinds()
        try:
            landed.append(_land(workspace, arrival))
        except Unavailable:
            raise
        except TiltyardError as error:
            _log().warning("%s; the next run tries again", error)
            failures += [] if isinstance(error, NotFound) else [error]
    _tell_left(workspace, left)
    if failures and not landed:
        raise failures[0]
    _tell(workspace, len(landed))
    return landed


def _new(workspace: Workspace, arrived: ArrivedObject | None, left: list[SkippedObject]) -> Iterator[Arrival]:
    """What the ledger has not seen; ``left`` is filled with what is left out."""
    seen, most = workspace.ledger.batches.seen(workspace.source.name), workspace.project.limits.max_bytes
    for arrival in _arrivals(workspace, arrived, left):
        stamp = (arrival.key, arrival.version, arrival.stamp)
        if stamp in seen:
            continue
        seen.add(stamp)
        if arrival.size > most:  # asked before a byte is copied: a sparse file or a disk image is as big as it likes
            why = f"{arrival.size:,} bytes; limits.max_bytes is {most:,}"
            left.append(SkippedObject(workspace.source.name, arrival.key, why))
            continue
        yield arrival


def _arrivals(workspace: Workspace, arrived: ArrivedObject | None, left: list[SkippedObject]) -> Iterator[Arrival]:
    """What lies in the source: the named object first, then every one in the order of keys."""

    def leave(key: str, why: str) -> None:
        left.append(SkippedObject(workspace.source.name, printable_key(key), why))

    if arrived is not None:
        yield from _named(workspace, arrived)
    yield from workspace.source.arrivals(workspace.project.source.pattern, leave)


def _named(workspace: Workspace, arrived: ArrivedObject) -> Iterator[Arrival]:
    """The object that an event named, as the source itself has it; none when it is not there or not the project's."""
    # It brings boto3, whose import takes a quarter of a second.
    from tiltyard.stores.s3 import S3Objects

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
    most = workspace.project.limits.max_bytes
    copy = workspace.landed.land(workspace.source, arrival, workspace.clock(), most)
    return workspace.ledger.batches.see(copy).object_id


def _tell_left(workspace: Workspace, left: list[SkippedObject]) -> None:
    """Keep what was left, and say of each once why."""
    fresh = workspace.left.add(left, workspace.clock())
    if TaskRunContext.get():  # a command shows them as a table
        for one in fresh[:MOST_TOLD]:
            _log().warning("%s", one)


def _tell(workspace: Workspace, count: int) -> None:
    """Announce how many objects landed, if any."""
    if count:
        announce(workspace, OBJECT_LANDED, f"{count} objects landed", objects=count)


def _log() -> "logging.Logger | logging.LoggerAdapter[Any]":
    """The run's own log; outside a run the process's."""
    return get_run_logger() if TaskRunContext.get() else get_logger("tiltyard")
