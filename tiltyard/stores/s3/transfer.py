"""Bytes into a bucket, once, and out of it: checked on the way, and never half there."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tiltyard.schemas.errors import NotFound, ObjectError, Unavailable
from tiltyard.stores.files.local import sha256_of_file
from tiltyard.stores.s3.bucket import Bucket
from tiltyard.stores.s3.client import error_code, translate_errors

CHUNK: Final = 1 << 20
PART: Final = 32 << 20
"""Bytes of a part; what is larger than one is sent in parts, at most 10,000 of them."""

SHA256: Final = "SHA256"
ONCE: Final = {"IfNoneMatch": "*"}
TAKEN: Final = {"PreconditionFailed", "412", "NoSuchUpload"}
"""The name is taken, or the upload is over: by a rival, or by our own request whose answer was lost."""

NOT_OFFERED: Final = {"NotImplemented", "501"}


def upload(place: Bucket, key: str, path: Path) -> None:
    """Put a file into a bucket under a key that nobody has written; it is stored, with its checksum, on return.

    Where the key holds these very bytes already, nothing remains to do: a concurrent run was faster, or the answer to
    our own request was lost. Raises ObjectError when it holds other bytes, and what ``answered`` raises.
    """
    with translate_errors(f"file {key!r} in {place}"):
        try:
            _send_once(place, key, path)
        except ClientError as error:
            if error_code(error) not in TAKEN:
                raise
            _insist_that_it_is_ours(place, key, path)


def download(place: Bucket, key: str, path: Path) -> None:
    """Write an object's bytes into a file. Raises NotFound when it is not there, Unavailable when it breaks off."""
    with path.open("wb") as stream:
        for chunk in chunks(place, key):
            stream.write(chunk)


def chunks(place: Bucket, key: str) -> Iterator[bytes]:
    """An object's bytes, piece by piece. Raises NotFound when it is not there, Unavailable when it breaks off."""
    with translate_errors(f"file {key!r} in {place}"):
        yield from pieces(place.client.get_object(Bucket=place.name, Key=place.whole_key(key))["Body"])


def pieces(body: Any) -> Iterator[bytes]:
    """The bytes of an answer's body, which is closed at the end."""
    try:
        yield from iter(lambda: body.read(CHUNK), b"")
    finally:
        body.close()


def stored_sha256(place: Bucket, key: str) -> str:
    """The SHA-256 of the bytes in the bucket, 64 hex digits, all of them read; NotFound when it is not there."""
    content = sha256()
    for chunk in chunks(place, key):
        content.update(chunk)
    return content.hexdigest()


def _send_once(place: Bucket, key: str, path: Path) -> None:
    """Send a file on the condition that its name is free; a server that does not know conditions is asked without."""
    try:
        _send(place, key, path, ONCE)
    except ClientError as error:
        if error_code(error) not in NOT_OFFERED:
            raise
        _send(place, key, path, {})


def _send(place: Bucket, key: str, path: Path, condition: dict[str, str]) -> None:
    """Send a file in one request, or in parts when it is large."""
    target = {"Bucket": place.name, "Key": place.whole_key(key)}
    if path.stat().st_size > PART:
        return _send_in_parts(place.client, target, path, condition)
    with path.open("rb") as stream:
        checksum = b64encode(file_digest(stream, "sha256").digest()).decode()
        stream.seek(0)
        place.client.put_object(**target, Body=stream, ChecksumAlgorithm=SHA256, ChecksumSHA256=checksum, **condition)
    return None


def _send_in_parts(client: Any, target: dict[str, str], path: Path, condition: dict[str, str]) -> None:
    """Send a file in parts; nothing is visible before the last request."""
    begun = {**target, "UploadId": client.create_multipart_upload(**target, ChecksumAlgorithm=SHA256)["UploadId"]}
    try:
        parts = [_send_part(client, begun, number, content) for number, content in enumerate(_parts(path), start=1)]
        client.complete_multipart_upload(**begun, MultipartUpload={"Parts": parts}, **condition)
    except BaseException:
        # What this leaves when the server is away, the bucket's rule for unfinished uploads clears.
        with suppress(ClientError, BotoCoreError):
            client.abort_multipart_upload(**begun)
        raise


def _send_part(client: Any, begun: dict[str, str], number: int, content: bytes) -> dict[str, Any]:
    """Send one part; what the last request must say of it."""
    checksum = b64encode(sha256(content).digest()).decode()
    answer = client.upload_part(**begun, PartNumber=number, Body=content, ChecksumSHA256=checksum)
    return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}


def _parts(path: Path) -> Iterator[bytes]:
    """A file's bytes in parts."""
    with path.open("rb") as stream:
        yield from iter(lambda: stream.read(PART), b"")


def _insist_that_it_is_ours(place: Bucket, key: str, path: Path) -> None:
    """Raise ObjectError unless the bucket holds a file's very bytes under the key."""
    try:
        stored = stored_sha256(place, key)
    except NotFound as error:
        raise Unavailable(f"the upload of {key!r} to {place} was lost on its way; try again") from error
    if stored != sha256_of_file(path):
        raise ObjectError(
            f"{place} holds another {key!r}, and files are written once; "
            "restore its earlier version, or remove it if it is damaged, and try again"
        )
