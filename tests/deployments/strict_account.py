"""An account of AWS that checks rights, on this machine: the loop's buckets and queues, and a user for each part."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import httpx

from tests.deployments.iam_policies import PLACES, policy
from tests.servers.s3_server import REGION, client, running_aws

ROLES = {
    "worker": ("landing-reader", "files-writer"),
    "watch": ("landing-reader", "queue-consumer"),
}
"""Which policies each part gets: deployments/README.md says the same."""

LANDING, FILES, OTHER = PLACES["landing_bucket"], PLACES["files_bucket"], "somebody-elses"
QUEUE, UNUSABLE = (PLACES[name].rsplit(":", 1)[-1] for name in ("queue_arn", "unusable_queue_arn"))

ANY_QUEUE = {"queue_arn": "*", "unusable_queue_arn": "*"}
"""The server of the tests checks the actions on queues, not which queue is meant: the policy is asked that."""


def client_of(service: str, url: str, key: Mapping[str, str]) -> Any:
    """A client of a service with somebody's key."""
    return boto3.client(service, endpoint_url=url, region_name=REGION, **key)


@contextmanager
def strict_account() -> Iterator[tuple[str, dict[str, dict[str, str]]]]:
    """The account's address, and each part's key; ``owner`` may do everything. Gone at the end of the block."""
    with running_aws() as url:
        made(url)
        keys = {part: key_of(url, part, policies) for part, policies in ROLES.items()}
        keys["owner"] = key_of(url, "owner", ())
        httpx.post(f"{url}/moto-api/reset-auth", content=b"0").raise_for_status()
        yield url, keys


def made(url: str) -> None:
    """The buckets and queues, with an object in each bucket and a message."""
    s3, sqs = client("s3", url), client("sqs", url)
    for bucket in (LANDING, FILES, OTHER):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="bank/a.csv", Body=b"a")
    sqs.create_queue(QueueName=UNUSABLE)
    url_of_queue = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    sqs.send_message(QueueUrl=url_of_queue, MessageBody="{}")


def key_of(url: str, user: str, policies: tuple[str, ...]) -> dict[str, str]:
    """A user with the policies of a part, or with every right; their key."""
    iam = client("iam", url)
    iam.create_user(UserName=user)
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    for name in policies or ("everything",):
        document = _with_batches(policy(name, {**PLACES, **ANY_QUEUE})) if policies else everything
        iam.put_user_policy(UserName=user, PolicyName=name, PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def _with_batches(document: dict[str, Any]) -> dict[str, Any]:
    """A policy as the server of the tests reads it.

    For AWS whoever may delete a message may delete ten at once, and there is no other right for that; this server
    wants one by the name of the call.
    """
    for statement in document["Statement"]:
        queues = [name for name in statement["Action"] if name.endswith(("Message", "Visibility"))]
        statement["Action"] = [*statement["Action"], *(f"{name}Batch" for name in queues if name.startswith("sqs:"))]
    return document
