"""Approval of a promotion on a real Prefect server: the run is suspended, a person answers, the ledger keeps it."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.crash.story import NOW, go_round
from tests.projects.small_project import a_day, answer_queue, deliver, make_project
from tests.servers.prefect_server import PrefectServer, descendants, running_prefect, wait_until
from tiltyard.workspace.workspace import Workspace, open_workspace

pytestmark = pytest.mark.timeout(600)

Worker = subprocess.Popen[bytes]
GATE = {"metric": "accuracy", "minimum_labels": 4, "resamples": 200, "approval": True}
SECONDS = 25 / 3600
"""An hour's share that a person has where nobody answers: longer than a run takes to begin."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a day's answers, to train from."""
    workspace = make_project(tmp_path_factory.mktemp("approval") / "template", gate=GATE)
    deliver(workspace, "day-0.csv", a_day(0))
    go_round(str(workspace.project_file.parent))
    answer_queue(workspace, NOW)
    workspace.ledger.close()
    return workspace.project_file.parent


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A Prefect server."""
    with running_prefect(tmp_path_factory.mktemp("prefect") / "server") as running:
        running.prefect("work-pool", "create", "tiltyard", "--type", "process")
        yield running


@pytest.fixture(scope="module")
def worker(server: PrefectServer) -> Iterator[Worker]:
    """A worker at work."""
    with server.worker(limit=2) as process:
        yield process


def judged(template: Path, folder: Path, server: PrefectServer, name: str, **gate: Any) -> Workspace:
    """A project of its own, deployed, whose first challenger waits for a person."""
    shutil.copytree(template, folder)
    content = yaml.safe_load((folder / "project.yaml").read_text())
    (folder / "project.yaml").write_text(yaml.safe_dump({**content, "name": name, "gate": {**GATE, **gate}}))
    words = {"TILTYARD_PROJECT": str(folder), "TILTYARD_PROJECT_NAME": name}
    words |= {"TILTYARD_OBJECTS": "tiltyard.nowhere", "TILTYARD_WORK_POOL": "tiltyard"}
    server.prefect("deploy", "--all", **words)
    go_round(str(folder))
    return open_workspace(folder)


def suspended(server: PrefectServer, worker: Worker, name: str) -> str:
    """A run of the promotion that waits for a person, and whose process has ended.

    A run that is resumed while its first process ends makes a worker of Prefect 3.8 with a limit end with a
    RuntimeError ("this borrower is already holding ..."); people are slower than that.
    """
    run = server.run(f"promote-model/{name}")
    wait_until(lambda: server.flow_run(run)["state_type"] == "PAUSED", f"a run that waits: {run}", 120)
    wait_until(lambda: not descendants(worker.pid), "the end of its process", 60)
    return run


def test_a_person_approves_in_prefect_and_the_ledger_says_who(
    template: Path, tmp_path: Path, server: PrefectServer, worker: Worker
) -> None:
    workspace = judged(template, tmp_path / "first", server, "first")
    run = suspended(server, worker, "first")
    assert workspace.ledger.champions.champion_id is None
    resume = f"/flow_runs/{run}/resume"
    refused = server.post(resume, {"run_input": {"approve": True, "reviewer": "", "reason": "good"}})
    assert refused["status"] == "REJECT"
    taken = server.post(resume, {"run_input": {"approve": True, "reviewer": "ada", "reason": "the slices hold"}})
    assert taken["status"] == "ACCEPT"
    assert server.end_of(run)["state_type"] == "COMPLETED", server.logs_of(run)
    (approval,) = workspace.ledger.champions.approvals().values()
    assert (approval.approved, approval.reviewer, approval.reason) == (True, "ada", "the slices hold")
    move = workspace.ledger.champions.current()
    assert move is not None
    assert move.verdict_id == approval.verdict_id
    assert workspace.registry.aliases()["champion"] == workspace.ledger.models.get(move.model_id).registry_version


def test_a_person_declines_and_the_champion_stays(
    template: Path, tmp_path: Path, server: PrefectServer, worker: Worker
) -> None:
    workspace = judged(template, tmp_path / "second", server, "second")
    run = suspended(server, worker, "second")
    server.post(f"/flow_runs/{run}/resume", {"run_input": {"approve": False, "reviewer": "ben", "reason": "too early"}})
    assert server.end_of(run)["state_type"] == "COMPLETED", server.logs_of(run)
    (approval,) = workspace.ledger.champions.approvals().values()
    assert (approval.approved, approval.reviewer) == (False, "ben")
    assert workspace.ledger.champions.champion_id is None


def test_without_an_answer_in_time_the_champion_stays(
    template: Path, tmp_path: Path, server: PrefectServer, worker: Worker
) -> None:
    workspace = judged(template, tmp_path / "third", server, "third", approval_hours=SECONDS)
    run = suspended(server, worker, "third")
    assert server.end_of(run)["state_type"] in {"FAILED", "CRASHED"}
    assert workspace.ledger.champions.approvals() == {}
    again = server.run("promote-model/third")
    assert server.end_of(again)["state_type"] == "COMPLETED", server.logs_of(again)
    assert workspace.ledger.champions.champion_id is None
