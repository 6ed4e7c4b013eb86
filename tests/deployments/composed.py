"""compose.yaml run without containers: each service's own command and environment, as processes on loopback.

What a container would give is told apart by words: names of services become 127.0.0.1 and free ports, /data, /projects
and /tmp become folders of the test. All else is what the files say.
"""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml

from tests.architecture.deployments.dockerfiles import stages_of
from tests.servers.ports import free_port
from tests.servers.whole_postgresql import WholePostgresql

BIN: Final = Path(sys.executable).parent
ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "deployments" / "compose"
VARIABLE: Final = re.compile(r"\$\{(?P<name>\w+)(?::(?P<how>[?-])(?P<more>[^}]*))?\}")
PORTS: Final = {
    "prefect": "4200",
    "mlflow": "5000",
    "aws": "5000",
    "labeling": "8765",
    "worker": "8080",
    "watch": "8766",
}
AUTH: Final = "MLFLOW_AUTH_CONFIG_PATH"
PLACE: Final = re.compile(r"(?<![\w./-])/(data|projects|tmp|app)\b")


def variables_of(text: str) -> dict[str, str]:
    """The variables of an env file."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """What compose reads: ``${NAME}`` filled in anywhere; ValueError for a wanted one that nobody gives."""
    if isinstance(value, dict):
        return {key: filled(one, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, variables) for one in value]
    return VARIABLE.sub(lambda found: _said(found, variables), value) if isinstance(value, str) else value


def _said(found: re.Match[str], variables: Mapping[str, str]) -> str:
    """What stands for one variable."""
    given = variables.get(found["name"], "")
    if not given and found["how"] == "?":
        raise ValueError(f"{found['name']}: {found['more']}")
    return given or (found["more"] if found["how"] == "-" else "")


@dataclass
class Composition:
    """The services of compose.yaml over a folder of the test, a copy of deployments/compose with its .env."""

    folder: Path
    server: WholePostgresql
    programs: Path = BIN
    """Where the commands are: what the image would have in /app/venv/bin."""

    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @cached_property
    def services(self) -> dict[str, Any]:
        """Every service, filled in from .env."""
        variables = variables_of((self.folder / ".env").read_text("utf-8"))
        content = yaml.safe_load((self.folder / "compose.yaml").read_text("utf-8"))
        services: dict[str, Any] = filled(content["services"], variables)
        return services

    def environment(self, service: str) -> dict[str, str]:
        """What a service's processes find in their environment: the image's, the env files', its own."""
        target = self.services[service].get("build", {}).get("target", "")
        given = image_environment(target)
        for name in self.services[service].get("env_file", []):
            given |= variables_of((self.folder / name).read_text("utf-8"))
        given |= self.services[service].get("environment", {})
        ours = {name: self.here(service, value) for name, value in given.items()}
        if AUTH in ours:
            ours[AUTH] = str(self._users_of_mlflow(service, given[AUTH]))
        shared = {name: os.environ[name] for name in ("LANG", "TZ", "LD_LIBRARY_PATH") if name in os.environ}
        return {**shared, **ours, "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}

    def _users_of_mlflow(self, service: str, path: str) -> Path:
        """MLflow's own settings file, which names a place in /tmp: a copy of it that names the test's."""
        folder = self.place(service, "tmp")
        copy = folder / Path(path).name
        copy.write_text((ROOT / path).read_text("utf-8").replace("/tmp/", f"{folder}/"), "utf-8")
        return copy

    def here(self, service: str, text: str) -> str:
        """A word of compose.yaml as it is on this machine."""
        text = PLACE.sub(lambda found: str(self.place(service, found[1])), text.replace("0.0.0.0", "127.0.0.1"))
        for name, port in PORTS.items():
            if name == service:
                text = re.sub(rf"\b{port}\b", str(self.ports[name]), text)
            else:
                text = text.replace(f"//{name}:{port}", f"//127.0.0.1:{self.ports[name]}")
        return self.server.here(text)

    def place(self, service: str, name: str) -> Path:
        """A folder of a container: a volume, the projects beside compose.yaml, the image's own, or /tmp."""
        mounted = [one.split(":")[:2] for one in self.services[service].get("volumes", [])]
        volume = next((source for source, target in mounted if target == f"/{name}"), None)
        own = {"app": self.folder if service == "landing-bucket" else ROOT, "tmp": self.folder / "in-memory" / service}
        path = own[name] if volume is None and name in own else self.folder / "volumes" / str(volume)
        path = self.folder / volume if volume is not None and volume.startswith("./") else path
        path.mkdir(parents=True, exist_ok=True)
        return path

    def words(self, service: str, command: list[str] | None = None) -> list[str]:
        """A service's command line, or another in its place."""
        spec = self.services[service]
        return [self.here(service, str(one)) for one in (*spec.get("entrypoint", []), *(command or spec["command"]))]

    def start(self, service: str) -> None:
        """Start a service and wait until its own healthcheck says that it is healthy."""
        log = (self.folder / f"{service}.log").open("wb")
        self.running[service] = subprocess.Popen(
            self.words(service),
            cwd=ROOT,
            env=self.environment(service),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()
        self.wait_for(service)

    def wait_for(self, service: str, seconds: float = 120) -> None:
        """Wait until a service is healthy; its log is the failure's message."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.running[service].poll() is None:
            if self.is_healthy(service):
                return
            time.sleep(0.3)
        raise AssertionError(f"{service} is not healthy: {self.log(service)[-3000:]}")

    def is_healthy(self, service: str) -> bool:
        """What a service's healthcheck says."""
        return self._run(service, self.services[service]["healthcheck"]["test"][1:]).returncode == 0

    def run(self, service: str, command: list[str] | None = None) -> str:
        """Run a service to its end, as ``docker compose run`` does; what it said. It must succeed."""
        run = self._run(service, command, entrypoint=True)
        assert run.returncode == 0, f"{service} {command}: {run.stdout[-3000:]}\n{run.stderr[-3000:]}"
        return run.stdout

    def _run(
        self, service: str, command: list[str] | None, entrypoint: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's place."""
        words = self.words(service, command) if entrypoint else [self.here(service, one) for one in command or []]
        return subprocess.run(
            words, cwd=ROOT, env=self.environment(service), capture_output=True, text=True, check=False, timeout=180
        )

    def log(self, service: str) -> str:
        """What a service wrote."""
        return (self.folder / f"{service}.log").read_text("utf-8", "replace")

    def stop(self, service: str) -> int:
        """End a service as Docker does, by SIGTERM; its exit code."""
        process = self.running.pop(service)
        process.terminate()
        try:
            return process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def image_environment(target: str) -> dict[str, str]:
    """The variables that a stage of the Dockerfile sets, but where programs are."""
    text = (ROOT / "deployments" / "docker" / "Dockerfile").read_text("utf-8")
    words = [shlex.split(one.rest) for stage in stages_of(text) if stage.name == target for one in stage.of("ENV")]
    given = dict(word.split("=", 1) for line in words for word in line)
    given.pop("PATH", None)
    return given


@contextmanager
def composition(folder: Path, server: WholePostgresql, programs: Path = BIN) -> Iterator[Composition]:
    """A composition on a PostgreSQL server, whose databases are made by databases.sh; ended with all its services."""
    made = Composition(folder, server, programs)
    try:
        make_databases(made)
        yield made
    finally:
        for service in reversed(list(made.running)):
            made.stop(service)


def make_databases(made: Composition) -> None:
    """Run databases.sh as PostgreSQL's image would."""
    path = f"{made.server.programs}{os.pathsep}{os.environ['PATH']}"
    environment = {**made.services["postgres"]["environment"], **made.server.environment, "PATH": path}
    run = subprocess.run(
        ["sh", made.folder / "databases.sh"], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
