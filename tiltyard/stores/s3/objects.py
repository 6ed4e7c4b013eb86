"""Objects that producers put into a bucket."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from botocore.exceptions import ClientError

from tiltyard.ingest.object_keys import is_batch, is_marker, matches_pattern, skip_reason
from tiltyard.schemas.errors import NotFound
from tiltyard.stores.files.landing import Arrival, Leaving
from tiltyard.stores.s3.bucket import Bucket
from tiltyard.stores.s3.client import error_code, translate_errors
from tiltyard.stores.s3.transfer import pieces

UNVERSIONED: Final = "null"
"""What S3 calls the version of an object that was put while its bucket kept none."""

CHANGED: Final = {"PreconditionFailed", "412"}
NOT_OFFERED: Final = {"NotImplemented", "MethodNotAllowed", "501", "405"}


class S3Objects:
    """A bucket below a prefix, where producers put objects.

    In a versioned bucket every version counts, so that an object which is overwritten or deleted before it was landed
    is not lost.
    """

    def __init__(self, place: Bucket) -> None:
        """Watch a part of a bucket."""
        self.place = place
        self.bucket = place.name
        self.prefix = place.prefix

    @property
    def name(self) -> str:
        """What the ledger calls this place: bucket and prefix, however the bucket is reached."""
        return f"s3:{self.bucket}/{self.prefix}".rstrip("/")

    def __str__(self) -> str:
        """What people call this place."""
        return str(self.place)

    def key_of(self, bucket: str, whole_key: str) -> str | None:
        """The key under our prefix of a whole key in some bucket; None when it is not ours."""
        return self.place.key_of(bucket, whole_key)

    def arrivals(self, pattern: str, leave: Leaving | None = None) -> Iterator[Arrival]:
        """Every batch whose key fits the shell pattern, sorted by key, older versions first.

        Hidden and half-written keys are left out and reported to ``leave``; so are keys that represent folders.
        """
        entries = self._versions() if self.is_versioned() else self.place.listing("list_objects_v2", "Contents")
        for entry in entries:
            key = self.key_of(self.bucket, entry["Key"]) or ""
            if not key or is_marker(key) or not matches_pattern(key, pattern):
                continue
            why = skip_reason(key)
            if why is not None:
                (leave or (lambda *_: None))(*why)
            elif is_batch(key, pattern) and not self._is_folder(key, entry["Size"]):
                yield _arrival(key, entry, entry["Size"])

    def _is_folder(self, key: str, size: int) -> bool:
        """Whether an empty object without an ending stands for a folder, as some tools have it: keys lie below it."""
        if size or "." in key.rpartition("/")[2]:
            return False
        with translate_errors(f"the listing of {self.place}"):
            below = self.place.client.list_objects_v2(
                Bucket=self.bucket, Prefix=f"{self.place.whole_key(key)}/", MaxKeys=1
            )
        return bool(below.get("Contents"))

    def find(self, key: str, version: str = "") -> Arrival:
        """What a listing would say of one object now, or of one of its versions; NotFound when it is not there."""
        which = {"VersionId": version} if version else {}
        with translate_errors(self._of(key)):
            answer = self.place.client.head_object(Bucket=self.bucket, Key=self.place.whole_key(key), **which)
        return _arrival(key, answer, answer["ContentLength"])

    def read(self, arrival: Arrival) -> Iterator[bytes]:
        """The bytes of the very object that was listed, in chunks.

        Raises NotFound when it is gone or was overwritten, ObjectError when it cannot be read, Unavailable when the
        connection breaks before its last byte.
        """
        with translate_errors(self._of(arrival.key)):
            yield from pieces(self._body(arrival))

    def is_versioned(self) -> bool:
        """Whether the bucket keeps versions, or kept them once; servers that offer none are taken at their word."""
        with translate_errors(f"the versioning of {self.place}"):
            try:
                answer = self.place.client.get_bucket_versioning(Bucket=self.bucket)
            except ClientError as error:
                if error_code(error) in NOT_OFFERED:
                    return False
                raise
        return answer.get("Status") in {"Enabled", "Suspended"}

    def _versions(self) -> Iterator[dict[str, Any]]:
        """Every version that is not a delete marker, in the order of keys; S3 lists a key's newest first."""
        listed = self.place.listing("list_object_versions", "Versions")
        for _key, versions in groupby(listed, key=itemgetter("Key")):
            yield from reversed(list(versions))

    def _body(self, arrival: Arrival) -> Any:
        """The stream of exactly the listed object, identified by its version or its ETag."""
        if arrival.version:
            return self._get(arrival.key, VersionId=arrival.version)
        same = {"IfMatch": f'"{arrival.stamp}"'}
        try:
            return self._get(arrival.key, **same)
        except ClientError as error:
            if error_code(error) not in CHANGED:
                raise
        return self._older_body(arrival, same)

    def _older_body(self, arrival: Arrival, same: dict[str, str]) -> Any:
        """The stream of an object that was put before its bucket kept versions, and has a newer one above it."""
        try:
            return self._get(arrival.key, VersionId=UNVERSIONED, **same)
        except ClientError as error:
            if error_code(error) not in {*CHANGED, "NoSuchVersion", "InvalidArgument", "400"}:
                raise
        raise NotFound(f"{self._of(arrival.key)} changed since it was listed; the next listing has the new one")

    def _get(self, key: str, **how: str) -> Any:
        """The stream of an object."""
        return self.place.client.get_object(Bucket=self.bucket, Key=self.place.whole_key(key), **how)["Body"]

    def _of(self, key: str) -> str:
        """An object in messages."""
        return f"object {key!r} in {self.place}"


def _arrival(key: str, said: dict[str, Any], size: int) -> Arrival:
    """An object as a listing or an answer describes it."""
    version = said.get("VersionId", "")
    return Arrival(key, "" if version == UNVERSIONED else version, size, said["ETag"].strip('"'))
