"""One story of the loop, told in folders and in buckets: the end is the same, and nothing else is on the machine."""

import inspect
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.sources import ROOT
from tests.crash.story import end_of, tell
from tests.projects.small_project import make_project
from tests.servers.s3_server import client, credentials, fresh_bucket, running_nanio
from tiltyard.schemas.settings import Settings
from tiltyard.workspace.checks.verify import verify_workspace
from tiltyard.workspace.workspace import Workspace, open_workspace

pytestmark = pytest.mark.timeout(600)

PAGE = ROOT / "docs" / "how-to" / "use-s3.md"
FILES = re.findall(r"^for kind in (.*); do$", PAGE.read_text("utf-8"), re.MULTILINE)[0].split()
"""The folders that the page on S3 copies."""


def said_of(end: dict[str, Any]) -> dict[str, Any]:
    """Where a story ended, without the batches' ids: these are made of the source's name too."""
    return end | {"batches": [batch[1:] for batch in end["batches"]]}


def buckets_of(url: str, versioned: bool = False) -> dict[str, str]:
    """The environment that lets source and files be in fresh buckets of a server."""
    return {
        **credentials(url),
        "TILTYARD_SOURCE_URL": f"s3://{fresh_bucket(url, versioned=versioned)}/landing/{{project}}",
        "TILTYARD_FILES_URL": f"s3://{fresh_bucket(url)}/{{project}}",
    }


def told_in(folder: Path) -> dict[str, Any]:
    """Tell the story of a fresh project, as the environment says; where it ended."""
    make_project(folder)
    tell(folder)
    return end_of(open_workspace(folder))


@pytest.fixture(scope="module")
def in_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Where the story ends when all of it is in folders."""
    return told_in(tmp_path_factory.mktemp("folders"))


@pytest.mark.parametrize("kind", ["bucket", "versioned bucket", "nanio"])
def test_the_story_ends_alike_in_buckets(
    in_folders: dict[str, Any], aws_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:  # fmt: skip
    if kind == "nanio":
        with running_nanio() as url:
            _ends_alike(in_folders, buckets_of(url), tmp_path, monkeypatch)
    else:
        _ends_alike(in_folders, buckets_of(aws_server, kind == "versioned bucket"), tmp_path, monkeypatch)


def _ends_alike(
    in_folders: dict[str, Any], environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    told = told_in(tmp_path / "here")
    assert len(told["champions"]) >= 1
    assert said_of(told) == said_of(in_folders)
    here = open_workspace(tmp_path / "here")
    findings = verify_workspace(here)
    assert (findings.problems, findings.checked["landed objects"]) == ([], 3)
    assert not any((here.folder / kind).exists() for kind in FILES)
    _is_the_same_elsewhere(told, here.project_file, tmp_path)


def _is_the_same_elsewhere(told: dict[str, Any], project_file: Path, tmp_path: Path) -> None:
    """Another machine, with the databases and the buckets but nothing of the folder, has all of it."""
    folder = open_workspace(project_file).folder
    elsewhere = Settings(
        workspace=tmp_path / "elsewhere",
        ledger_url=f"sqlite:///{folder / 'ledger.db'}",
        mlflow_uri=f"sqlite:///{folder / 'mlflow.db'}",
    )  # fmt: skip
    assert end_of(open_workspace(project_file, elsewhere)) == told


def test_the_page_copies_every_kind_of_file() -> None:
    opened = re.findall(r"self\.files\(\"(\w+)\"\)", Path(inspect.getfile(Workspace)).read_text("utf-8"))
    assert sorted(FILES) == sorted(set(opened))


def test_files_may_move_into_a_bucket(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the page on S3 says: the folders are copied under their names, and the ledger finds all of it there."""
    told = told_in(tmp_path)
    bucket, folder = fresh_bucket(aws), open_workspace(tmp_path).folder
    for path in [path for kind in FILES for path in (folder / kind).rglob("*") if path.is_file()]:
        client("s3", aws).upload_file(str(path), bucket, f"bank/{path.relative_to(folder).as_posix()}")
        path.unlink()
    monkeypatch.setenv("TILTYARD_FILES_URL", f"s3://{bucket}/bank")
    moved = open_workspace(tmp_path)
    assert verify_workspace(moved).problems == []
    assert end_of(moved) == told


@pytest.mark.parametrize("step", ["file:1", "file:2", "ledger:6"])
def test_a_kill_amid_writing_to_buckets_changes_nothing(
    in_folders: dict[str, Any], aws_server: str, tmp_path: Path, root: Path, step: str
) -> None:
    """``file`` is killed before the put, the ledger's steps after it and before it is recorded."""
    template = make_project(tmp_path / "template").project_file.parent
    told = subprocess.run(
        [sys.executable, "-m", "tests.crash.story", str(template), str(tmp_path / "told"), step],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, **buckets_of(aws_server)},
        check=False,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    outcome = json.loads(told.stdout)
    assert (outcome["killed"], outcome["finished"]) == (-signal.SIGKILL, 0)
    assert said_of(outcome["end"]) == json.loads(json.dumps(said_of(in_folders)))
