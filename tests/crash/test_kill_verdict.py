"""SIGKILL between a verdict in the ledger and the same verdict in MLflow: it is caught up with, once."""

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.crash.story import go_round
from tests.projects.small_project import LENIENT, a_day, answer_queue, deliver, make_project
from tiltyard.reports.html.publish import publish_pages
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.maintenance.repair_stores import repair_stores
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.publish_artifacts import unpublished_verdicts
from tiltyard.workspace.workspace import Workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def cut(tmp_path: Path, root: Path) -> Workspace:
    """A project whose only verdict stands in the ledger alone."""
    workspace = make_project(tmp_path / "project", gate=LENIENT)
    project = str(workspace.project_file.parent)
    deliver(workspace, "day-0.csv", a_day(0))
    go_round(project)
    answer_queue(workspace, NOW)
    fit_candidates.fn(project, snapshot_labels.fn(project, "training"))
    command = [sys.executable, "-m", "tests.crash.cut_verdict", project]
    killed = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=300, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    return workspace


def kept(workspace: Workspace) -> set[str]:
    """The files with the verdict's run that bear its name, and what its version says of it."""
    (verdict,) = workspace.ledger.champions.verdicts()
    model, name = workspace.ledger.models.get(verdict.challenger_id), verdict.verdict_id[:12]
    files = {file.path for file in workspace.registry.client.list_artifacts(model.run_id)}
    version = workspace.registry.client.get_model_version(workspace.registry.name, model.registry_version)
    return {file for file in files if name in file} | {tag for tag in version.tags if "verdict" in tag}


def test_a_verdict_that_the_registry_never_saw_is_shown_once(cut: Workspace) -> None:
    project = str(cut.project_file.parent)
    (verdict,) = cut.ledger.champions.verdicts()
    name = verdict.verdict_id[:12]
    assert kept(cut) == set()
    assert unpublished_verdicts.fn(project) == [verdict.verdict_id]
    done = repair_stores.fn(project)
    assert "verdicts missing in the registry, now restored there: 1" in done
    assert kept(cut) == {"verdict", f"verdict {name}", f"verdict-{name}.json"}
    assert repair_stores.fn(project) == []
    assert unpublished_verdicts.fn(project) == [verdict.verdict_id], "its page is still to be drawn"
    publish_pages(cut, verdict)
    assert f"verdict-{name}.html" in kept(cut)
    assert unpublished_verdicts.fn(project) == []
