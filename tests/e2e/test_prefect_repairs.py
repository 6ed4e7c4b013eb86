"""A run whose process is killed with its worker is called crashed, is told, and gives its turn to the next."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock

from tests.clients.commands import done
from tests.conftest import ROOT
from tests.projects.small_project import make_project
from tests.servers.prefect_server import PrefectServer, ended, running_prefect, wait_until

pytestmark = pytest.mark.timeout(600)

DEPLOYMENT = {
    "name": "small",
    "entrypoint": "tests.deployments.sleeping_flow.sleep",
    "tags": ["tiltyard", "small"],
    "work_pool": {"name": "tiltyard"},
    "concurrency_limit": {"limit": 1, "collision_strategy": "ENQUEUE"},
}
"""As prefect.yaml has it, of a flow that sleeps."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A server with the project's automations, which are patient for twelve seconds instead of ten minutes."""
    home = tmp_path_factory.mktemp("repairs")
    make_project(home / "small")
    file = (ROOT / "deployments" / "automations.yaml").read_text("utf-8")
    assert file.count("within: 600") == 1
    (home / "automations.yaml").write_text(file.replace("within: 600", "within: 12"), "utf-8")
    (home / "prefect.yaml").write_text(json.dumps({"pull": [], "deployments": [DEPLOYMENT]}), "utf-8")
    with running_prefect(home / "server", PYTHONPATH=str(ROOT)) as running, running.in_process():
        CustomWebhookNotificationBlock(name="notices", url="http://127.0.0.1:9/").save("tiltyard-notices")
        options: list[str | Path] = ["-p", home / "small", "--file", home / "automations.yaml"]
        done("automations", "apply", *options, PREFECT_API_URL=running.url, PREFECT_HOME=str(running.home))
        running.prefect("work-pool", "create", "tiltyard", "--type", "process")
        running.prefect("deploy", "--all", "--prefect-file", home / "prefect.yaml")
        yield running


def slots(server: PrefectServer) -> int:
    """How many runs of the deployment hold a turn."""
    limit: dict[str, Any] = server.deployment("sleep/small")["global_concurrency_limit"]
    return int(limit["active_slots"])


def running_run(server: PrefectServer) -> str:
    """A run that is in the middle of its work."""
    run = server.run("sleep/small")
    wait_until(lambda: server.flow_run(run)["state_type"] == "RUNNING", "the run's begin", seconds=120)
    return run


def test_a_killed_run_is_called_crashed_and_the_next_one_runs(server: PrefectServer) -> None:
    with server.worker() as worker:
        killed = running_run(server)
        wait_until(lambda: heartbeats(server, killed) > 0, "its first heartbeat", seconds=60)
        assert slots(server) == 1
        ended(worker, signal.SIGKILL)
    assert server.flow_run(killed)["state_type"] == "RUNNING", "nobody has noticed yet"
    state = server.end_of(killed, seconds=90)["state"]
    assert (state["type"], state["message"]) == ("CRASHED", "nothing was heard of it for ten minutes")
    assert slots(server) == 0
    with server.worker():
        assert server.end_of(server.run("sleep/small", {"seconds": 0}))["state_type"] == "COMPLETED"


def heartbeats(server: PrefectServer, run: str) -> int:
    """How many heartbeats of a run the server has."""
    resource = {"id": [f"prefect.flow-run.{run}"]}
    asked = {"filter": {"resource": resource, "event": {"name": ["prefect.flow-run.heartbeat"]}}, "limit": 10}
    return len(server.post("/events/filter", asked)["events"])
