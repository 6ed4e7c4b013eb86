"""A real Prefect server and real workers, each in a process of its own on loopback, started and ended by the tests."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from prefect.events.clients import PrefectEventsClient
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_EPHEMERAL_ENABLED, temporary_settings

from tests.servers.ports import free_port
from tests.servers.preloaded import PREFECT, shared, stub_of
from tests.templates import MADE, compact, made_once, put_copy

ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
"""Types of states after which nothing happens to a run any more."""

SERVER_SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    # Runs keep their turns when the server starts again.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    # The server writes what tasks and events report in batches: a fifth of the time a task run.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "50",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "DO_NOT_TRACK": "1",
    "NO_COLOR": "1",
    "COLUMNS": "200",
}


@dataclass
class PrefectServer:
    """A Prefect server on loopback that can be stopped, killed and started again on the same port."""

    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    """More settings of the server, its workers and its commands, such as a database's URL."""

    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where its API is: what ``PREFECT_API_URL`` says."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of everything that is to reach this server, no other."""
        ours = {"PREFECT_HOME": str(self.home), "PREFECT_API_URL": self.url}
        others = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        return {**others, **SERVER_SETTINGS, **ours, **self.settings}

    @property
    def http(self) -> httpx.Client:
        """A client of its API, for what tests ask and post."""
        return httpx.Client(base_url=self.url, timeout=30)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        if self.home.name != MADE and not any("DATABASE" in name for name in self.settings):
            put_copy(_database(), self.home / "prefect.db")
        command = ["server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        self._process = started(command, self.environment, self.home / "server.log")
        wait_until(self._answers, f"an answer at {self.url}; its log is {self.home / 'server.log'}", seconds=120)

    def stop(self) -> None:
        """End it as an operator would."""
        ended(self._process, signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        ended(self._process, signal.SIGKILL)

    def prefect(self, *arguments: str | Path, **environment: str) -> str:
        """What a ``prefect`` command says; it asks nothing and must succeed. Run where the tests run."""
        command = [*stub_of(shared(PREFECT), "prefect.cli:app", "prefect"), "--no-prompt", *map(str, arguments)]
        run = subprocess.run(
            command, env={**self.environment, **environment}, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, f"{arguments}: {run.stdout[-3000:]}\n{run.stderr[-3000:]}"
        return run.stdout

    @contextmanager
    def worker(self, pool: str = "tiltyard", limit: int = 1, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker of a pool, at work until the block ends; the pool of processes is made if there is none."""
        command = ["worker", "start", "--pool", pool, "--limit", str(limit), "--install-policy", "never"]
        self._start_runs_by(pool, [sys.executable, "-m", "prefect.engine"])
        log = self.home / f"worker-{uuid4().hex[:8]}.log"
        process = started(command, {**self.environment, **environment}, log)
        try:
            wait_until(lambda: self._is_online(pool), f"a worker of {pool}; its log is {log}", seconds=120)
            yield process
        finally:
            ended(process, signal.SIGTERM)

    def _start_runs_by(self, pool: str, words: Sequence[str]) -> None:
        """Make a pool of processes, if there is none, and say how it starts a run.

        Prefect's default imports everything in three processes one after the other, of which two look for code to pull;
        it is what test_compose_installation.py runs.
        """
        known = [one for one in self.post("/work_pools/filter", {}) if one["name"] == pool]
        if not known:
            self.prefect("work-pool", "create", pool, "--type", "process")
        template = self.get(f"/work_pools/{pool}")["base_job_template"]
        template["variables"]["properties"]["command"]["default"] = shlex.join(words)
        self.patch(f"/work_pools/{pool}", {"base_job_template": template})

    @contextmanager
    def in_process(self) -> Iterator[None]:
        """Settings for a test that runs flows, or our commands, in its own process."""
        with (
            temporary_settings({PREFECT_API_URL: self.url, PREFECT_SERVER_EPHEMERAL_ENABLED: False}),
            events_to(self.url),
        ):
            yield

    def get(self, path: str) -> Any:
        """What the API answers to a GET."""
        return self._asked("GET", path)

    def post(self, path: str, body: Any) -> Any:
        """What the API answers to a POST; none where it answers nothing."""
        return self._asked("POST", path, json=body)

    def deployment(self, name: str) -> dict[str, Any]:
        """What the server knows of a deployment, named FLOW/DEPLOYMENT."""
        found: dict[str, Any] = self.get(f"/deployments/name/{name}")
        return found

    def run(self, name: str, parameters: Mapping[str, Any] | None = None, **more: Any) -> str:
        """Ask for a run of a deployment, named FLOW/DEPLOYMENT; the run's id. ``more`` goes into the request."""
        deployment = self.deployment(name)["id"]
        made = self.post(f"/deployments/{deployment}/create_flow_run", {"parameters": dict(parameters or {}), **more})
        return str(made["id"])

    def runs_of(self, name: str) -> list[dict[str, Any]]:
        """The runs of a deployment, named FLOW/DEPLOYMENT, oldest first."""
        deployments = {"id": {"any_": [self.deployment(name)["id"]]}}
        body = {"deployments": deployments, "sort": "ID_DESC", "limit": 200}
        return sorted(self.post("/flow_runs/filter", body), key=lambda run: str(run["created"]))

    def flow_run(self, run_id: str) -> dict[str, Any]:
        """What the server knows of a run."""
        found: dict[str, Any] = self.get(f"/flow_runs/{run_id}")
        return found

    def end_of(self, run_id: str, seconds: float = 180) -> dict[str, Any]:
        """A run once it has ended, well or not; TimeoutError with its logs if it does not in time."""
        try:
            wait_until(lambda: self.flow_run(run_id)["state_type"] in ENDED, "the end of a run", seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {self.flow_run(run_id)['state']}\n{self.logs_of(run_id)}") from error
        return self.flow_run(run_id)

    def logs_of(self, run_id: str) -> str:
        """What a run logged, a line each."""
        body = {"logs": {"flow_run_id": {"any_": [run_id]}}, "limit": 200}
        return "\n".join(str(one["message"]) for one in self.post("/logs/filter", body))

    def emit(self, event: str, resource: str, payload: Mapping[str, Any] | None = None, **more: Any) -> str:
        """Post an event as any program does over HTTP; its id. ``more`` replaces or adds fields."""
        said = {
            "id": str(uuid4()),
            "occurred": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "event": event,
            "resource": {"prefect.resource.id": resource},
            "payload": dict(payload or {}),
            **more,
        }
        self.post("/events", [said])
        return str(said["id"])

    def patch(self, path: str, body: Any) -> Any:
        """What the API answers to a change."""
        return self._asked("PATCH", path, json=body)

    def _asked(self, method: str, path: str, **more: Any) -> Any:
        """What the API answers; asked again, as Prefect's own client does, while SQLite is locked."""
        with self.http as client:
            for _ in range(10):
                response = client.request(method, path, **more)
                if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    break
                time.sleep(0.5)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text[:2000]}"
        return response.json() if response.content else None

    def _answers(self) -> bool:
        """Whether the server is up; it must not have ended."""
        assert self._process is not None
        assert self._process.poll() is None, (self.home / "server.log").read_text("utf-8")[-3000:]
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/health", timeout=5).status_code == 200
        return False

    def _is_online(self, pool: str) -> bool:
        """Whether a worker of a pool has said that it is there."""
        if pool not in {one["name"] for one in self.post("/work_pools/filter", {})}:
            return False
        return any(one["status"] == "ONLINE" for one in self.post(f"/work_pools/{pool}/workers/filter", {}))


def started(command: list[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A ``prefect`` command in a process group of its own, writing into a log."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "prefect", *command],
            env=dict(environment),
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def ended(process: subprocess.Popen[bytes] | None, number: signal.Signals) -> None:
    """Signal a process that we started and wait for its end; then what it has started is killed.

    A worker starts runs in groups of their own, and they outlive it: they are found before it ends.
    """
    if process is None or process.poll() is not None:
        return
    started_by_it = descendants(process.pid)
    process.send_signal(number)
    with suppress(subprocess.TimeoutExpired):
        process.wait(30)
    for pid in (process.pid, *started_by_it):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(30)


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return [one for child in map(int, found) for one in (child, *descendants(child))]


def wait_until(holds: Callable[[], bool], what: str, seconds: float) -> None:
    """Look several times a second until something holds; TimeoutError says what did not come."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.2)


def _database() -> Path:
    """Prefect's own database, made once for a run of the tests: a server takes longer to make it than to start."""

    def make(folder: Path) -> None:
        server = PrefectServer(folder / MADE)
        server.start()
        server.stop()
        compact(folder / MADE / "prefect.db", folder / "prefect.db")

    return made_once("prefect", make) / "prefect.db"


@contextmanager
def running_prefect(home: Path, **settings: str) -> Iterator[PrefectServer]:
    """A Prefect server that answers, its database in ``home``; stopped at the end."""
    server = PrefectServer(home, settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def events_to(url: str) -> Iterator[None]:
    """Send this process's events, which tell of task runs too, to one server until the block ends.

    Prefect keeps one sender a process, whatever its server: of two servers that tests use after each other, the second
    would wait for events that go to the first, which may be gone.
    """
    EventsWorker.set_client_override(PrefectEventsClient, api_url=url)
    try:
        yield
    finally:
        EventsWorker.set_client_override(None)
