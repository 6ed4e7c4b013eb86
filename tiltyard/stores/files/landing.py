"""Where objects arrive and where they are landed, byte for byte, before anything reads them."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from tiltyard.ingest.object_keys import is_batch, is_marker, matches_pattern, printable_key, skip_reason
from tiltyard.schemas.canonical import sha256_of
from tiltyard.schemas.errors import NotFound, ObjectError
from tiltyard.schemas.records import LandedObject, ObjectId
from tiltyard.stores.files.local import Files

CHUNK = 1 << 20

Leaving = Callable[[str, str], None]
"""Called with the key of each object in a source that is not a batch, and the reason for skipping it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a listing says of an object: enough to know whether it changed, without reading it."""

    key: str
    version: str
    size: int
    stamp: str


class ObjectStore(Protocol):
    """A place where producers put objects. A folder or a bucket; one contract test for both.

    As text it is what people call the place: ``incoming/``, ``s3://landing/bank``.
    """

    @property
    def name(self) -> str:
        """What the ledger calls this place."""

    def arrivals(self, pattern: str, leave: Leaving | None = None) -> Iterator[Arrival]:
        """Every batch whose key fits the shell pattern, sorted by key, older versions first.

        ``leave`` is called for each key that fits the pattern and is skipped nevertheless.
        """

    def find(self, key: str, version: str = "") -> Arrival:
        """What a listing would say of one object now; NotFound when it is not there."""

    def read(self, arrival: Arrival) -> Iterator[bytes]:
        """The object's bytes in chunks; NotFound when it is gone, ObjectError when it cannot be read."""


class FolderObjects:
    """A folder where producers put objects; hidden, half-written and irregular files are skipped."""

    def __init__(self, root: Path) -> None:
        """Watch a folder, making it if it is not there."""
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    @property
    def name(self) -> str:
        """What the ledger calls this place: the same wherever the project is moved."""
        return f"folder:{self.root.name}"

    def __str__(self) -> str:
        """What people call this place."""
        return f"{self.root.name}/"

    def arrivals(self, pattern: str, leave: Leaving | None = None) -> Iterator[Arrival]:
        """Every batch whose key fits the shell pattern, sorted by key. Links out of the folder are left alone.

        ``leave`` is called for each skipped key. Raises ObjectError for an unreadable folder: its new objects would
        go unnoticed.
        """
        tell = leave or _tell_nobody
        for key in sorted(key for key in self._keys(tell) if matches_pattern(key, pattern) and not is_marker(key)):
            why = skip_reason(key) or self._odd(key)
            if why is not None:
                tell(*why)
            elif is_batch(key, pattern):
                yield from self._still_there(key)

    def find(self, key: str, version: str = "") -> Arrival:
        """What a listing would say of one object now; NotFound when it is not there. A folder has no versions."""
        if version or not self._is_ours(key):
            raise NotFound(f"no object {key!r} in {self.name}")
        return self._arrival(key)

    def read(self, arrival: Arrival) -> Iterator[bytes]:
        """The object's bytes in chunks; NotFound when it is gone, ObjectError when it cannot be read."""
        if not self._is_ours(arrival.key):
            raise NotFound(f"no object {arrival.key!r} in {self.name}")
        try:
            with (self.root / arrival.key).open("rb") as stream:
                yield from iter(lambda: stream.read(CHUNK), b"")
        except OSError as error:
            raise ObjectError(f"object {arrival.key!r}: {error.strerror or error}") from error

    def _keys(self, tell: Leaving) -> Iterator[str]:
        """The keys of everything in the folder and its subfolders, except the folders themselves."""
        for folder, folders, names in os.walk(self.root, onerror=self._closed):
            for name in list(folders):
                path = Path(folder, name)
                key = self._key(path)
                if is_marker(key):
                    folders.remove(name)
                elif path.is_symlink():
                    tell(f"{printable_key(key)}/", "a link to a folder; put the folder itself there")
            yield from (self._key(Path(folder, name)) for name in names)

    def _key(self, path: Path) -> str:
        """The key of a path in the folder."""
        return path.relative_to(self.root).as_posix()

    def _odd(self, key: str) -> tuple[str, str] | None:
        """The key and the reason for skipping a path that is not a regular file; None for a regular file."""
        path = self.root / key
        if self._is_ours(key) or (not path.is_symlink() and not path.exists()):
            return None
        if path.is_symlink():
            return key, "a link that leads out of the folder, or nowhere; put the file itself there"
        return key, "not a regular file: a pipe, a socket or a device"

    def _still_there(self, key: str) -> Iterator[Arrival]:
        """What the file system says of a file; nothing where it went since the folder was looked through."""
        try:
            yield self._arrival(key)
        except FileNotFoundError:
            return

    def _closed(self, error: OSError) -> None:
        """Refuse an unreadable folder; a folder that was deleted meanwhile, or holds no batches, is empty."""
        path = Path(error.filename)
        is_left = path != self.root and skip_reason(self._key(path)) is not None
        if isinstance(error, PermissionError) and not is_left:
            raise ObjectError(
                f"folder {error.filename!r}: {error.strerror}; let this user read and enter it"
            ) from error

    def _is_ours(self, key: str) -> bool:
        """Whether a key is a regular file inside the folder, not a link out of it."""
        path = self.root / key
        return path.is_file() and path.resolve().is_relative_to(self.root.resolve())

    def _arrival(self, key: str) -> Arrival:
        """What the file system says of a file: a change of its content changes the stamp."""
        status = (self.root / key).stat()
        return Arrival(key, "", status.st_size, f"{status.st_mtime_ns}-{status.st_size}")


def _tell_nobody(_key: str, _why: str) -> None:
    """Ignore skipped objects."""


class LandedObjects:
    """Our own copies of all objects, named by their content."""

    def __init__(self, files: Files) -> None:
        """Keep the copies in a store of immutable files."""
        self.files = files

    def land(self, source: ObjectStore, arrival: Arrival, now: datetime, most: int | None = None) -> LandedObject:
        """Copy an object byte for byte and say what it is; the same bytes under the same key are one object.

        Raises ObjectError, and keeps nothing, as soon as it turns out to have more than ``most`` bytes.
        """
        checksum, size = self._copy(source, arrival, most)
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

    @contextmanager
    def at_hand(self, landed: LandedObject) -> Iterator[Path]:
        """A path with the copy's bytes until the end of the block; ObjectError when it is missing."""
        with ExitStack() as opened:
            try:
                path = opened.enter_context(self.files.at_hand(_place(landed.checksum)))
            except NotFound as error:
                raise ObjectError(
                    f"the landed copy of {landed.key!r} is missing; put the object back and ingest again"
                ) from error
            yield path

    def is_intact(self, landed: LandedObject) -> bool:
        """Whether the copy is there and holds the bytes that arrived."""
        name = _place(landed.checksum)
        return self.files.exists(name) and self.files.sha256(name) == landed.checksum

    def _copy(self, source: ObjectStore, arrival: Arrival, most: int | None) -> tuple[str, int]:
        """Stream an object into the store; its SHA-256 and size in bytes."""
        content, size = sha256(), 0
        with self.files.being_written(lambda: _place(content.hexdigest())) as stream:
            for chunk in source.read(arrival):
                content.update(chunk)
                size += stream.write(chunk)
                if most is not None and size > most:
                    raise ObjectError(f"object {arrival.key!r} grew beyond {most:,} bytes while it was copied")
        return content.hexdigest(), size


def _place(checksum: str) -> str:
    """Where the copy with a checksum lies; two letters a folder keep folders small."""
    return f"{checksum[:2]}/{checksum}"
