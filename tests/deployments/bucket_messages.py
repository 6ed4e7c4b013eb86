"""Messages about buckets, as AWS writes them and as nobody should: what tests put into a queue."""

import json
from typing import Any
from urllib.parse import quote_plus

ODD_KEYS = (
    "plain.csv",
    "with space.csv",
    "a+b.csv",
    "a%2Bb.csv",
    "100%.csv",
    "%41%25.csv",
    "über/größe.csv",
    "日本/語.csv",
    "emoji 🐎.csv",
    "quote'\"`.csv",
    "back\\slash.csv",
    "a&b=c;d?e#f.csv",
    "{{ event.payload }}.csv",
    "{% raw %}{{ 1 + 1 }}.csv",
    "<script>alert(1)</script>.csv",
    "$(reboot) | `ls`.csv",
    "a,b;c:d@e.csv",
    "star*[x]?.csv",
    "tab\there.csv",
    "e\u0301 is not é.csv",
    "right\u202eleft.csv",
    "=cmd|' calc'!A0.csv",
    "%00.csv",
    "a..csv",
    "-rf.csv",
    "~root.csv",
    "deep/" * 50 + "end.csv",
    "k" * 1000 + ".csv",
)
"""Keys that S3 takes and that somebody somewhere decodes, splits, renders or runs by mistake."""


def s3_record(bucket: str, key: str, event: str = "ObjectCreated:Put", /, **of_object: Any) -> dict[str, Any]:
    """One record of S3's notification; the key is percent-encoded as S3 does it."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-03-01T12:00:00.000Z",
        "eventName": event,
        "userIdentity": {"principalId": "AWS:EXAMPLE"},
        "requestParameters": {"sourceIPAddress": "203.0.113.7"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "tiltyard",
            "bucket": {"name": bucket, "ownerIdentity": {"principalId": "EXAMPLE"}, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {
                "key": quote_plus(key, safe="/"),
                "size": 10,
                "eTag": "0cc175b9c0f1b6a831c399e269772661",
                "sequencer": "0055AED6DCD90281E5",
                **of_object,
            },
        },
    }


def s3_message(*records: dict[str, Any]) -> str:
    """A message as S3 puts it into a queue."""
    return json.dumps({"Records": list(records)})


def bridged(bucket: str, key: str, event: str = "Object Created", /, **of_object: Any) -> str:
    """A message as a rule of EventBridge puts it into a queue; the key stands as it is."""
    return json.dumps(
        {
            "version": "0",
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": event,
            "source": "aws.s3",
            "account": "111122223333",
            "time": "2026-03-01T12:00:00Z",
            "region": "eu-central-1",
            "resources": [f"arn:aws:s3:::{bucket}"],
            "detail": {
                "version": "0",
                "bucket": {"name": bucket},
                "object": {"key": key, "size": 10, "etag": "0cc175b9c0f1b6a831c399e269772661", **of_object},
                "reason": "PutObject",
            },
        }
    )


def through_sns(message: str, kind: str = "Notification") -> str:
    """A message as SNS puts it into a queue when raw delivery is off."""
    return json.dumps(
        {
            "Type": kind,
            "MessageId": "da41e39f-ea4d-435a-b922-c6aae3915ebe",
            "TopicArn": "arn:aws:sns:eu-central-1:111122223333:arrivals",
            "Subject": "Amazon S3 Notification",
            "Message": message,
            "Timestamp": "2026-03-01T12:00:00.000Z",
            "SignatureVersion": "1",
            "Signature": "none",
            "UnsubscribeURL": "https://sns.example/unsubscribe",
        }
    )


def set_up_event(bucket: str) -> str:
    """What S3 sends once, when notifications are set up."""
    return json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": bucket, "RequestId": "1"})


def _changed(**at_the_top: Any) -> str:
    """A message of one record with something else at the record's top."""
    return s3_message({**s3_record("landing", "a.csv"), **at_the_top})


def _without(name: str) -> str:
    """A message of one record that lacks something."""
    record = s3_record("landing", "a.csv")
    del record[name]
    return s3_message(record)


def _object(**of_object: Any) -> str:
    """A message of one record with something else in its object."""
    return s3_message(s3_record("landing", "a.csv", **of_object))


def _bucket(name: Any) -> str:
    """A message about a bucket of any name."""
    return s3_message(s3_record(name, "a.csv"))


