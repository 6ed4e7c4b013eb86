"""Check a landed object: read it, validate its rows, and partition them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import polars as pl

from tiltyard.ingest.attempts import row_numbering, rows_to_read
from tiltyard.ingest.column_names import partition_hint
from tiltyard.ingest.columns import ignored_columns
from tiltyard.ingest.partition import Screened, Sifted, identified, keep_marks, only_rows, refuse_structure, sift
from tiltyard.ingest.raw_batch import QUARANTINE_TYPES, RawBatch
from tiltyard.ingest.validation import check_rows
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

MOST_NAMES: Final = 100
"""The maximum number of ignored columns that a batch's record lists."""

LONGEST_REASON: Final = 200
"""The maximum number of characters of an unexpected error in the batch's reason."""


@step("objects-to-check")
def objects_to_check(project: str) -> list[ObjectId]:
    """Objects that landed but were never checked, oldest first. A refused batch waits until a person retries it."""
    return [landed.object_id for landed in open_workspace(project).ledger.batches.unchecked()]


@step("check-batch", alone=("ingest",))
def check_batch(project: str, object_id: ObjectId) -> BatchId:
    """Check an object's rows under the current contract: valid ones join the pool, others go to quarantine.

    A second attempt, after the schema was edited, reads only the quarantined rows; the first attempt's record stays.
    If the reader's options changed in between, row numbers differ, and the whole object is read again. An object that
    was checked under the same contract is not checked again. An unreadable object is a batch too, with the reason.
    """
    workspace = open_workspace(project)
    workspace.refuse_other_kinds()
    landed = workspace.ledger.batches.get_object(object_id)
    attempts = workspace.ledger.batches.of_object(object_id)
    if attempts and (attempts[-1].contract_hash == workspace.contract_hash or _is_settled(attempts[-1])):
        return attempts[-1].batch_id
    batch_id = BatchId(digest([object_id, workspace.contract_hash, len(attempts)])[:32])
    sifted = _sift(workspace, landed, attempts)
    return _record(workspace, batch_id, landed, attempts, sifted).batch_id


def _is_settled(batch: Batch) -> bool:
    """Whether nothing is left to check again."""
    return batch.state == "accepted" and batch.quarantined == 0


def _sift(workspace: Workspace, landed: LandedObject, attempts: Sequence[Batch]) -> Sifted:
    """The partition of the object's rows, or the reason that it cannot be read."""
    waiting = rows_to_read(attempts, row_numbering(landed.key, workspace.project))
    try:
        with isolated(landed.key):
            with workspace.landed.at_hand(landed) as path:
                raw = read_object(path, landed.key, workspace.project)
            of_object = raw.read
            if waiting is not None and waiting.quarantine_file is not None:
                raw = only_rows(raw, workspace.quarantine.read(waiting.quarantine_file)["row"])
            sifted = _sift_rows(workspace, raw, of_object, landed.key)
            return replace(sifted, blank=raw.blank, ignored=ignored_columns(raw, workspace.project))
    except ObjectError as error:
        return _unreadable(workspace, str(error), attempts)


def _unreadable(workspace: Workspace, reason: str, attempts: Sequence[Batch]) -> Sifted:
    """The result for an unreadable object: its rows that are in quarantine stay there."""
    held = attempts[-1].quarantine_file if attempts else None
    rows = workspace.quarantine.read(held) if held else pl.DataFrame(schema=QUARANTINE_TYPES)
    return Sifted("unreadable", reason, rows.height, pl.DataFrame(), rows, 0)


