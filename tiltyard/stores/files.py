"""Immutable files in a folder: written whole or not at all, on disk when the call returns."""

import os
from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path
from typing import IO
from uuid import uuid4

from schemas.errors import NotFound


class FileStore:
    """A folder of files that are written once and never changed.

    Writing is: temporary file, fsync, rename, fsync of the folder. A crash leaves at most a temporary file,
    which the next opening sweeps away.
    """

    def __init__(self, root: Path) -> None:
        """Open a folder, making it if it is not there."""
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """Where a file is; a name that would leave the folder is refused with NotFound."""
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise NotFound(f"{name!r} is not a name inside the store")
        return path

    def exists(self, name: str) -> bool:
        """Whether the file is there."""
        return self.path(name).is_file()

    def read(self, name: str) -> bytes:
        """The file's bytes; NotFound when it is not there."""
        if not self.exists(name):
            raise NotFound(f"file {name!r} is missing from {self.root.name}/; restore it from a backup")
        return self.path(name).read_bytes()

    def sha256(self, name: str) -> str:
        """The SHA-256 of the file's bytes, 64 hex digits."""
        with self.path(name).open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()

    def names(self) -> Iterator[str]:
        """The names of all files, sorted; temporary files left out."""
        found = (path for path in self.root.rglob("*") if path.is_file() and not path.name.startswith(".writing-"))
        yield from sorted(str(path.relative_to(self.root)) for path in found)

    def write(self, name: str, content: bytes) -> None:
        """Put a file in place; it is on disk when this returns."""
        with self.being_written(name) as stream:
            stream.write(content)

    def being_written(self, name: str) -> "Writing":
        """A context that gives a binary stream, and puts the file in place when it ends without an exception."""
        return Writing(self.path(name))

    def sweep(self) -> int:
        """Remove temporary files that a crash left; returns how many. Only when nobody else is writing."""
        left = list(self.root.rglob(".writing-*"))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


class Writing:
    """A file that is being written beside its final place."""

    def __init__(self, final: Path) -> None:
        """Prepare to write ``final``."""
        self._final = final
        self.path = final.parent / f".writing-{uuid4().hex}"
        self._stream: IO[bytes] | None = None

    def __enter__(self) -> IO[bytes]:
        """Open the temporary file."""
        self._final.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self.path.open("wb")
        return self._stream

    def __exit__(self, kind: object, *_rest: object) -> None:
        """Put the file in place, or remove it after an exception."""
        assert self._stream is not None
        if kind is not None:
            self._stream.close()
            self.path.unlink(missing_ok=True)
            return
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self.path.replace(self._final)
        _sync_folder(self._final.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
