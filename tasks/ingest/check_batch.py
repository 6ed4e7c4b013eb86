"""Check a landed object: read it, partition its rows, and record where each row ended."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import polars as pl

from tiltyard.ingest import QUARANTINE_TYPES, BatchResult, partition_batch
from tiltyard.ingest.attempts import row_numbering, rows_to_read
from tiltyard.labels.annotations import arrived_labels, find_contradictions
from tiltyard.monitoring.drift import REFERENCE_BATCHES, detect_drift, pool_profiles, profile_rows
from tiltyard.schemas.canonical import digest
from tiltyard.schemas.errors import ObjectError, TiltyardError
from tiltyard.schemas.frames import load_pandera
from tiltyard.schemas.project import inside
from tiltyard.schemas.records import Batch, BatchId, LandedObject, ObjectId, StoredFile
from tiltyard.stores.readers.sandbox import read_object
from tiltyard.tasks.step import step
from tiltyard.workspace.workspace import Workspace, open_workspace

LONGEST_REASON: Final = 200
"""Characters of an unexpected error that the batch's reason shows."""


@step("objects-to-check")
def objects_to_check(project: str) -> list[ObjectId]:
    """Objects that landed but were never checked, oldest first. A refused batch waits until a person retries it."""
    return [landed.object_id for landed in open_workspace(project).ledger.batches.unchecked()]


@step("check-batch", alone=("ingest",))
def check_batch(project: str, object_id: ObjectId) -> BatchId:
    """Check an object's rows under the current contract: good rows join the pool, bad rows go to quarantine.

    A second attempt, after the schema was edited, reads only the rows that are in quarantine; the first attempt's
    record stays. Where the reader's options changed in between, rows have other numbers, and the whole object is read
    again. An object that was checked under this very contract is not checked again. An object that cannot be read is
    recorded as a batch too, with the reason.
    """
    workspace = open_workspace(project)
    workspace.refuse_other_kinds()
    landed = workspace.ledger.batches.get_object(object_id)
    attempts = workspace.ledger.batches.of_object(object_id)
    if attempts and (attempts[-1].contract_hash == workspace.contract_hash or _is_settled(attempts[-1])):
        return attempts[-1].batch_id
    result = _partition(workspace, landed, attempts)
    return _record(workspace, landed, attempts, result).batch_id


def _is_settled(batch: Batch) -> bool:
    """Whether nothing is left to check again."""
    return batch.state == "accepted" and batch.quarantined == 0


def _partition(workspace: Workspace, landed: LandedObject, attempts: Sequence[Batch]) -> BatchResult:
    """Read the object and partition its rows; an object that cannot be read keeps its rows in quarantine."""
    project = workspace.project
    waiting = rows_to_read(attempts, row_numbering(landed.key, project))
    try:
        with isolated(landed.key), workspace.landed.at_hand(landed) as path:
            return partition_batch(
                read_object(path, landed.key, project),
                project,
                lambda rows: workspace.pool.marks(rows, workspace.pool_files()),
                key=landed.key,
                schema=load_pandera(project.pandera, workspace.project_file.name) if project.pandera else None,
                retry=None if waiting is None else _quarantined(workspace, waiting)["row"],
            )
    except ObjectError as error:
        return BatchResult.unreadable(str(error), _quarantined(workspace, attempts[-1] if attempts else None))


def _quarantined(workspace: Workspace, batch: Batch | None) -> pl.DataFrame:
    """The rows that a batch left in quarantine."""
    file = batch.quarantine_file if batch is not None else None
    return workspace.quarantine.read(file) if file else pl.DataFrame(schema=QUARANTINE_TYPES)


