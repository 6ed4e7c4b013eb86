"""Landing from a bucket: the named object first, every other after it, and none that keeps the rest from landing."""

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.projects.small_project import deliver, make_project
from tests.servers.s3_server import client, fresh_bucket
from tiltyard.schemas.arrivals import ArrivedObject
from tiltyard.schemas.errors import ObjectError
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.workspace.workspace import Workspace


@pytest.fixture
def workspace(aws: str, tmp_path: Path) -> Workspace:
    """A project whose objects arrive below a prefix of a bucket."""
    return make_project(tmp_path, source={"folder": f"s3://{fresh_bucket(aws)}/small", "pattern": "*.csv"})


@pytest.fixture
def s3(aws: str) -> Any:
    """A client of the bucket's server."""
    return client("s3", aws)


def project_of(workspace: Workspace) -> str:
    return str(workspace.project_file.parent)


def bucket_of(workspace: Workspace) -> str:
    return workspace.project.source.folder.removeprefix("s3://").partition("/")[0]


def named(workspace: Workspace, key: str, **more: str) -> ArrivedObject:
    return ArrivedObject(**{"bucket": bucket_of(workspace), "key": f"small/{key}", **more})


def landed(workspace: Workspace) -> list[str]:
    return [one.key for one in workspace.ledger.batches.objects()]


def test_the_named_object_is_landed_first_and_once(workspace: Workspace) -> None:
    for key in ("a.csv", "b.csv", "c.csv"):
        deliver(workspace, key, key)
    assert len(land_objects.fn(project_of(workspace), named(workspace, "c.csv"))) == 3
    assert landed(workspace) == ["c.csv", "a.csv", "b.csv"]
    assert land_objects.fn(project_of(workspace), named(workspace, "c.csv")) == []


@pytest.mark.parametrize(
    "arrived",
    [
        {"key": "small/gone.csv"},
        {"key": "elsewhere/b.csv"},
        {"key": "small/notes.txt"},
        {"key": "small/.hidden.csv"},
        {"key": "small/a.csv", "version": "nobody-made-it"},
        {"bucket": "somebody-elses", "key": "small/a.csv"},
    ],
    ids=["gone", "foreign prefix", "no batch", "hidden", "no version", "foreign bucket"],
)
def test_a_forged_or_late_name_is_told_and_the_rest_goes_on(
    workspace: Workspace, s3: Any, arrived: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    deliver(workspace, "a.csv", "a")
    for key in ("elsewhere/b.csv", "small/notes.txt", "small/.hidden.csv"):
        s3.put_object(Bucket=bucket_of(workspace), Key=key, Body=b"b")
    with caplog.at_level(logging.WARNING), _heard(caplog):
        land_objects.fn(project_of(workspace), ArrivedObject(**{"bucket": bucket_of(workspace), **arrived}))
    assert landed(workspace) == ["a.csv"]
    assert "other objects continue" in caplog.text


def test_a_folder_is_not_asked_for_objects_of_buckets(tmp_path: Path) -> None:
    made = make_project(tmp_path)
    deliver(made, "a.csv", "a")
    land_objects.fn(project_of(made), ArrivedObject(bucket="landing", key="a.csv"))
    assert landed(made) == ["a.csv"]


def test_the_same_bytes_delivered_again_are_copied_once_more_and_then_known(workspace: Workspace) -> None:
    """In a folder a new time is a new stamp; it is remembered, so that no later run copies the object again."""
    source = make_project(workspace.project_file.parent / "folder")
    deliver(source, "a.csv", "a")
    first = land_objects.fn(project_of(source))
    path = source.project_file.parent / "incoming" / "a.csv"
    path.touch()
    assert land_objects.fn(project_of(source)) == first
    assert land_objects.fn(project_of(source)) == []
    assert landed(source) == ["a.csv"]


def test_an_object_that_cannot_be_read_keeps_no_other_from_landing(
    workspace: Workspace, s3: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """An archived object is left and told of; a run that could land nothing else fails, so that somebody looks."""
    s3.put_object(Bucket=bucket_of(workspace), Key="small/a.csv", Body=b"a", StorageClass="GLACIER")
    deliver(workspace, "b.csv", "b")
    with caplog.at_level(logging.WARNING), _heard(caplog):
        land_objects.fn(project_of(workspace))
    assert landed(workspace) == ["b.csv"]
    assert "archived" in caplog.text
    with pytest.raises(ObjectError, match="restore it in its bucket first"):
        land_objects.fn(project_of(workspace))


class _heard:
    """While it is open, the log that Prefect keeps from its parents is heard too."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.handler, self.log = caplog.handler, logging.getLogger("prefect.tiltyard")

    def __enter__(self) -> None:
        self.log.addHandler(self.handler)

    def __exit__(self, *_: object) -> None:
        self.log.removeHandler(self.handler)
