"""Notifications: every envelope that AWS uses is read, everything else is refused, and nothing raises."""

import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.deployments.bucket_messages import (
    HOSTILE,
    ODD_KEYS,
    bridged,
    s3_message,
    s3_record,
    set_up_event,
    through_sns,
)
from tiltyard.ingest.s3_events import Notification, read_notification
from tiltyard.schemas.arrivals import ArrivedObject

ETAG = "0cc175b9c0f1b6a831c399e269772661"
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=200)
TEXT = st.text(st.characters(exclude_categories=[]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("eventVersion", "eventSource", "eventName", "s3", "bucket", "object", "key", "name", "size", "eTag")


def arrived(key: str, **more: Any) -> ArrivedObject:
    return ArrivedObject(**{"bucket": "landing", "key": key, "etag": ETAG, "size": 10, **more})


@pytest.mark.parametrize("key", ODD_KEYS)
@pytest.mark.parametrize("wrap", [str, through_sns], ids=["raw", "sns"])
def test_odd_keys_come_out_as_they_went_in(key: str, wrap: Any) -> None:
    assert read_notification(wrap(s3_message(s3_record("landing", key)))) == Notification((arrived(key),))
    assert read_notification(wrap(bridged("landing", key))) == Notification((arrived(key),))


@given(KEYS)
@example("a+b %2B%20.csv")
def test_any_key_comes_out_as_it_went_in(key: str) -> None:
    """However a server encodes: S3 leaves slashes, moto does not, others encode a space as %20."""
    for encode in (lambda k: quote_plus(k, safe="/"), quote_plus, quote):
        record = s3_record("landing", key)
        record["s3"]["object"]["key"] = encode(key)
        assert read_notification(s3_message(record)).arrived == (arrived(key),)
    assert read_notification(bridged("landing", key).encode()).arrived == (arrived(key),)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (s3_message(s3_record("landing", "a", versionId="v1")), arrived("a", version="v1")),
        (s3_message(s3_record("landing", "a", versionId="null")), arrived("a")),
        (s3_message(s3_record("landing", "a", eTag=f'"{ETAG}"')), arrived("a")),
        (s3_message(s3_record("landing", "a", eTag=None, size=None)), arrived("a", etag="", size=None)),
        (s3_message(s3_record("landing", "a", "s3:ObjectCreated:CompleteMultipartUpload")), arrived("a")),
        (s3_message({**s3_record("landing", "a"), "eventVersion": "2.6"}), arrived("a")),
        (s3_message({**s3_record("landing", "a"), "eventSource": "minio:s3"}), arrived("a")),
        (bridged("landing", "a", **{"version-id": "v1"}), arrived("a", version="v1")),
        (bridged("landing", "a", **{"version-id": "null"}), arrived("a")),
        (bridged("landing", "a", etag=""), arrived("a", etag="")),
    ],
)
def test_versions_and_etags(body: str, expected: ArrivedObject) -> None:
    assert read_notification(body) == Notification((expected,))


def test_a_key_is_decoded_once() -> None:
    record = s3_record("landing", "a")
    record["s3"]["object"]["key"] = "a%252Bb+c%2Bd"
    assert read_notification(s3_message(record)).arrived[0].key == "a%2Bb c+d"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (set_up_event("landing"), "s3:TestEvent"),
        (through_sns(set_up_event("landing")), "s3:TestEvent"),
        (s3_message(s3_record("landing", "a", "ObjectRemoved:Delete")), "ObjectRemoved:Delete"),
        (s3_message(s3_record("landing", "a", "s3:ObjectRemoved:DeleteMarkerCreated")), None),
        (s3_message(s3_record("landing", "a", "LifecycleExpiration:Delete")), "LifecycleExpiration:Delete"),
        (s3_message({**s3_record("landing", "a", "ObjectTagging:Put"), "s3": None}), "ObjectTagging:Put"),
        (bridged("landing", "a", "Object Deleted"), "Object Deleted"),
        (bridged("landing", "a", "Object Tags Added"), "Object Tags Added"),
    ],
)
def test_what_is_no_new_object_is_ignored(body: str, name: str | None) -> None:
    assert read_notification(body) == Notification(ignored=(name or "ObjectRemoved:DeleteMarkerCreated",))


def test_good_and_bad_records_in_one_message_are_both_told() -> None:
    removed = s3_record("landing", "b", "ObjectRemoved:Delete")
    broken = {**s3_record("landing", "c"), "s3": {}}
    found = read_notification(s3_message(s3_record("landing", "a"), removed, broken, s3_record("landing", "d")))
    assert [one.key for one in found.arrived] == ["a", "d"]
    assert found.ignored == ("ObjectRemoved:Delete",)
    assert found.refused == ("Records.2: s3.bucket: Field required, not an object",)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_are_refused_with_the_reason(name: str) -> None:
    body, reason = HOSTILE[name]
    found = read_notification(body)
    assert found.arrived == ()
    assert found.ignored == ()
    assert [reason in one for one in found.refused] == [True], found.refused
    assert len(found.refused[0]) < 250, "a reason fits a message attribute and a line of a log"
    assert found.refused[0].isprintable()


@given(TEXT | st.binary() | JSON.map(json.dumps))
def test_no_message_raises(body: str | bytes) -> None:
    assert read_notification(body).arrived == ()


@given(st.sampled_from(FIELDS), JSON)
def test_no_field_of_a_good_message_raises_whatever_stands_in_it(field: str, value: Any) -> None:
    def put(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: value if name == field else put(inner) for name, inner in part.items()}
        return part

    found = read_notification(s3_message(put(s3_record("landing", "a"))))
    assert len(found.arrived) + len(found.ignored) + len(found.refused) == 1


@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_no_damaged_message_raises(place: int, damage: bytes) -> None:
    whole = s3_message(s3_record("landing", "a")).encode()
    read_notification(whole[:place] + damage + whole[place + len(damage) :])
