"""The loop with the rights of deployments/iam and no others, against a server that refuses what they do not allow."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.deployed_commands import BIN
from tests.deployments.strict_account import FILES, LANDING, QUEUE, UNUSABLE, client_of, strict_account
from tests.projects.small_project import a_day, make_project
from tests.servers.prefect_server import running_prefect
from tests.servers.s3_server import REGION, credentials

pytestmark = pytest.mark.timeout(600)

NOTIFY = {
    "QueueConfigurations": [
        {"QueueArn": f"arn:aws:sqs:{REGION}:123456789012:{QUEUE}", "Events": ["s3:ObjectCreated:*"]}
    ]
}


class Account:
    """The account, and commands run with the key of one part."""

    def __init__(self, url: str, keys: dict[str, dict[str, str]], project: Path) -> None:
        self.url, self.keys, self.project = url, keys, project

    def environment(self, part: str) -> dict[str, str]:
        """Where everything is, with a part's key."""
        key = {name.upper(): value for name, value in self.keys[part].items()}
        places = {
            "TILTYARD_SOURCE_URL": f"s3://{LANDING}/{{project}}",
            "TILTYARD_FILES_URL": f"s3://{FILES}/{{project}}",
            "TILTYARD_WATCH_QUEUE": f"{self.url}/123456789012/{QUEUE}",
            "TILTYARD_WATCH_DEAD_LETTERS": f"{self.url}/123456789012/{UNUSABLE}",
            "TILTYARD_RETRY_SECONDS": "1",
        }
        others = {name: value for name, value in os.environ.items() if not name.startswith(("TILTYARD_", "COV_"))}
        return {**others, **credentials(self.url), **key, **places, "TILTYARD_PROJECT": str(self.project)}

    def run(self, part: str, *words: str, **more: str) -> Any:
        """What a command answers as JSON; it must succeed."""
        environment = {**self.environment(part), **more}
        run = subprocess.run(
            [BIN / "tiltyard", *words, "--json"], env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, f"{part} {words}: {run.stderr[-2000:]}{run.stdout[-2000:]}"
        return json.loads(run.stdout)

    def deliver(self, key: str, content: str) -> None:
        """Put an object as a producer does, who has rights of their own."""
        s3 = client_of("s3", self.url, self.keys["owner"])
        s3.put_object(Bucket=LANDING, Key=key, Body=content.encode())


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    project = make_project(tmp_path_factory.mktemp("rights") / "small").project_file.parent
    with strict_account() as (url, keys):
        owner = client_of("s3", url, keys["owner"])
        owner.put_bucket_versioning(Bucket=LANDING, VersioningConfiguration={"Status": "Enabled"})
        owner.put_bucket_notification_configuration(Bucket=LANDING, NotificationConfiguration=NOTIFY)
        yield Account(url, keys, project)


def test_the_loop_needs_no_more(account: Account) -> None:
    """Take in, check, ask, seal, verify and look: with the worker's key."""
    account.deliver("small/day-1.csv", a_day(1))
    assert account.run("worker", "ingest")
    assert account.run("worker", "ask")
    status = account.run("worker", "status")
    assert [one["object"] for one in status["batches"]] == ["day-1.csv"]
    assert sum(status["queue"].values()) > 0
    account.run("worker", "verify")
    findings = {one["name"]: one["state"] for one in account.run("worker", "doctor")["findings"]}
    assert "fail" not in findings.values(), findings


def test_watch_needs_no_more(account: Account, tmp_path: Path) -> None:
    """Take a message, look at its object, make a run, put aside what is of no use: with watch's key."""
    with running_prefect(tmp_path / "prefect") as server:
        server.prefect("work-pool", "create", "tiltyard", "--type", "process")
        to_prefect = {"PREFECT_API_URL": server.url, "PREFECT_HOME": str(server.home)}
        account.run("worker", "deploy", **to_prefect)
        account.deliver("small/day-2.csv", a_day(2))
        account.deliver("nobodys/day-2.csv", a_day(2))
        counts = account.run("watch", "watch", "--once", **to_prefect)["counts"]
        assert len(server.runs_of("ingest-batch/small")) == 1, counts
    sqs = client_of("sqs", account.url, account.keys["owner"])
    url = f"{account.url}/123456789012/{UNUSABLE}"
    unusable = sorted(one["Body"] for one in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"])
    assert ["nobodys" in body for body in unusable] == [True, False], "the account has a message that says nothing"
    left = sqs.get_queue_attributes(QueueUrl=f"{account.url}/123456789012/{QUEUE}", AttributeNames=["All"])[
        "Attributes"
    ]
    assert left["ApproximateNumberOfMessages"] == "0"


def test_without_the_files_policy_the_loop_is_told(account: Account) -> None:
    """The refusals are real: with watch's key nothing is landed, and the sentence says which bucket refuses."""
    account.deliver("small/day-3.csv", a_day(3))
    run = subprocess.run(
        [BIN / "tiltyard", "ingest"], env=account.environment("watch"), capture_output=True, text=True, check=False
    )
    assert run.returncode != 0
    assert FILES in run.stderr
