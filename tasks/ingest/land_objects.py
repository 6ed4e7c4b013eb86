"""Land new objects: copy each byte for byte, before anything reads it."""

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

MOST_LOGGED: Final = 20
"""The maximum number of skipped objects that one run logs; all of them are recorded."""


@step("land-objects", alone=("ingest",))
def land_objects(project: str, arrived: ArrivedObject | None = None) -> list[ObjectId]:
    """Land every new object of the source; their ids in the order of landing.

    The object that an event named comes first, the others by their keys. The listing is compared with the ledger,
    object by object, so no event is needed, and late, re-ordered or repeated events change nothing. An object that
    cannot be copied is logged, retried by the next run, and stops no other object. Files that are not batches (a
    link, a pipe, a half-written file, one above ``limits.max_bytes``) are skipped, and logged once.

    Raises Unavailable when source or ledger cannot be reached, and the first error when no object could be landed.
    """
    workspace = open_workspace(project)
    landed: list[ObjectId] = []
    failures: list[TiltyardError] = []
    left: list[SkippedObject] = []
    for arrival in _unseen(workspace, arrived, left):
        if not landed:
            workspace.refuse_other_kinds()
        try:
            landed.append(_land(workspace, arrival))
        except Unavailable:
            raise
        except TiltyardError as error:
            _log().warning("%s; the next run tries again", error)
            failures += [] if isinstance(error, NotFound) else [error]
    _record_skipped(workspace, left)
    if failures and not landed:
        raise failures[0]
    _announce(workspace, len(landed))
    return landed


def _unseen(workspace: Workspace, arrived: ArrivedObject | None, left: list[SkippedObject]) -> Iterator[Arrival]:
    """The objects that the ledger has not seen; skipped ones are appended to ``left``."""
    seen, most = workspace.ledger.batches.seen(workspace.source.name), workspace.project.limits.max_bytes
    for arrival in _arrivals(workspace, arrived, left):
        stamp = (arrival.key, arrival.version, arrival.stamp)
        if stamp in seen:
            continue
        seen.add(stamp)
        if arrival.size > most:  # checked before a byte is copied: a sparse file or a disk image can be huge
            why = f"{arrival.size:,} bytes; limits.max_bytes is {most:,}"
            left.append(SkippedObject(workspace.source.name, arrival.key, why))
            continue
        yield arrival


def _arrivals(workspace: Workspace, arrived: ArrivedObject | None, left: list[SkippedObject]) -> Iterator[Arrival]:
    """The source's objects: the named one first, then all in the order of keys."""

    def skip(key: str, why: str) -> None:
        left.append(SkippedObject(workspace.source.name, printable_key(key), why))

    if arrived is not None:
        yield from _named(workspace, arrived)
    yield from workspace.source.arrivals(workspace.project.source.pattern, skip)


def _named(workspace: Workspace, arrived: ArrivedObject) -> Iterator[Arrival]:
    """The object that an event named, as the source lists it; none when it is missing or not the project's."""
    # Imports boto3, which takes a quarter of a second.
    from tiltyard.stores.s3 import S3Objects

    source = workspace.source
    key = source.key_of(arrived.bucket, arrived.key) if isinstance(source, S3Objects) else None
    if key is None or not is_batch(key, workspace.project.source.pattern):
        _log().warning("%r is not a batch of %s; other objects continue", arrived.name, source.name)
        return
    try:
        yield source.find(key, arrived.version)
    except Unavailable:
        raise
    except TiltyardError as error:
        _log().warning("an event named %r, but %s; other objects continue", arrived.name, error)


def _land(workspace: Workspace, arrival: Arrival) -> ObjectId:
    """Copy one object and record it."""
    most = workspace.project.limits.max_bytes
    copy = workspace.landed.land(workspace.source, arrival, workspace.clock(), most)
    return workspace.ledger.batches.see(copy).object_id


def _record_skipped(workspace: Workspace, left: list[SkippedObject]) -> None:
    """Record skipped objects, and log each once with the reason."""
    fresh = workspace.left.add(left, workspace.clock())
    if TaskRunContext.get():  # a command shows them as a table
        for one in fresh[:MOST_LOGGED]:
            _log().warning("%s", one)


def _announce(workspace: Workspace, count: int) -> None:
    """Announce the number of landed objects, if any."""
    if count:
        announce(workspace, OBJECT_LANDED, f"{count} {'object' if count == 1 else 'objects'} landed", objects=count)


def _log() -> "logging.Logger | logging.LoggerAdapter[Any]":
    """The run's logger; outside a run the process's."""
    return get_run_logger() if TaskRunContext.get() else get_logger("tiltyard")
