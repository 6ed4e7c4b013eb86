"""Where objects arrive and where they are landed, byte for byte, before anything reads them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from schemas.canonical import sha256_of
from schemas.errors import NotFound, ObjectError
from schemas.records import LandedObject, ObjectId
from tiltyard.stores.files import FileStore

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a listing says of an object: enough to know whether it changed, without reading it."""

    key: str
    version: str
    size: int
    stamp: str


class ObjectStore(Protocol):
    """A place where producers put objects. A folder here, a bucket elsewhere; one contract test for all."""

    @property
    def name(self) -> str:
        """What the ledger calls this place."""

    def arrivals(self, pattern: str) -> Iterator[Arrival]:
        """Every object whose key fits the shell pattern, sorted by key."""

    def read(self, key: str) -> Iterator[bytes]:
        """The object's bytes in chunks; NotFound when it is gone, ObjectError when it cannot be read."""


class FolderObjects:
    """A folder where producers put objects; hidden files and half-written ``.part`` and ``.tmp`` files are left."""

    def __init__(self, root: Path) -> None:
        """Watch a folder, making it if it is not there."""
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    @property
    def name(self) -> str:
        """What the ledger calls this place: the same wherever the project is moved."""
        return f"folder:{self.root.name}"

    def arrivals(self, pattern: str) -> Iterator[Arrival]:
        """Every object whose key fits the shell pattern, sorted by key. Links out of the folder are left alone."""
        for path in sorted(self.root.rglob("*")):
            key = path.relative_to(self.root).as_posix()
            if fnmatch(key, pattern) and _is_whole(path, self.root):
                status = path.stat()
                yield Arrival(key, "", status.st_size, f"{status.st_mtime_ns}-{status.st_size}")

    def read(self, key: str) -> Iterator[bytes]:
        """The object's bytes in chunks; NotFound when it is gone, ObjectError when it cannot be read."""
        path = self.root / key
        if not (path.is_file() and path.resolve().is_relative_to(self.root.resolve())):
            raise NotFound(f"no object {key!r} in {self.name}")
        try:
            with path.open("rb") as stream:
                yield from iter(lambda: stream.read(CHUNK), b"")
        except OSError as error:
            raise ObjectError(f"object {key!r}: {error.strerror or error}") from error


def _is_whole(path: Path, root: Path) -> bool:
    """Whether a path is a regular file that a producer has finished writing."""
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return (
        not hidden
        and path.suffix not in {".part", ".tmp"}
        and path.is_file()
        and path.resolve().is_relative_to(root.resolve())
    )


class LandedObjects:
    """Our own copies of all objects, named by their content."""

    def __init__(self, files: FileStore) -> None:
        """Keep the copies in a store of immutable files."""
        self.files = files

    def land(self, source: ObjectStore, arrival: Arrival, now: datetime) -> LandedObject:
        """Copy an object byte for byte and say what it is; the same bytes under the same key are one object."""
        checksum, size = self._copy(source, arrival.key)
        identity = sha256_of("\n".join((source.name, arrival.key, arrival.version, checksum)))
        return LandedObject(
            object_id=ObjectId(identity[:32]),
            source=source.name,
            key=arrival.key,
            version=arrival.version,
            stamp=arrival.stamp,
            checksum=checksum,
            size=size,
            landed_at=now,
        )

    def path(self, landed: LandedObject) -> Path:
        """The copy of an object; ObjectError when it is missing."""
        name = _place(landed.checksum)
        if not self.files.exists(name):
            raise ObjectError(f"the landed copy of {landed.key!r} is missing; put the object back and ingest again")
        return self.files.path(name)

    def is_intact(self, landed: LandedObject) -> bool:
        """Whether the copy is there and holds the bytes that arrived."""
        name = _place(landed.checksum)
        return self.files.exists(name) and self.files.sha256(name) == landed.checksum

    def _copy(self, source: ObjectStore, key: str) -> tuple[str, int]:
        """Stream an object into the store; its SHA-256 and size in bytes."""
        content, size = sha256(), 0
        arriving = f"arriving-{os.getpid()}-{sha256_of(key)[:16]}"
        with self.files.being_written(arriving) as stream:
            for chunk in source.read(key):
                content.update(chunk)
                size += stream.write(chunk)
        place = self.files.path(_place(content.hexdigest()))
        place.parent.mkdir(parents=True, exist_ok=True)
        self.files.path(arriving).replace(place)
        return content.hexdigest(), size


def _place(checksum: str) -> str:
    """Where the copy with a checksum lies; two letters a folder keep folders small."""
    return f"{checksum[:2]}/{checksum}"
