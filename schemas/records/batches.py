"""Objects as they arrived, and where the rows of each ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tiltyard.schemas.records.ids import BatchId, BatchState, ObjectId


@dataclass(frozen=True, slots=True)
class ProjectVersion:
    """A project file as it was when something was done under it."""

    project_hash: str
    body: Mapping[str, Any]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class LandedObject:
    """A raw file as it arrived, kept byte for byte.

    ``stamp`` is the listing's version of its content (time and size in a folder, ETag in a bucket).
    """

    object_id: ObjectId
    source: str
    key: str
    version: str
    stamp: str
    checksum: str
    size: int
    landed_at: datetime


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one row is in quarantine."""

    check: str
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An immutable file of the workspace and what its bytes must hash to."""

    name: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Where an object's rows ended under one contract. ``read = accepted + quarantined + duplicate``."""

    batch_id: BatchId
    object_id: ObjectId
    attempt: int
    contract_hash: str
    state: BatchState
    read: int
    accepted: int
    quarantined: int
    duplicate: int
    reason: str
    pool_file: StoredFile | None
    quarantine_file: StoredFile | None
    statistics: Mapping[str, Any]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Conservation:
    """Where the rows of all objects are; ``holds`` is law 2 as a number."""

    objects: int
    read: int
    accepted: int
    quarantined: int
    duplicate: int

    @property
    def holds(self) -> bool:
        """Whether every row read is in exactly one place."""
        return self.read == self.accepted + self.quarantined + self.duplicate