@contextmanager
def isolated(key: str) -> Iterator[None]:
    """Turn any error that an object's content causes into an ObjectError, so that other objects are still checked.

    A panic in polars does not derive from Exception, hence BaseException. Errors with another cause pass: a store that
    does not answer, a full disk, a mistake in the project file, the end of the process.
    """
    try:
        yield
    except (TiltyardError, OSError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        message = (str(error).strip().splitlines() or [""])[0][:LONGEST_REASON]
        raise ObjectError(f"{key!r}: its rows cannot be checked ({type(error).__name__}: {message})") from error


def _keep_labels(workspace: Workspace, landed: LandedObject, result: BatchResult) -> None:
    """Keep the labels that arrived with the rows; sent again after a crash, they are the same annotations."""
    labeled, annotations = result.labeled, workspace.ledger.annotations
    if labeled.is_empty():
        return
    # Only a sample that was there before can have had a label before.
    known = annotations.arrived_before(landed.landed_at) if result.duplicate else {}
    annotations.submit(
        arrived_labels(labeled, workspace.project, landed, known),
        contract_hash=workspace.contract_hash,
        now=workspace.clock(),
        marked=labeled.filter("evaluation")["sample_id"].to_list(),
    )


def _record(workspace: Workspace, landed: LandedObject, attempts: Sequence[Batch], result: BatchResult) -> Batch:
    """Write the files, keep labels that arrived with the rows, then record the batch: only that makes it count."""
    batch_id = BatchId(digest([landed.object_id, workspace.contract_hash, len(attempts)])[:32])
    now, accepted = workspace.clock(), result.accepted
    pooled = workspace.pool.add(batch_id, accepted) if accepted.height else None
    _keep_labels(workspace, landed, result)
    return workspace.ledger.batches.record(
        Batch(
            batch_id=batch_id,
            object_id=landed.object_id,
            attempt=len(attempts) + 1,
            contract_hash=workspace.contract_hash,
            state=result.state,
            read=result.read,
            accepted=accepted.height,
            quarantined=result.quarantined.height,
            duplicate=result.duplicate,
            reason=result.reason,
            pool_file=pooled,
            quarantine_file=_quarantine(workspace, batch_id, result.quarantined),
            statistics=_statistics(workspace, accepted)
            | _numbering(workspace, landed, attempts, result)
            | result.left_out
            | _contradictions(workspace, result)
            | ({"missing_cells": result.missing} if result.missing else {}),
            recorded_at=now,
        )
    )


def _numbering(
    workspace: Workspace, landed: LandedObject, attempts: Sequence[Batch], result: BatchResult
) -> dict[str, Any]:
    """How the rows in quarantine are numbered, and whether the attempt read the whole object."""
    numbering = row_numbering(landed.key, workspace.project)
    if result.state == "unreadable":
        before = attempts[-1].statistics.get("numbering", "") if attempts else numbering
        return {"numbering": before, "whole": False}
    return {"numbering": numbering, "whole": rows_to_read(attempts, numbering) is None}


def _contradictions(workspace: Workspace, result: BatchResult) -> dict[str, Any]:
    """The number of samples that the object labels in two ways, if there are any: they are disputes."""
    if result.labeled.is_empty():
        return {}
    labels = result.labeled[inside(str(workspace.project.columns.label))]
    count = len(find_contradictions(result.labeled["sample_id"], labels, workspace.project))
    return {"contradicted": count} if count else {}


def _quarantine(workspace: Workspace, batch_id: BatchId, rows: pl.DataFrame) -> StoredFile | None:
    """The file of the bad rows with their reasons, if there are any."""
    return workspace.quarantine.keep(batch_id, rows) if rows.height else None


def _statistics(workspace: Workspace, accepted: pl.DataFrame) -> dict[str, Any]:
    """The accepted rows' profile, and what is unusual about it compared with the last accepted batches."""
    if accepted.is_empty():
        return {}
    own = profile_rows(accepted, workspace.project)
    reference = pool_profiles(workspace.ledger.batches.recent_profiles(REFERENCE_BATCHES))
    return {"profile": own, "anomalies": detect_drift(own, reference) if reference else []}
