"""Immutable files in a bucket: written whole or not at all, stored when the call returns, read through a cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tiltyard.schemas.errors import NotFound
from tiltyard.stores.files import FileCache
from tiltyard.stores.files.local import Named, Writing, said_name
from tiltyard.stores.s3.bucket import Bucket
from tiltyard.stores.s3.client import translate_errors
from tiltyard.stores.s3.transfer import chunks, download, stored_sha256, upload


class S3Files:
    """A bucket below a prefix, of files that are written once and never changed.

    Writing is: temporary file here, then one conditional put or a multipart upload, which shows nothing before its
    end. A crash leaves at most a temporary file, which the next opening sweeps away.
    """

    def __init__(self, place: Bucket, cache: FileCache) -> None:
        """Keep files in a part of a bucket, and copies of those that are read in a part of a cache."""
        self.place = place
        self.cache = cache.of(f"{place.name}/{place.prefix}")

    @property
    def name(self) -> str:
        """What messages call this place."""
        return f"{self.place}/"

    def exists(self, name: str) -> bool:
        """Whether the file is there."""
        self._admit(name)
        try:
            with translate_errors(f"file {name!r} in {self.place}"):
                self.place.client.head_object(Bucket=self.place.name, Key=self.place.whole_key(name))
        except NotFound:
            return False
        return True

    def read(self, name: str) -> bytes:
        """The bytes that the bucket holds; NotFound when the file is not there."""
        self._admit(name)
        return b"".join(chunks(self.place, name))

    @contextmanager
    def at_hand(self, name: str) -> Iterator[Path]:
        """A path on this machine with the file's bytes, until the end of the block; NotFound when it is not there."""
        path = self.cache.link_to(name) or self.cache.temporary()
        try:
            if not path.exists():
                self._fetch(name, path)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def sha256(self, name: str) -> str:
        """The SHA-256 of the bytes that the bucket holds, 64 hex digits; NotFound when the file is not there."""
        self._admit(name)
        return stored_sha256(self.place, name)

    def names(self) -> Iterator[str]:
        """The names of all files, sorted."""
        listed = self.place.listing("list_objects_v2", "Contents")
        keys = (self.place.key_of(self.place.name, entry["Key"]) for entry in listed)
        yield from (key for key in keys if key)

    def write(self, name: str, content: bytes) -> None:
        """Put a file in place; it is stored when this returns."""
        with self.being_written(name) as stream:
            stream.write(content)

    def being_written(self, name: Named) -> Writing:
        """A context that gives a binary stream, and puts the file in place when it ends without an exception."""
        if isinstance(name, str):
            self._admit(name)  # refused before anything is written
        return Writing(self.cache.temporary(), lambda written: self._put(written, said_name(name)))

    def sweep(self) -> int:
        """Remove temporary files that a crash left here; returns how many. Only when nobody else is at work."""
        return self.cache.sweep()

    def _put(self, written: Path, name: str) -> None:
        """Store a written file, and keep it as a copy: what was just written is often read next."""
        self._admit(name)
        upload(self.place, name, written)
        self.cache.keep(written, name)

    def _fetch(self, name: str, path: Path) -> None:
        """Bring a file to this machine, and keep a copy."""
        try:
            download(self.place, name, path)
        except NotFound as error:
            raise NotFound(f"file {name!r} is missing from {self.name}; restore it from a backup") from error
        self.cache.keep(path, name)

    def _admit(self, name: str) -> None:
        """Refuse a name that would leave the store, with NotFound."""
        self.cache.place(name)
