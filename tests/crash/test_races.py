"""Races: several runs of one project at the same moment leave the state of one run alone."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sampling import sampled

RACERS = 3
SEEDS = sampled([0, 1, 2], 1, "races")
"""Above nought they say who is killed where."""


def raced(template: Path, folder: Path, racers: int, seed: int, root: Path) -> Any:
    """The end of a race."""
    shutil.copytree(template, folder)
    command = [sys.executable, "-m", "tests.crash.racing", str(folder), str(racers), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("seed", SEEDS)
def test_racing_runs_end_like_one_run(
    fresh_project: Path, undisturbed: Any, tmp_path: Path, root: Path, each_database: str, seed: int
) -> None:
    told, alone = raced(fresh_project, tmp_path / "raced", RACERS, seed, root), undisturbed["end"]
    assert alone["problems"] == told["problems"] == []
    assert len(alone["champions"]) >= 1
    assert told == alone
