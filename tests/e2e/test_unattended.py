"""Deployed flows on a real Prefect server while things break: what the stores hold in the end is as if nothing had."""

import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.crash.story import NOW, end_of, go_round
from tests.databases import database_of
from tests.mlflow_server import running_mlflow
from tests.prefect_server import ENDED, PrefectServer, descendants, ended, running_prefect, wait_until
from tests.s3_server import client, credentials, running_aws
from tests.small_project import a_day, answer_queue, deliver, make_project
from tests.tcp_proxy import Proxy, between
from tiltyard.stores.workspace import Workspace, open_workspace

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
    proxies: dict[str, Proxy]
    environment: dict[str, str]

    @property
    def project(self) -> str:
        """The project's folder."""
        return str(self.workspace.project_file.parent)

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
        return self.server.worker("tiltyard", 1, **self.environment)

    def begun(self, after: float) -> str:
        """A run that has been at work for some seconds."""
        run = self.server.run("whole-cycle/small")
        at_work = {"RUNNING", *ENDED}
        wait_until(lambda: self.server.flow_run(run)["state_type"] in at_work, "the beginning of a run", 120)
        time.sleep(after)
        return run


@pytest.fixture
def installation(tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    (tmp_path / "mlflow").mkdir()
    database = make_url(database_of(postgresql))
    with ExitStack() as servers:
        mlflow, aws = servers.enter_context(running_mlflow(tmp_path / "mlflow")), servers.enter_context(running_aws())
        for bucket in ("landing", "kept"):
            client("s3", aws).create_bucket(Bucket=bucket)
        proxies = {
            "s3": servers.enter_context(between(("127.0.0.1", _port(aws)))),
            "mlflow": servers.enter_context(between(("127.0.0.1", _port(mlflow)))),
            "postgresql": servers.enter_context(between(f"{database.query['host']}/.s.PGSQL.5432")),
        }
        ledger = database.set(query={}, host="127.0.0.1", port=proxies["postgresql"].port)
        environment = {
            **credentials(f"http://127.0.0.1:{proxies['s3'].port}"),
            "TILTYARD_SOURCE_URL": "s3://landing/{project}",
            "TILTYARD_FILES_URL": "s3://kept/{project}",
            "TILTYARD_LEDGER_URL": ledger.render_as_string(hide_password=False),
            "TILTYARD_MLFLOW_URI": f"http://127.0.0.1:{proxies['mlflow'].port}",
        }
        undisturbed = make_project(tmp_path / "undisturbed")
        monkeypatch.chdir(Path(__file__).parents[2])
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        workspace = make_project(tmp_path / "small")
        server = servers.enter_context(running_prefect(tmp_path / "prefect", **SETTINGS))
        server.prefect("work-pool", "create", "tiltyard", "--type", "process")
        words = {"TILTYARD_PROJECT": str(tmp_path / "small"), "TILTYARD_PROJECT_NAME": "small"}
        words |= {"TILTYARD_OBJECTS": "s3://landing/small/*", "TILTYARD_WORK_POOL": "tiltyard"}
        server.prefect("deploy", "--all", **words)
        assert undisturbed.project == workspace.project
        yield Installation(server, workspace, proxies, environment)


def _port(address: str) -> int:
    """The port of an address."""
    return int(address.rsplit(":", 1)[1])


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
        for proxy in installation.proxies.values():
            proxy.cut()
        time.sleep(MINUTE)
        for proxy in installation.proxies.values():
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
