"""A look at the buckets before work begins: whether they are reached, what is allowed, what the server promises."""

from botocore.exceptions import ClientError

from tiltyard.stores.s3.bucket import Bucket
from tiltyard.stores.s3.client import error_code, translate_errors
from tiltyard.stores.s3.objects import S3Objects
from tiltyard.stores.s3.transfer import NOT_OFFERED, ONCE, TAKEN

PROBE = ".tiltyard-probe"
"""The one small object that a look at the immutable files leaves in their bucket; it is never deleted or changed."""


def supports_versions(source: S3Objects, pattern: str) -> bool:
    """List and read a source's first object; whether its bucket keeps versions.

    Raises SettingsError when a right is missing, Unavailable when the server does not answer.
    """
    for arrival in source.arrivals(pattern):
        next(source.read(arrival), b"")
        break
    return source.is_versioned()


def supports_conditional_writes(place: Bucket) -> bool:
    """Put a small object twice on the condition that it is not there; whether the second was refused.

    Raises SettingsError when a right is missing, Unavailable when the server does not answer.
    """
    next(place.listing("list_objects_v2", "Contents"), None)
    with translate_errors(f"writing to {place}"):
        return any(not _puts(place) for _attempt in range(2))


def _puts(place: Bucket) -> bool:
    """Whether a put on that condition is taken although the object may be there."""
    try:
        place.client.put_object(Bucket=place.name, Key=place.whole_key(PROBE), Body=b"", **ONCE)
    except ClientError as error:
        if error_code(error) in NOT_OFFERED:
            return True
        if error_code(error) not in TAKEN:
            raise
        return False
    return True
