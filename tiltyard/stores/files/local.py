"""Immutable files in a folder: written whole or not at all, on disk when the call returns."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import IO, Protocol
from uuid import uuid4

from tiltyard.schemas.errors import NotFound

TEMPORARY = ".writing-"
"""The prefix of temporary files; those left by a crash are removed."""

Named = str | Callable[[], str]
"""A file's name, or a function that returns it once everything is written: a name from the content."""


class Files(Protocol):
    """A place of files that are written once and never changed. A folder, or a bucket; one contract test for both."""

    @property
    def name(self) -> str:
        """What messages call this place."""

    def exists(self, name: str) -> bool:
        """Whether the file is there."""

    def read(self, name: str) -> bytes:
        """The file's bytes; NotFound when it is not there."""

    def at_hand(self, name: str) -> AbstractContextManager[Path]:
        """A path on this machine with the file's bytes, until the end of the block; NotFound when it is not there."""

    def sha256(self, name: str) -> str:
        """The SHA-256 of the bytes that are stored, 64 hex digits; NotFound when the file is not there."""

    def names(self) -> Iterator[str]:
        """The names of all files, sorted; temporary files left out."""

    def write(self, name: str, content: bytes) -> None:
        """Put a file in place; it is stored when this returns."""

    def being_written(self, name: Named) -> "Writing":
        """A context that gives a binary stream, and puts the file in place when it ends without an exception."""

    def sweep(self) -> int:
        """Remove temporary files that a crash left; returns how many. Only when nobody else is writing."""


class FileStore:
    """A folder of files that are written once and never changed.

    Writing is: temporary file, fsync, rename, fsync of the folder. A crash leaves at most a temporary file,
    which the next opening removes.
    """

    def __init__(self, root: Path) -> None:
        """Open a folder, making it if it is not there."""
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    @property
    def name(self) -> str:
        """What messages call this place."""
        return f"{self.root.name}/"

    def path(self, name: str) -> Path:
        """Where a file is; a name that would leave the folder is refused with NotFound."""
        return inside(self.root, name)

    def exists(self, name: str) -> bool:
        """Whether the file is there."""
        return self.path(name).is_file()

    def read(self, name: str) -> bytes:
        """The file's bytes; NotFound when it is not there."""
        return self._present(name).read_bytes()

    @contextmanager
    def at_hand(self, name: str) -> Iterator[Path]:
        """The file's own path; NotFound when it is not there."""
        yield self._present(name)

    def sha256(self, name: str) -> str:
        """The SHA-256 of the file's bytes, 64 hex digits; NotFound when it is not there."""
        return sha256_of_file(self._present(name))

    def names(self) -> Iterator[str]:
        """The names of all files, sorted; temporary files left out."""
        found = (path for path in self.root.rglob("*") if path.is_file() and not path.name.startswith(TEMPORARY))
        yield from sorted(str(path.relative_to(self.root)) for path in found)

    def write(self, name: str, content: bytes) -> None:
        """Put a file in place; it is on disk when this returns."""
        with self.being_written(name) as stream:
            stream.write(content)

    def being_written(self, name: Named) -> "Writing":
        """A context that gives a binary stream, and puts the file in place when it ends without an exception."""
        if isinstance(name, str):
            self.path(name)  # refused before anything is written
        return Writing(temporary_in(self.root), lambda written: self._put(written, name))

    def sweep(self) -> int:
        """Remove temporary files that a crash left; returns how many. Only when nobody else is writing."""
        return sweep_folder(self.root)

    def _present(self, name: str) -> Path:
        """Where a file is; NotFound when it is not there."""
        path = self.path(name)
        if not path.is_file():
            raise NotFound(f"file {name!r} is missing from {self.name}; restore it from a backup")
        return path

    def _put(self, written: Path, name: Named) -> None:
        """Give a written file its name; a folder that is made for it is on disk too."""
        place = self.path(said_name(name))
        is_first = not place.parent.exists()
        place.parent.mkdir(parents=True, exist_ok=True)
        written.replace(place)
        _sync_folder(place.parent)
        if is_first:
            _sync_folder(place.parent.parent)


class Writing:
    """A file that is being written, and is put in its place once it is whole and on disk."""

    def __init__(self, path: Path, put: Callable[[Path], None]) -> None:
        """Write to ``path``, which ``put`` takes over at the end."""
        self.path = path
        self._put = put
        self._stream: IO[bytes] | None = None

    def __enter__(self) -> IO[bytes]:
        """Open the temporary file."""
        self._stream = self.path.open("w+b")
        return self._stream

    def __exit__(self, kind: object, *_rest: object) -> None:
        """Put the file in place, or remove it after an exception."""
        assert self._stream is not None
        try:
            if kind is None:
                self._stream.flush()
                os.fsync(self._stream.fileno())
                self._put(self.path)
        finally:
            self._stream.close()
            self.path.unlink(missing_ok=True)


def said_name(name: Named) -> str:
    """The file's name; a name that depends on the content is computed now."""
    return name if isinstance(name, str) else name()


def inside(root: Path, name: str) -> Path:
    """Where a name lies below a folder; a name that would leave the folder is refused with NotFound."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise NotFound(f"{name!r} is not a name inside the store")
    return path


def temporary_in(folder: Path) -> Path:
    """A path for a temporary file in a folder, one that nobody else writes."""
    return folder / f"{TEMPORARY}{uuid4().hex}"


def sweep_folder(root: Path) -> int:
    """Remove the temporary files in a folder and all below it; returns how many."""
    left = list(root.rglob(f"{TEMPORARY}*"))
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, 64 hex digits."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
