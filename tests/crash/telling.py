"""The story, told by processes of its own, and the parts that the crash tests share: they are made once for a run."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.projects.small_project import make_project


def told(how: str, template: Path, folder: Path, steps: Sequence[str], root: Path) -> list[dict[str, Any]]:
    """What came of the story for each step, told by a module of tests/crash in a copy of a project."""
    command = [sys.executable, "-m", f"tests.crash.{how}", str(template), str(folder), *steps]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=1700, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def make_fresh(folder: Path) -> None:
    """A fresh project whose databases are made already: making them takes seconds."""
    workspace = make_project(folder / "project")
    assert workspace.registry.client
    workspace.ledger.close()


def tell_undisturbed(folder: Path, template: Path, root: Path) -> None:
    """Tell the story once with no kill; its end and its durable steps are kept in ``undisturbed.json``."""
    (undisturbed,) = told("story", template, folder / "told", ["none"], root)
    (folder / "undisturbed.json").write_text(json.dumps(undisturbed), "utf-8")
