"""Deployed flows on a real Prefect server while things break: what the stores hold in the end is as if nothing had."""

import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.crash.story import NOW, end_of, go_round
from tests.projects.small_project import a_day, answer_queue, deliver, make_project
from tests.servers.cut_off import CutOff, stores_to_cut
from tests.servers.prefect_server import ENDED, PrefectServer, descendants, ended, running_prefect, wait_until
from tiltyard.workspace.workspace import Workspace, open_workspace

pytestmark = pytest.mark.timeout(1200)

MINUTE = 60
SETTINGS = {
    # A run that was killed gives its place back after half a minute, and who waits looks again soon.
    "PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION": "30",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
}


@dataclass(frozen=True)
class Installation:
    """A Prefect server and stores behind connections that can be cut, and a project on them."""

    server: PrefectServer
    workspace: Workspace
    stores: CutOff

    def round(self) -> None:
        """Runs of the loop, as a schedule asks for them, until one completes."""
        for _ in range(20):
            run = self.server.run("whole-cycle/small")
            if self.server.end_of(run, 400)["state_type"] == "COMPLETED":
                return
            time.sleep(5)
        raise AssertionError(self.server.logs_of(run))

    def worker(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """A worker at work on these stores, one run at a time."""
        return self.server.worker("tiltyard", 1, **self.stores.environment)

    def begun(self, after: float) -> str:
        """A run that has been at work for some seconds."""
        run = self.server.run("whole-cycle/small")
        at_work = {"RUNNING", *ENDED}
        wait_until(lambda: self.server.flow_run(run)["state_type"] in at_work, "the beginning of a run", 120)
        time.sleep(after)
        return run


@pytest.fixture
def installation(tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    with stores_to_cut(tmp_path, postgresql) as stores:
        undisturbed = make_project(tmp_path / "undisturbed")
        monkeypatch.chdir(Path(__file__).parents[2])
        for name, value in stores.environment.items():
            monkeypatch.setenv(name, value)
        workspace = make_project(tmp_path / "small")
        with running_prefect(tmp_path / "prefect", **SETTINGS) as server:
            server.prefect("work-pool", "create", "tiltyard", "--type", "process")
            words = {"TILTYARD_PROJECT": str(tmp_path / "small"), "TILTYARD_PROJECT_NAME": "small"}
            words |= {"TILTYARD_OBJECTS": "s3://landing/small/*", "TILTYARD_WORK_POOL": "tiltyard"}
            server.prefect("deploy", "--all", **words)
            wake_nobody(server)
            assert undisturbed.project == workspace.project
            yield Installation(server, workspace, stores)


def wake_nobody(server: PrefectServer) -> None:
    """Switch off what wakes flows by events: a queue that is filled at other moments is filled with other samples."""
    with server.http as client:
        for automation in server.post("/automations/filter", {}):
            client.patch(f"/automations/{automation['id']}", json={"enabled": False}).raise_for_status()


def told_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Where the same days end in folders and SQLite when nothing breaks."""
    with monkeypatch.context() as plain:
        for name in ("SOURCE_URL", "FILES_URL", "LEDGER_URL", "MLFLOW_URI"):
            plain.delenv(f"TILTYARD_{name}")
        workspace = open_workspace(folder)
        for day in range(4):
            deliver(workspace, f"day-{day}.csv", a_day(day))
            go_round(str(folder))
            answer_queue(workspace, NOW)
        go_round(str(folder))
        return end_of(workspace)


def test_restarts_kills_and_outages_change_nothing_in_the_end(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, server, chance = installation.workspace, installation.server, random.Random(5)
    with installation.worker() as worker:
        deliver(workspace, "day-0.csv", a_day(0))
        installation.begun(chance.uniform(0, 2))
        server.kill()
        server.start()
        # A run that still works would choose by the answers that come below.
        wait_until(lambda: not descendants(worker.pid), "the end of the run's process", 200)
        installation.round()
        answer_queue(workspace, NOW)
    with installation.worker() as worker:
        deliver(workspace, "day-1.csv", a_day(1))
        run = installation.begun(chance.uniform(0, 2))
        ended(worker, signal.SIGKILL)
    # What the automation "a run stopped without a word" does after ten minutes; till then the run keeps its place.
    server.post(f"/flow_runs/{run}/set_state", {"state": {"type": "CRASHED"}, "force": True})
    with installation.worker():
        installation.round()
        answer_queue(workspace, NOW)
        deliver(workspace, "day-2.csv", a_day(2))
        run = installation.begun(chance.uniform(0, 1))
        for proxy in installation.stores.proxies.values():
            proxy.cut()
        time.sleep(MINUTE)
        for proxy in installation.stores.proxies.values():
            proxy.mend()
        assert server.end_of(run, 400)["state_type"] == "COMPLETED", server.logs_of(run)
        installation.round()
        answer_queue(workspace, NOW)
        deliver(workspace, "day-3.csv", a_day(3))
        installation.round()
        answer_queue(workspace, NOW)
        installation.round()
    ended_here, ended_there = end_of(workspace), told_alone(tmp_path / "undisturbed", monkeypatch)
    (tmp_path / "ends.json").write_text(json.dumps([ended_here, ended_there], indent=1))
    assert ended_there["problems"] == []
    assert len(ended_there["champions"]) >= 1
    for part in ended_there.keys() - {"batches"}:  # whose ids name the place where their objects arrived
        assert (part, ended_here[part]) == (part, ended_there[part])
    assert [batch[1:] for batch in ended_here["batches"]] == [batch[1:] for batch in ended_there["batches"]]