@contextmanager
def isolated(key: str) -> Iterator[None]:
    """Turn any error from an object's content into an ObjectError, so that it stops no other object.

    A panic in polars is not an Exception, hence BaseException. Errors with another cause pass: an unavailable store, a
    full disk, a mistake in the project file, the end of the process.
    """
    try:
        yield
    except (TiltyardError, OSError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        reason = (str(error).strip().splitlines() or [""])[0][:LONGEST_REASON]
        raise ObjectError(f"{key!r}: its rows cannot be checked ({type(error).__name__}: {reason})") from error


def _sift_rows(workspace: Workspace, raw: RawBatch, of_object: int, key: str) -> Sifted:
    """Check the rows, and look up the valid ones in the pool."""
    project = workspace.project
    schema = load_pandera(project.pandera, workspace.project_file.name) if project.pandera else None
    try:
        checked = check_rows(raw, project, schema)
    except ObjectError as error:
        lacking = [name for name in project.columns.all_names if name not in raw.header]
        return refuse_structure(raw, f"{error}{partition_hint(key, lacking)}")
    rows = identified(checked.good, project)
    known, marks = workspace.pool.marks(rows, workspace.pool_files())
    rows = keep_marks(rows, known, marks, project)
    return sift(Screened(raw, checked, rows, rows["sample_id"].is_in(known["sample_id"].implode()), of_object), project)


def _record(
    workspace: Workspace, batch_id: BatchId, landed: LandedObject, attempts: Sequence[Batch], sifted: Sifted
) -> Batch:
    """Write the files, store labels that arrived with the rows, then record the batch, which completes it."""
    now, accepted = workspace.clock(), sifted.accepted
    pooled = workspace.pool.add(batch_id, accepted) if accepted.height else None
    _keep_labels(workspace, sifted, landed)
    return workspace.ledger.batches.record(
        Batch(
            batch_id=batch_id,
            object_id=landed.object_id,
            attempt=len(attempts) + 1,
            contract_hash=workspace.contract_hash,
            state=sifted.state,
            read=sifted.read,
            accepted=accepted.height,
            quarantined=sifted.quarantined.height,
            duplicate=sifted.duplicate,
            reason=sifted.reason,
            pool_file=pooled,
            quarantine_file=_quarantine(workspace, batch_id, sifted.quarantined),
            statistics=_statistics(workspace, accepted)
            | _reading(workspace, landed, attempts, sifted)
            | _contradictions(workspace, sifted)
            | ({"missing_cells": sifted.missing} if sifted.missing else {}),
            recorded_at=now,
        )
    )


def _reading(workspace: Workspace, landed: LandedObject, attempts: Sequence[Batch], sifted: Sifted) -> dict[str, Any]:
    """How the attempt read the object: whether in full, how rows are numbered, and which columns were ignored."""
    numbering = row_numbering(landed.key, workspace.project)
    if sifted.state == "unreadable":
        before = attempts[-1].statistics.get("numbering", "") if attempts else numbering
        return {"numbering": before, "whole": False}
    whole = rows_to_read(attempts, numbering) is None
    facts: dict[str, Any] = {"blank": sifted.blank} if sifted.blank and whole else {}
    ignored = sifted.ignored
    facts |= {"ignored": {"count": len(ignored), "names": ignored[:MOST_NAMES]}} if ignored else {}
    return {"numbering": numbering, "whole": whole, **facts}


def _contradictions(workspace: Workspace, sifted: Sifted) -> dict[str, Any]:
    """The number of samples with two labels in the object, if any: they are disputes."""
    if sifted.labeled.is_empty():
        return {}
    labels = sifted.labeled[inside(str(workspace.project.columns.label))]
    count = len(find_contradictions(sifted.labeled["sample_id"], labels, workspace.project))
    return {"contradicted": count} if count else {}


def _keep_labels(workspace: Workspace, sifted: Sifted, landed: LandedObject) -> None:
    """Store the labels that arrived with the rows; repeated after a crash, they are the same annotations."""
    labeled, annotations = sifted.labeled, workspace.ledger.annotations
    if labeled.is_empty():
        return
    # Only a sample that was in the pool before can have an earlier label.
    known = annotations.arrived_before(landed.landed_at) if sifted.duplicate else {}
    annotations.submit(
        arrived_labels(labeled, workspace.project, landed, known),
        contract_hash=workspace.contract_hash,
        now=workspace.clock(),
        marked=labeled.filter("evaluation")["sample_id"].to_list(),
    )


def _quarantine(workspace: Workspace, batch_id: BatchId, rows: pl.DataFrame) -> StoredFile | None:
    """The file of quarantined rows with their reasons, if there are any."""
    return workspace.quarantine.keep(batch_id, rows) if rows.height else None


def _statistics(workspace: Workspace, accepted: pl.DataFrame) -> dict[str, Any]:
    """The accepted rows' profile, and its anomalies compared with the previous accepted batches."""
    if accepted.is_empty():
        return {}
    own = profile_rows(accepted, workspace.project)
    reference = pool_profiles(workspace.ledger.batches.recent_profiles(REFERENCE_BATCHES))
    return {"profile": own, "anomalies": detect_drift(own, reference) if reference else []}
