"""The IAM policies: AWS knows their actions, they are narrow, and with them the loop can do its work and no more."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.deployments.iam_policies import PLACES, findings, names, policy
from tests.deployments.strict_account import FILES, LANDING, OTHER, QUEUE, UNUSABLE, client_of, strict_account


@pytest.mark.parametrize("name", names())
def test_aws_knows_every_action_and_resource(name: str) -> None:
    assert findings(policy(name)) == []


def test_a_wrong_action_and_a_wrong_resource_are_found() -> None:
    document = policy("landing-reader")
    document["Statement"][0]["Action"].append("s3:ReadBucket")
    assert "UNKNOWN_ACTION" in str(findings(document))
    document = policy("landing-reader")
    document["Statement"][0]["Resource"] = "arn:aws:s3:::tiltyard-landing/*"
    assert "RESOURCE_MISMATCH" in str(findings(document))


@pytest.mark.parametrize("name", names())
def test_nothing_is_allowed_at_large(name: str) -> None:
    """No wildcard for whom, for what, or for which bucket; only refusals may speak of everybody."""
    for statement in policy(name)["Statement"]:
        if statement["Effect"] == "Allow":
            assert statement.get("Principal") != "*"
            assert "*" not in json.dumps(statement["Action"])
            assert statement["Resource"].removesuffix("/*").count("*") == 0


def test_only_the_landing_bucket_of_our_account_may_write_to_the_queue() -> None:
    allowed = [one for one in policy("queue-policy")["Statement"] if one["Effect"] == "Allow"]
    (statement,) = allowed
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"]["ArnEquals"] == {"aws:SourceArn": f"arn:aws:s3:::{LANDING}"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": PLACES["account"]}


@pytest.fixture(scope="module")
def account() -> Iterator[Callable[..., Any]]:
    """An account of AWS that checks rights: gives a client of a service for a part, or for the owner."""
    with strict_account() as (url, keys):
        yield lambda part, service: client_of(service, url, keys[part])


def is_allowed(call: Callable[..., Any], **arguments: Any) -> bool:
    """Whether a call is answered; a refusal is for want of rights, nothing else."""
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
            raise
        return False
    return True


@pytest.mark.parametrize(
    ("part", "action", "bucket", "expected"),
    [
        ("worker", "list_objects_v2", LANDING, True),
        ("worker", "list_object_versions", LANDING, True),
        ("worker", "get_bucket_versioning", LANDING, True),
        ("worker", "list_objects_v2", FILES, True),
        ("worker", "list_objects_v2", OTHER, False),
        ("worker", "delete_bucket", LANDING, False),
        ("worker", "put_bucket_versioning", LANDING, False),
        ("watch", "list_objects_v2", LANDING, True),
        ("watch", "list_objects_v2", FILES, False),
        ("watch", "list_objects_v2", OTHER, False),
    ],
)
def test_buckets(account: Callable[..., Any], part: str, action: str, bucket: str, expected: bool) -> None:
    more = {"VersioningConfiguration": {"Status": "Suspended"}} if action == "put_bucket_versioning" else {}
    assert is_allowed(getattr(account(part, "s3"), action), Bucket=bucket, **more) is expected


@pytest.mark.parametrize(
    ("part", "action", "bucket", "expected"),
    [
        ("worker", "head_object", LANDING, True),
        ("worker", "get_object", LANDING, True),
        ("worker", "put_object", LANDING, False),
        ("worker", "delete_object", LANDING, False),
        ("worker", "head_object", FILES, True),
        ("worker", "get_object", FILES, True),
        ("worker", "put_object", FILES, True),
        ("worker", "create_multipart_upload", FILES, True),
        ("worker", "delete_object", FILES, False),
        ("worker", "get_object", OTHER, False),
        ("worker", "put_object", OTHER, False),
        ("watch", "head_object", LANDING, True),
        ("watch", "get_object", FILES, False),
        ("watch", "put_object", FILES, False),
        ("watch", "delete_object", LANDING, False),
    ],
)
def test_objects(account: Callable[..., Any], part: str, action: str, bucket: str, expected: bool) -> None:
    more = {"Body": b"b"} if action == "put_object" else {}
    assert is_allowed(getattr(account(part, "s3"), action), Bucket=bucket, Key="bank/a.csv", **more) is expected


def test_nothing_was_deleted(account: Callable[..., Any]) -> None:
    owner = account("owner", "s3")
    assert all(owner.head_object(Bucket=bucket, Key="bank/a.csv") for bucket in (LANDING, FILES, OTHER))


def test_watch_takes_messages_and_puts_aside_what_is_of_no_use(account: Callable[..., Any]) -> None:
    sqs = account("watch", "sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    taken = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    assert is_allowed(sqs.change_message_visibility, **taken, VisibilityTimeout=30)
    assert is_allowed(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["RedrivePolicy"])
    unusable = sqs.get_queue_url(QueueName=UNUSABLE)["QueueUrl"]
    assert is_allowed(sqs.send_message, QueueUrl=unusable, MessageBody="{}")
    assert is_allowed(sqs.delete_message, **taken)
    assert not is_allowed(sqs.delete_queue, QueueUrl=url)
    assert not is_allowed(sqs.purge_queue, QueueUrl=url)


def test_the_worker_has_no_say_about_the_queue(account: Callable[..., Any]) -> None:
    assert not is_allowed(account("worker", "sqs").get_queue_url, QueueName=QUEUE)


@pytest.mark.parametrize(
    ("action", "queue", "expected"),
    [("sqs:ReceiveMessage", "queue_arn", True), ("sqs:SendMessage", "queue_arn", False),
     ("sqs:SendMessage", "unusable_queue_arn", True), ("sqs:DeleteMessage", "unusable_queue_arn", False)],
)  # fmt: skip
def test_each_queue_has_its_own_rights(action: str, queue: str, expected: bool) -> None:
    from moto.iam.access_control import IAMPolicy, PermissionResult

    answer = IAMPolicy(json.dumps(policy("queue-consumer"))).is_action_permitted(action, PLACES[queue])
    assert (answer is PermissionResult.PERMITTED) is expected
