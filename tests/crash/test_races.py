"""Races: several runs of one project at the same moment leave the state of one run alone."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.projects.small_project import make_project

RACERS = 3


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh project whose MLflow database is made already: making one takes seconds."""
    workspace = make_project(tmp_path_factory.mktemp("races") / "template")
    assert workspace.registry.client
    workspace.ledger.close()
    shutil.rmtree(workspace.folder / "segments", ignore_errors=True)
    for left in workspace.folder.glob("ledger.db*"):
        left.unlink()
    return workspace.project_file.parent


@pytest.fixture(scope="module")
def undisturbed(template: Path, root: Path) -> Any:
    """Where one run alone ends."""
    return raced(template, template.parent / "undisturbed", 1, 0, root)


def raced(template: Path, folder: Path, racers: int, seed: int, root: Path) -> Any:
    """The end of a race."""
    shutil.copytree(template, folder)
    command = [sys.executable, "-m", "tests.crash.racing", str(folder), str(racers), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_racing_runs_end_like_one_run(
    template: Path, undisturbed: Any, tmp_path: Path, root: Path, each_database: str, seed: int
) -> None:
    told = raced(template, tmp_path / "raced", RACERS, seed, root)
    assert undisturbed["problems"] == told["problems"] == []
    assert len(undisturbed["champions"]) >= 1
    assert told == undisturbed
