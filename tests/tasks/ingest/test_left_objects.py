"""What lies among the objects and is no batch: left alone, told once, kept, and never in the way of a batch."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clients.commands import done
from tests.projects.small_project import a_day, deliver, make_project
from tests.servers.s3_server import client, fresh_bucket
from tiltyard.ingest.object_keys import UNFINISHED, is_batch, is_marker, matches_pattern, skip_reason
from tiltyard.stores.files import FolderObjects
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.workspace.workspace import Workspace

CONSTRUCTION = [
    "_temporary/0/part-0.csv",
    "out/_temporary/0/part-0.csv",
    "a.csv.part",
    "a.csv.tmp",
    "a.csv._COPYING_",
    "a.csv.crdownload",
    "~$a.csv",
    "a.csv~",
    "__magic_job-1/a.csv",
    "_tmp.000000_0.csv",
]
MARKS = ["_SUCCESS", "out/_SUCCESS", "Thumbs.db", "thumbs.DB", ".DS_Store", "desktop.ini", "days_$folder$", "_metadata"]
MARKS += ["_committed_123", "_spark_metadata/0.csv", "__MACOSX/a.csv", "$RECYCLE.BIN/a.csv"]
WHOLE = ["a.csv", "dt=2024-01-01/a.csv", "_orders.csv", "temporary/a.csv", "success.csv", "tmp/a.csv", "a.part.csv"]


def project_of(workspace: Workspace) -> str:
    return str(workspace.project_file.parent)


def ingested(workspace: Workspace) -> dict[str, str]:
    """The objects that were taken in, with the state of each."""
    project = project_of(workspace)
    land_objects.fn(project)
    for object_id in objects_to_check.fn(project):
        check_batch.fn(project, object_id)
    batches = workspace.ledger.batches
    return {batches.get_object(one.object_id).key: one.state for one in batches.all()}


def fill(root: Path) -> dict[str, str]:
    """A folder with everything in it that is no batch, and one batch last; each with a word of why it is left."""
    put = {key: "under construction" for key in CONSTRUCTION}
    put |= {".hidden.csv": "hidden", ".git/x.csv": "hidden"}
    for key in [*put, *MARKS]:
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_text("x")
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.csv").write_text("x")
    (root / "link.csv").symlink_to(elsewhere / "b.csv")
    (root / "broken.csv").symlink_to(elsewhere / "gone.csv")
    (root / "loop.csv").symlink_to(root / "loop.csv")
    (root / "linked").symlink_to(elsewhere)
    os.mkfifo(root / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "s.csv"))
    Path(os.fsdecode(bytes(root) + b"/caf\xe9.csv")).write_text("x")
    with (root / "1.csv").open("wb") as huge:
        huge.truncate(60_000_000_000)
    odd = {"link.csv": "link", "broken.csv": "link", "loop.csv": "link", "linked/": "link", "pipe.csv": "pipe"}
    return put | odd | {"s.csv": "socket", "caf\\xe9.csv": "not UTF-8", "1.csv": "limits.max_bytes"}


def test_everything_that_is_no_batch_is_left_and_told_once(tmp_path: Path) -> None:
    workspace = make_project(tmp_path / "p")
    assert isinstance(workspace.source, FolderObjects)
    expected = fill(workspace.source.root)
    deliver(workspace, "z.csv", a_day(1))
    assert ingested(workspace) == {"z.csv": "accepted"}
    told = {one.key: one.why for one in workspace.left.all()}
    for key, why in expected.items():
        found = next((told[name] for name in told if key == name or (name.endswith("/") and key.startswith(name))), "")
        assert why in found, (key, told)
    assert not any(is_marker(key.rstrip("/")) for key in told)
    before = list(workspace.left.files.names())
    assert ingested(workspace) == {"z.csv": "accepted"}
    assert list(workspace.left.files.names()) == before


def test_the_command_shows_what_it_left_once(tmp_path: Path) -> None:
    workspace = make_project(tmp_path / "p")
    assert isinstance(workspace.source, FolderObjects)
    fill(workspace.source.root)
    deliver(workspace, "z.csv", a_day(1))
    first = done("ingest", "-p", tmp_path / "p", COLUMNS="200")
    assert "pipe.csv" in first.out
    assert "limits.max_bytes" in first.out
    second = done("ingest", "-p", tmp_path / "p")
    assert "pipe.csv" not in second.out
    (workspace.source.root / "late.csv").symlink_to("/nowhere")
    assert [one["object"] for one in done("ingest", "-p", tmp_path / "p", "--json").data["left"]] == ["late.csv"]
    status = done("status", "-p", tmp_path / "p", "--json").data
    assert {"object": "pipe.csv", "why": "not a regular file: a pipe, a socket or a device"} in status["left_alone"]
    assert status["arrived"] == 0
    assert "arrived" not in done("status", "-p", tmp_path / "p").out.split("Next")[-1], "nothing waits to be landed"


@pytest.fixture
def bucket(aws: str, tmp_path: Path) -> tuple[Workspace, Any]:
    """A project whose objects arrive in a bucket, and the client that puts them there."""
    name = fresh_bucket(aws)
    workspace = make_project(tmp_path, source={"folder": f"s3://{name}/small"}, limits={"max_bytes": 5_000})
    s3 = client("s3", aws)
    return workspace, lambda key, body: s3.put_object(Bucket=name, Key=f"small/{key}", Body=body)


def test_a_bucket_is_asked_the_same(bucket: tuple[Workspace, Any]) -> None:
    workspace, put = bucket
    for key in [*CONSTRUCTION, *MARKS, ".hidden.csv"]:
        put(key, b"x")
    put("days", b"")
    put("days/z.csv", a_day(1).encode())
    put("1.csv", b"x" * 6_000)
    assert ingested(workspace) == {"days/z.csv": "accepted"}
    told = {one.key: one.why for one in workspace.left.all()}
    assert "limits.max_bytes" in told["1.csv"]
    assert told["_temporary/"] == "under construction"
    assert workspace.landed.files.exists("x") is False
    assert len(list(workspace.landed.files.names())) == 1


def test_an_object_that_grows_while_it_is_copied_is_not_kept(tmp_path: Path) -> None:
    workspace = make_project(tmp_path)
    deliver(workspace, "a.csv", "x" * 100)
    (arrival,) = workspace.source.arrivals("*")
    with pytest.raises(Exception, match="grew beyond 50 bytes"):
        workspace.landed.land(workspace.source, arrival, workspace.clock(), 50)
    assert list(workspace.landed.files.names()) == []


def test_a_larger_limit_takes_the_object_in(tmp_path: Path) -> None:
    small = make_project(tmp_path, limits={"max_bytes": 100, "bad_rows": 0.2})
    deliver(small, "a.csv", a_day(1))
    assert ingested(small) == {}
    assert ingested(make_project(tmp_path, limits={"max_bytes": 10_000, "bad_rows": 0.2})) == {"a.csv": "accepted"}


@pytest.mark.parametrize("key", WHOLE)
def test_whole_objects_are_batches(key: str) -> None:
    assert is_batch(key, "*")


@pytest.mark.parametrize("key", [*CONSTRUCTION, *MARKS])
def test_temporary_keys_and_marks_are_no_batches(key: str) -> None:
    assert not is_batch(key, "*")
    assert is_marker(key) or skip_reason(key) is not None


PARTS = st.text("abc_.$~", min_size=1, max_size=5)


@given(st.lists(PARTS, min_size=1, max_size=3).map("/".join), st.sampled_from(UNFINISHED), st.booleans())
def test_each_key_is_a_batch_a_mark_or_told(key: str, ending: str, big: bool) -> None:
    assert is_batch(key, "*") + is_marker(key) + (not is_marker(key) and skip_reason(key) is not None) == 1
    spoilt = key + (ending.upper() if big else ending)
    assert not is_batch(spoilt, "*")
    assert matches_pattern(spoilt, f"*{key[-1]}")
