"""A bucket that tells a queue what arrives in it, a project behind it, and a worker that the tests play themselves."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments.runner import RunnerDeployment
from prefect.states import Completed, Failed, Running
from prefect.types.entrypoint import EntrypointType

from tests.projects.small_project import make_project
from tests.servers.prefect_server import PrefectServer
from tests.servers.s3_server import client as new_client
from tests.servers.s3_server import fresh_bucket
from tiltyard.flows.ingest_batch import ingest_batch
from tiltyard.schemas.arrivals import ArrivedObject
from tiltyard.schemas.watch_settings import WatchSettings
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.workspace.workspace import Workspace

POOL = "tiltyard"
client = lru_cache(maxsize=8)(new_client)  # making one takes longer than most of what it is asked


@dataclass(frozen=True)
class WatchedBucket:
    """A project whose objects arrive below a prefix of a bucket, the queue that is told, and the dead letters."""

    workspace: Workspace
    aws: str
    bucket: str
    prefix: str
    queue: str
    dead: str

    @property
    def name(self) -> str:
        """The project's name."""
        return self.workspace.project.name

    @property
    def project(self) -> str:
        """The project's folder, as flows take it."""
        return str(self.workspace.project_file.parent)

    @property
    def s3(self) -> Any:
        """A client of S3."""
        return client("s3", self.aws)

    @property
    def sqs(self) -> Any:
        """A client of SQS."""
        return client("sqs", self.aws)

    def settings(self, **changes: Any) -> WatchSettings:
        """What a watch of it is told; it polls shortly and tells nobody of its health."""
        said = {"queue": self.queue, "dead_letters": self.dead, "projects": [self.project]}
        return WatchSettings(**{**said, "poll_seconds": 1, "health_port": 0, **changes})

    def put(self, key: str, content: str = "x,y,colour,row_id\n1,2,red,1\n") -> str:
        """Put an object below the prefix; its ETag."""
        answer = self.s3.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=content.encode())
        return str(answer["ETag"]).strip('"')

    def send(self, *bodies: str) -> None:
        """Put messages into the queue."""
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.queue, MessageBody=body)

    def waiting(self) -> int:
        """How many messages are in the queue, in somebody's hand or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        said = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)["Attributes"]
        return sum(int(said[name]) for name in names)

    def dead_letters(self) -> list[dict[str, str]]:
        """Body and attributes of every dead letter; they stay where they are."""
        found, letters = [], True
        while letters:
            said = self.sqs.receive_message(
                QueueUrl=self.dead, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=600
            )
            letters = said.get("Messages", [])
            found += [
                {"body": one["Body"], **{name: it["StringValue"] for name, it in one["MessageAttributes"].items()}}
                for one in letters
            ]
        return found

    def arn_of(self, url: str) -> str:
        """What AWS calls a queue."""
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return str(found)


def watched_bucket(
    folder: Path, aws: str, *, versioned: bool = False, bucket: str = "", **changes: Any
) -> WatchedBucket:
    """A fresh project, bucket (unless one is named), queue and queue of dead letters; nobody deployed a flow yet."""
    name = f"small-{uuid4().hex[:8]}"
    bucket = bucket or fresh_bucket(aws, versioned)
    source = {"folder": f"s3://{bucket}/{name}", **changes.pop("source", {})}
    sqs = client("sqs", aws)
    urls = [str(sqs.create_queue(QueueName=f"{name}-{kind}")["QueueUrl"]) for kind in ("arrivals", "dead")]
    workspace = make_project(folder / name, **{"name": name, "source": source, **changes})
    return WatchedBucket(workspace, aws, bucket, f"{name}/", *urls)


def tell_queue(watched: WatchedBucket) -> None:
    """Let the bucket tell the queue itself."""
    configuration = {"QueueArn": watched.arn_of(watched.queue), "Events": ["s3:ObjectCreated:*"]}
    told = {"QueueConfigurations": [configuration]}
    watched.s3.put_bucket_notification_configuration(Bucket=watched.bucket, NotificationConfiguration=told)


def tell_topic(watched: WatchedBucket, raw: bool) -> None:
    """Let the bucket tell a topic of SNS, which tells the queue."""
    sns = client("sns", watched.aws)
    topic = sns.create_topic(Name=f"{watched.name}-arrivals")["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=watched.arn_of(watched.queue),
        Attributes={"RawMessageDelivery": str(raw).lower()},
    )
    told = {"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]}
    watched.s3.put_bucket_notification_configuration(Bucket=watched.bucket, NotificationConfiguration=told)


def tell_event_bridge(watched: WatchedBucket) -> None:
    """Let the bucket tell EventBridge, a rule of which tells the queue."""
    events, rule = client("events", watched.aws), f"{watched.name}-arrivals"
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [watched.bucket]}},
    }
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern), State="ENABLED")
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": watched.arn_of(watched.queue)}])
    told: dict[str, Any] = {"EventBridgeConfiguration": {}}
    watched.s3.put_bucket_notification_configuration(Bucket=watched.bucket, NotificationConfiguration=told)


def deploy(server: PrefectServer, watched: WatchedBucket) -> str:
    """Deploy the flow for a project; FLOW/DEPLOYMENT."""
    with server.in_process():
        made = ingest_batch.to_deployment(
            watched.name, parameters={"project": watched.project}, entrypoint_type=EntrypointType.MODULE_PATH
        )
        assert isinstance(made, RunnerDeployment)
        made.apply(work_pool_name=POOL)
    return f"ingest-batch/{watched.name}"


@dataclass(frozen=True)
class PlayedWorker:
    """Runs what is scheduled, one after the other, in the test's own process: an object is landed or it is not.

    The steps after landing are left out; they are the flow's business, not the door's.
    """

    client: SyncPrefectClient
    watched: WatchedBucket

    def scheduled(self) -> list[FlowRun]:
        """The project's runs that nobody began yet, oldest first."""
        begun = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
        runs = self.client.read_flow_runs(flow_run_filter=FlowRunFilter(state=begun), limit=200)
        ours = [run for run in runs if run.parameters["project"] == self.watched.project]
        return sorted(ours, key=lambda run: str(run.created))

    def run_next(self) -> bool:
        """Run the oldest; whether there was one."""
        run = next(iter(self.scheduled()), None)
        if run is None:
            return False
        self.client.set_flow_run_state(run.id, Running(), force=True)
        land_objects.fn(run.parameters["project"], ArrivedObject(**run.parameters["arrived"]))
        self.client.set_flow_run_state(run.id, Completed(), force=True)
        return True

    def fail_all(self) -> None:
        """Let everything that is scheduled fail before it did anything."""
        for run in self.scheduled():
            self.client.set_flow_run_state(run.id, Failed(), force=True)

    def run_until(self, holds: Callable[[], bool], seconds: float = 300) -> int:
        """Run what comes until something holds; how many runs there were."""
        count, deadline = 0, time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "it never came to an end"
            if self.run_next():
                count += 1
            else:
                time.sleep(0.5)
        return count


@contextmanager
def played_worker(server: PrefectServer, watched: WatchedBucket) -> Iterator[PlayedWorker]:
    """A worker for a project's runs."""
    with server.in_process(), get_client(sync_client=True) as client:
        yield PlayedWorker(client, watched)