HOSTILE: dict[str, tuple[str, str]] = {
    "empty": ("", "no JSON"),
    "blank": (" \n\t ", "no JSON"),
    "words": ("hello", "no JSON"),
    "html": ("<html><body>502 Bad Gateway</body></html>", "no JSON"),
    "cut off": (_object()[:-40], "no JSON"),
    "two documents": (_object() * 2, "no JSON: Extra data"),
    "byte order mark": ("\ufeff" + _object(), "no JSON"),
    "null": ("null", "null instead of an object"),
    "number": ("17", "a number instead of an object"),
    "text": ('"Records"', "a text instead of an object"),
    "list": (json.dumps([{"Records": []}]), "a list instead of an object"),
    "NaN": ('{"Records": NaN}', "NaN is not a number"),
    "infinite": ('{"Records": -Infinity}', "-Infinity is not a number"),
    "a very long number": ('{"Records": ' + "9" * 5000 + "}", "a number is too long"),
    "deep lists": ("[" * 200_000, "nested too deeply"),
    "deep objects": ('{"Records":' * 80_000, "nested too deeply"),
    "huge": ('"' + "a" * (1 << 20) + '"', "more than 1,048,576"),
    "a key twice": ('{"Records": [], "Records": []}', "stands twice"),
    "nothing of ours": ('{"message": "hello"}', "neither Records"),
    "empty object": ("{}", "neither Records"),
    "another test event": ('{"Event": "s3:OtherEvent"}', "neither Records"),
    "no records": ('{"Records": []}', "a list instead of a list with something in it"),
    "records that are none": ('{"Records": {"0": {}}}', "an object instead of a list"),
    "records of null": ('{"Records": null}', "null instead of a list"),
    "a record that is a text": ('{"Records": ["a.csv"]}', "Records.0: it: Input should be a valid dictionary"),
    "too many records": (s3_message(*[s3_record("landing", "a.csv")] * 101), "101 of them, more than 100"),
    "another service": (_changed(eventSource="aws:sqs"), "Records.0: eventSource"),
    "no service": (_without("eventSource"), "Records.0: eventSource: Field required"),
    "another version": (_changed(eventVersion="3.0"), "Records.0: eventVersion"),
    "a version as a number": (_changed(eventVersion=2.1), "Records.0: eventVersion: Input should be a valid string"),
    "no event": (_without("eventName"), "Records.0: eventName: Field required"),
    "an unknown event": (_changed(eventName="ObjectEaten:Whole"), "'ObjectEaten:Whole' is not an S3 event"),
    "no s3": (_without("s3"), "Records.0: s3: Field required"),
    "s3 is null": (_changed(s3=None), "Records.0: s3"),
    "no key": (_object(key=""), "Records.0: s3.object.key"),
    "a key that is null": (_object(key=None), "Records.0: s3.object.key"),
    "a key that is a list": (_object(key=["a.csv"]), "Records.0: s3.object.key"),
    "a key of bytes that are no text": (_object(key="%FF%FE.csv"), "not UTF-8"),
    "half a surrogate": (_object(key="\ud800.csv"), "s3.object.key: Input should be a valid string"),
    "half a surrogate as a field": ('{"\\ud800": 1}', "neither Records"),
    "half a surrogate in a record": (_changed(**{"\ud800": "\ud800", "s3": {}}), "s3.bucket: Field required"),
    "half a surrogate as an event": (_changed(eventName="\ud800"), "eventName"),
    "half a surrogate by EventBridge": (bridged("landing", "\ud800.csv"), "object.key"),
    "a NUL": (_object(key="a%00b.csv"), "NUL"),
    "a long key": (_object(key="k" * 1025), "1,025 bytes, more than 1,024"),
    "a long key in bytes": (_object(key=quote_plus("é" * 600)), "1,200 bytes, more than 1,024"),
    "a size below nothing": (_object(size=-1), "s3.object.size"),
    "a size that is a text": (_object(size="10"), "s3.object.size"),
    "a size that is true": (_object(size=True), "s3.object.size"),
    "an ETag that is a number": (_object(eTag=5), "s3.object.eTag"),
    "a version that is an object": (_object(versionId={"a": 1}), "s3.object.versionId: Input should be a valid string"),
    "a bucket that is a path": (_bucket("../landing"), "s3.bucket.name"),
    "a bucket that is an address": (_bucket("http://169.254.169.254/"), "s3.bucket.name"),
    "a bucket of odd letters": (_bucket("läding"), "s3.bucket.name"),
    "a bucket with a line end": (_bucket("landing\n"), "s3.bucket.name"),
    "no bucket": (_bucket(""), "s3.bucket.name"),
    "a bucket that is null": (_bucket(None), "s3.bucket.name"),
    "another source": (bridged("landing", "a.csv").replace("aws.s3", "aws.ec2"), "source: Input should be 'aws.s3'"),
    "another event": (bridged("landing", "a.csv", "EC2 Changed"), "'EC2 Changed' is not an S3 event"),
    "no detail": ('{"source": "aws.s3", "detail-type": "Object Created"}', "detail: Field required"),
    "a NUL by EventBridge": (bridged("landing", "a\0.csv"), "NUL"),
    "a subscription": (through_sns("Visit", "SubscriptionConfirmation"), "SNS wants its subscription confirmed"),
    "another kind of SNS": (through_sns("Visit", "Order"), "Type: Input should be 'Notification'"),
    "a type that is a list": ('{"Type": ["Notification"]}', "Type"),
    "SNS with words inside": (through_sns("hello"), "no JSON"),
    "SNS with an object inside": ('{"Type": "Notification", "Message": {"Records": []}}', "Message"),
    "SNS inside SNS": (through_sns(through_sns(_object())), "neither Records"),
    "deep lists inside SNS": (through_sns("[" * 200_000), "nested too deeply"),
}
"""Messages that must be refused, each with what the reason says."""
