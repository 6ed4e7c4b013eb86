"""A real labeling server in a process of its own, and experts who answer it over HTTP until everything is stored."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

import httpx

from tests.servers.ports import free_port

SECRET = "a secret of the tests, long enough to sign with"
PROCESSES = multiprocessing.get_context("forkserver")
# What takes seconds to import is imported once; each server is forked off it in milliseconds.
PROCESSES.set_forkserver_preload(
    ["tests.servers.labeling_server", "tiltyard.apps.labeling.app", "tiltyard.schemas.frames", "uvicorn"]
)


def serve(projects: list[Path], port: int, environment: Mapping[str, str]) -> None:
    """Serve projects until the process is ended."""
    # The forkserver has the settings of the test that started it first.
    for name in [name for name in os.environ if name.startswith("TILTYARD_")]:
        del os.environ[name]
    os.environ.update(environment)
    import uvicorn

    from tiltyard.apps.labeling.app import create_app
    from tiltyard.schemas.labeling_settings import LabelingSettings

    settings = LabelingSettings(secret=SECRET, projects=projects, request_rate="1000000/minute")
    uvicorn.run(create_app(projects, settings), host="127.0.0.1", port=port, log_level="warning")


class Server:
    """A labeling server on loopback that can be killed and started again on the same port."""

    def __init__(self, projects: list[Path]) -> None:
        """Name what to serve, under the settings that the environment has now; nothing is started yet."""
        self.projects, self.port = projects, free_port()
        self.environment = {name: value for name, value in os.environ.items() if name.startswith("TILTYARD_")}
        self._process: Any = None

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = PROCESSES.Process(target=serve, args=(self.projects, self.port, self.environment), daemon=True)
        self._process.start()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/health", timeout=2).status_code == 200:
                    return
            assert self._process.is_alive(), f"the server ended with {self._process.exitcode}"
            time.sleep(0.02)
        raise TimeoutError(f"no answer at {self.url}")

    def kill(self) -> None:
        """End it as a power cut would."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()

    def stop(self) -> None:
        """End it as an operator would."""
        if self._process is not None and self._process.is_alive():
            self._process.terminate()
            self._process.join(30)


@contextmanager
def running(projects: list[Path]) -> Iterator[Server]:
    """A labeling server that answers; stopped at the end."""
    server = Server(projects)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@dataclass
class Expert:
    """Somebody who answers the queue over HTTP and sends each answer again until it is acknowledged."""

    url: str
    project: str
    token: str
    acknowledged: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Client key: sample id and label of each answer that the server said it has."""

    submit_seconds: list[float] = field(default_factory=list)
    cycles: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def work(self, until: Event, most: int = 10_000) -> None:
        """Answer sample after sample until there is none, ``most`` are answered or the end is called."""
        with httpx.Client(
            base_url=f"{self.url}/api/v1/projects/{self.project}",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=30,
        ) as client:
            waiting = self._post(client, "/lease", {"count": 3, "have": []}, until)
            queue = waiting["assignments"] if waiting else []
            while queue and len(self.acknowledged) < most and not until.is_set():
                began = time.perf_counter()
                queue = self._answer(client, queue, until)
                self.cycles.append(time.perf_counter() - began)

    def _answer(self, client: httpx.Client, queue: list[Any], until: Event) -> list[Any]:
        """Label the first sample; returns the next ones."""
        first, *rest = queue
        key, label = uuid4().hex, "yes" if first["payload"]["x"] > 0 else "no"
        answer = {
            "client_key": key,
            "act": "label",
            "sample_id": first["sample_id"],
            "assignment_id": first["assignment_id"],
            "label": label,
            "said_at": datetime.now(UTC).isoformat(),
        }
        wanted = {"count": 3, "have": [one["assignment_id"] for one in rest]}
        began = time.perf_counter()
        told = self._post(client, "/annotations", {"annotations": [answer], "lease": wanted}, until)
        if told is None:
            return []
        self.submit_seconds.append(time.perf_counter() - began)
        (result,) = told["results"]
        if result["status"] == "refused":
            self.failures.append(result["error"])
        else:
            self.acknowledged[key] = (first["sample_id"], label)
        return [*(one for one in rest if one["assignment_id"] not in told["gone"]), *told["assignments"]]

    def _post(self, client: httpx.Client, path: str, body: Any, until: Event) -> Any:
        """The server's answer, asked for again while it is away; none when the end is called first."""
        while not until.is_set():
            try:
                response = client.post(path, json=body)
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            if response.status_code in {200, 201}:
                return response.json()
            if response.status_code not in {429, 503}:
                self.failures.append(f"{response.status_code} {response.text[:200]}")
                return None
            time.sleep(0.05)
        return None
