"""Cut off at every durable step of the cycle, then run again: the end is that of an undisturbed run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.projects.small_project import make_project

PARTS = 4
EVERY_MLFLOW_COMMIT = 10
"""MLflow commits a dozen times per run, most of them reads: each tenth is cut off."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh project whose MLflow database is made already: making one takes seconds."""
    workspace = make_project(tmp_path_factory.mktemp("crash") / "template")
    assert workspace.registry.client
    workspace.ledger.close()
    return workspace.project_file.parent


def tell(how: str, template: Path, steps: list[str], root: Path) -> list[dict[str, Any]]:
    """What came of the story for each step, told by a module of tests/crash."""
    command = [sys.executable, "-m", f"tests.crash.{how}", str(template), str(template.parent / "told"), *steps]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=1700, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_kill_at_any_step_changes_nothing_in_the_end(template: Path, root: Path, part: int) -> None:
    (undisturbed,) = tell("story", template, ["none"], root)
    assert undisturbed["end"]["problems"] == []
    assert len(undisturbed["end"]["champions"]) >= 1
    assert {decision for _, decision, *_ in undisturbed["end"]["verdicts"]} == {"promote", "keep"}
    stride = {"ledger": 1, "file": 1, "mlflow": EVERY_MLFLOW_COMMIT}
    steps = [
        f"{kind}:{number}"
        for kind, count in undisturbed["steps"].items()
        for number in range(1, count + 1, stride[kind])
    ][part::PARTS]
    ended = tell("cuts", template, steps, root)
    assert sorted(told["step"] for told in ended) == sorted(steps)
    for told in ended:
        assert told["finished"] == 0, told["step"]
        assert told["end"] == undisturbed["end"], told["step"]
