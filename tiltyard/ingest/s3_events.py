"""Notifications: what a message of a queue says about objects that arrived.

Anybody who may write to the queue can write anything, so nothing here raises: what cannot be used is refused, with
a reason that a person can act upon. What is said is a hint only; the bucket itself is asked before anything is done.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import unquote_plus

from pydantic import BaseModel, ValidationError

from tiltyard.schemas.arrivals import ArrivedObject
from tiltyard.schemas.bucket_events import (
    BridgedCreation,
    BridgedObject,
    BridgeHead,
    CreatedRecord,
    NotifiedObject,
    RecordHead,
    SnsEnvelope,
)

Form = TypeVar("Form", bound=BaseModel)

LARGEST: Final = 1 << 20
"""Longest message, in characters: SQS takes no more bytes than this."""

MOST_RECORDS: Final = 100
"""S3 writes one record into a message; a message with more than this is not from S3."""

LONGEST_KEY: Final = 1024
"""Bytes of the longest key of S3."""

CREATED: Final = "ObjectCreated:"
BRIDGED: Final = "Object Created"
OTHER_EVENTS: Final = (
    "ObjectRemoved:",
    "ObjectRestore:",
    "ObjectTagging:",
    "ObjectAcl:",
    "ObjectAccessed:",
    "ReducedRedundancyLostObject",
    "Replication:",
    "LifecycleExpiration:",
    "LifecycleTransition",
    "IntelligentTiering",
    "TestEvent",
)
"""S3's events that do not report a new object."""


@dataclass(frozen=True, slots=True)
class Notification:
    """What one message says: objects that arrived, events that need nothing, and what was refused and why."""

    arrived: tuple[ArrivedObject, ...] = ()
    ignored: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def __add__(self, other: "Notification") -> "Notification":
        """Both together."""
        return Notification(self.arrived + other.arrived, self.ignored + other.ignored, self.refused + other.refused)


class _Refused(Exception):
    """A part of a message cannot be used; the text says why."""


def read_notification(body: str | bytes) -> Notification:
    """The parsed message; never raises an exception.

    Read are S3's own notifications (event version 2.x), EventBridge's events, and either of them inside SNS's
    envelope. A message with good and bad records gives both.

    >>> read_notification('{"Service": "Amazon S3", "Event": "s3:TestEvent"}').ignored
    ('s3:TestEvent',)
    >>> read_notification("hello").refused
    ('no JSON: Expecting value',)
    """
    try:
        return _read(_parse(body), is_wrapped=False)
    except _Refused as refusal:
        return Notification(refused=(str(refusal),))


def _parse(body: str | bytes) -> dict[str, Any]:
    """The JSON object that a message is; the same key twice is two meanings, and refused."""
    if len(body) > LARGEST:
        raise _Refused(f"{len(body):,} characters, more than {LARGEST:,}")
    try:
        content = json.loads(body, object_pairs_hook=_once_each, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise _Refused(f"no JSON: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise _Refused("no JSON: the bytes are not text") from error
    except RecursionError as error:
        raise _Refused("no notification: nested too deeply") from error
    except ValueError as error:  # a whole number of more digits than Python converts
        raise _Refused("no notification: a number is too long") from error
    if not isinstance(content, dict):
        raise _Refused(f"no notification: JSON, but {_kind(content)} instead of an object")
    return content


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are all different."""
    content = dict(pairs)
    if len(content) != len(pairs):
        raise _Refused("no notification: a key stands twice in one JSON object")
    return content


def _no_number(name: str) -> float:
    """Refuse what Python reads as a number and JSON does not have."""
    raise _Refused(f"no JSON: {name} is not a number")


def _read(content: Mapping[str, Any], *, is_wrapped: bool) -> Notification:
    """What a JSON object says, by the shape it has."""
    if "Records" in content:
        return _read_records(content["Records"])
    if "detail-type" in content:
        return _read_bridged(content)
    if content.get("Event") == "s3:TestEvent":
        return Notification(ignored=("s3:TestEvent",))
    if "Type" in content and not is_wrapped:
        return _read(_unwrap(content), is_wrapped=True)
    raise _Refused("no notification of S3, SNS or EventBridge: neither Records, detail-type nor Type")


def _unwrap(content: Mapping[str, Any]) -> dict[str, Any]:
    """What SNS carries. Its other messages want a person to visit an address; we visit none."""
    if content["Type"] in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        raise _Refused("SNS wants its subscription confirmed; do that in AWS, no address is visited from here")
    return _parse(_checked(SnsEnvelope, content).message)


def _read_records(records: Any) -> Notification:
    """What the records of a notification of S3 say, each by itself."""
    if not isinstance(records, list) or not records:
        raise _Refused(f"Records: {_kind(records)} instead of a list with something in it")
    if len(records) > MOST_RECORDS:
        raise _Refused(f"Records: {len(records):,} of them, more than {MOST_RECORDS}")
    said = Notification()
    for number, record in enumerate(records):
        said += _read_record(record, f"Records.{number}")
    return said


def _read_record(record: Any, place: str) -> Notification:
    """What one record of S3 says."""
    try:
        head = _checked(RecordHead, record)
        name = head.name.removeprefix("s3:")
        if name.startswith(CREATED):
            s3 = _checked(CreatedRecord, record).s3
            return Notification(arrived=(_arrived(s3.bucket.name, _decoded(s3.object.key), s3.object),))
        if name.startswith(OTHER_EVENTS):
            return Notification(ignored=(name,))
        raise _Refused(f"eventName: {_short(name)} is not an S3 event")
    except _Refused as refusal:
        return Notification(refused=(f"{place}: {refusal}",))


def _read_bridged(content: Mapping[str, Any]) -> Notification:
    """What an event of EventBridge says."""
    head = _checked(BridgeHead, content)
    if head.name == BRIDGED:
        detail = _checked(BridgedCreation, content).detail
        return Notification(arrived=(_arrived(detail.bucket.name, detail.object.key, detail.object),))
    if head.name.startswith("Object "):
        return Notification(ignored=(head.name,))
    raise _Refused(f"detail-type: {_short(head.name)} is not an S3 event")


def _decoded(key: str) -> str:
    """A key as it is in the bucket: percent-decoded once, a plus is a space."""
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError as error:
        raise _Refused(f"key: {_short(key)} is not UTF-8 when it is decoded") from error


def _arrived(bucket: str, key: str, said: NotifiedObject | BridgedObject) -> ArrivedObject:
    """The object that an event names. The version of an object without one is ``null`` there."""
    length = len(key.encode())
    if length > LONGEST_KEY:
        raise _Refused(f"key: {length:,} bytes, more than {LONGEST_KEY:,}")
    if "\0" in key:
        raise _Refused("key: a NUL character cannot be kept; give the object another name")
    version = "" if said.version in (None, "null") else said.version
    etag = (said.etag or "").strip('"')
    return ArrivedObject(bucket=bucket, key=key, version=version, etag=etag, size=said.size)


def _checked(form: type[Form], content: Any) -> Form:
    """A part of a message in its form; the first thing that does not fit is the reason."""
    try:
        return form.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise _Refused(f"{place}: {first['msg']}, not {_short(first['input'])}") from error


def _short(value: Any) -> str:
    """A value as people can read it in one line; of a container only its kind."""
    if isinstance(value, dict | list):
        return _kind(value)
    shown = ascii(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _kind(value: Any) -> str:
    """What JSON calls a value."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
