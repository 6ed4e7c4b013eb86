"""The command line over buckets: what the doctor says of them, and commands that name the place they look at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.commands import done, tiltyard
from tests.projects.small_project import a_day, deliver, make_project
from tests.servers.s3_server import client, credentials, fresh_bucket, running_nanio


@pytest.fixture(scope="module")
def nanio() -> Iterator[str]:
    """The URL of the S3 server that ignores conditional writes and keeps no versions."""
    with running_nanio() as url:
        yield url


def in_buckets(monkeypatch: pytest.MonkeyPatch, url: str, versioned: bool = False) -> str:
    """Let source and files be in fresh buckets of a server; the source's URL."""
    for name, value in credentials(url).items():
        monkeypatch.setenv(name, value)
    source = f"s3://{fresh_bucket(url, versioned=versioned)}/landing/small"
    monkeypatch.setenv("TILTYARD_SOURCE_URL", source)
    monkeypatch.setenv("TILTYARD_FILES_URL", f"s3://{fresh_bucket(url)}/" + "{project}")
    return source


def findings(folder: Path) -> dict[str, dict[str, Any]]:
    """What the doctor says of source and files."""
    told = tiltyard("doctor", "-p", folder, "--json").data
    return {finding["name"]: finding for finding in told["findings"]}


def test_the_doctor_reads_and_writes_the_buckets(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = in_buckets(monkeypatch, aws, versioned=True)
    deliver(make_project(tmp_path), "day-1.csv", a_day(1))
    for _repeated in range(2):
        found = findings(tmp_path)
        assert (found["source"]["state"], found["files"]["state"]) == ("ok", "ok")
        assert place in found["source"]["said"]
        assert "versioning is on" in found["source"]["said"]
        assert "a second put of one name is refused" in found["files"]["said"]


def test_the_doctor_warns_of_a_bucket_without_versions(
    aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_buckets(monkeypatch, aws)
    make_project(tmp_path)
    source = findings(tmp_path)["source"]
    assert (source["state"], "versioning is off" in source["said"]) == ("warn", True)


def test_the_doctor_warns_of_a_server_that_ignores_conditions(
    nanio: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_buckets(monkeypatch, nanio)
    make_project(tmp_path)
    files = findings(tmp_path)["files"]
    assert (files["state"], "ignores If-None-Match" in files["said"]) == ("warn", True)
    assert "Files named by their content are safe" in files["remedy"]


@pytest.mark.parametrize("variable", ["TILTYARD_SOURCE_URL", "TILTYARD_FILES_URL"])
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("s3://no-such-bucket-at-all/p", "there is no such bucket"),
        ("s3://b/p?endpoint=http://127.0.0.1:9", "no whole answer"),
        ("s3://b/p?regoin=x", "did you mean 'region'?"),
    ],
)
def test_the_doctor_says_what_is_wrong_with_a_bucket(
    aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, place: str, said: str
) -> None:  # fmt: skip
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv(variable, place)
    make_project(tmp_path)
    finding = findings(tmp_path)["source" if variable == "TILTYARD_SOURCE_URL" else "files"]
    assert finding["state"] == "fail"
    assert said in finding["said"]
    assert variable in finding["remedy"]
    assert tiltyard("doctor", "-p", tmp_path).code == 1


def test_commands_say_which_bucket_they_looked_at(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = in_buckets(monkeypatch, aws)
    workspace = make_project(tmp_path)
    assert f"put a file into {place}" in done("status", "-p", tmp_path).out.replace("\n", " ").replace("  ", " ")
    assert f"Nothing new in {place} (*)" in done("ingest", "-p", tmp_path).out.replace("\n", " ")
    deliver(workspace, "day-1.csv", a_day(1))
    assert "The pool has 60 samples" in done("ingest", "-p", tmp_path).out


def test_verify_reads_what_the_bucket_holds(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_buckets(monkeypatch, aws)
    workspace = make_project(tmp_path)
    deliver(workspace, "day-1.csv", a_day(1) + "1,2,purple,9001\n")
    done("ingest", "-p", tmp_path)
    assert done("verify", "-p", tmp_path, "--json").data["sound"]
    bucket = str(workspace.settings.files_url).removeprefix("s3://").partition("/")[0]
    s3 = client("s3", aws)
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    kinds = {"objects": "landed object", "pool": "pool file", "quarantine": "quarantine file", "segments": "segment 1"}
    for kind, said in kinds.items():
        (key,) = (key for key in keys if key.startswith(f"small/{kind}/") and not key.endswith("-probe"))
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        s3.put_object(Bucket=bucket, Key=key, Body=content[:-1])
        problems = tiltyard("verify", "-p", tmp_path, "--json").data["problems"]
        assert any(said in problem for problem in problems), kind
        s3.put_object(Bucket=bucket, Key=key, Body=content)


def test_a_lost_right_is_told_without_a_traceback(nanio: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_buckets(monkeypatch, nanio)
    make_project(tmp_path)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    told = tiltyard("ingest", "-p", tmp_path)
    assert told.code == 2
    assert "AWS_SECRET_ACCESS_KEY" in told.err
    assert "Traceback" not in told.err
