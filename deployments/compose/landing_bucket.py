"""A landing bucket on the S3 server that is tried out: made with its queue, and filled as a producer would.

python landing_bucket.py make
python landing_bucket.py put FILE [FILE ...]

The buckets and the queue are those that TILTYARD_SOURCE_URL and TILTYARD_WATCH_QUEUE name. In an AWS account Terraform
makes them (deployments/terraform).
"""

import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError


def source() -> tuple[str, str]:
    """Bucket and prefix where objects arrive."""
    place = urlsplit(os.environ["TILTYARD_SOURCE_URL"].replace("{project}", os.environ["TILTYARD_PROJECT_NAME"]))
    return place.netloc, place.path.strip("/")


def make() -> None:
    """Make the bucket, its queue with the one for messages that nobody can use, and the notification between them."""
    bucket, prefix = source()
    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    try:
        s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]}
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    told = {"QueueArn": queues(sqs), "Events": ["s3:ObjectCreated:*"], "Filter": under(prefix)}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [told]})
    sys.stdout.write(f"s3://{bucket}/{prefix}/ tells {os.environ['TILTYARD_WATCH_QUEUE']}\n")


def queues(sqs: object) -> str:
    """Make both queues, the second for what was received five times in vain; the ARN of the first."""
    unusable = arn(sqs, name_of("TILTYARD_WATCH_DEAD_LETTERS"), {})
    redrive = json.dumps({"deadLetterTargetArn": unusable, "maxReceiveCount": 5})
    return arn(sqs, name_of("TILTYARD_WATCH_QUEUE"), {"RedrivePolicy": redrive})


def arn(sqs: object, name: str, attributes: dict[str, str]) -> str:
    """Make a queue, unless it is there; its ARN."""
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def name_of(variable: str) -> str:
    """The name at the end of a queue's URL."""
    return os.environ[variable].rsplit("/", 1)[-1]


def under(prefix: str) -> dict[str, object]:
    """A notification's filter: only what lies under the project's prefix."""
    return {"Key": {"FilterRules": [{"Name": "prefix", "Value": f"{prefix}/"}]}}


def put(files: list[str]) -> None:
    """Put files into the bucket, under the project's prefix, one after the other."""
    bucket, prefix = source()
    for file in map(Path, files):
        boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/{file.name}", Body=file.read_bytes())
        sys.stdout.write(f"s3://{bucket}/{prefix}/{file.name}\n")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make"]:
            make()
        case ["put", *names] if names:
            put(names)
        case _:
            sys.exit(__doc__)
