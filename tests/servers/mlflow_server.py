"""A real MLflow server on this machine, with a database and a folder of its own."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from tests.servers.ports import free_port
from tests.templates import mlflow_template, put_copy


@contextmanager
def running_mlflow(folder: Path, backend: str | None = None, password: str = "") -> Iterator[str]:
    """The address of a running server, ended with the context; ``backend`` is its database, SQLite by default.

    With a ``password`` it lets nobody in but ``tiltyard``, as the installation's does.
    """
    port = free_port()
    if backend is None:
        put_copy(mlflow_template(), folder / "m.db")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", backend or f"sqlite:///{folder / 'm.db'}"]
    command += ["--artifacts-destination", str(folder / "kept")]
    # Its job runners are eight more processes, for evaluations that nobody asks of it here.
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    if password:
        command += ["--app-name", "basic-auth"]
        quiet |= _users(folder, password)
    environment = {**os.environ, **quiet, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            yield _when_up(f"http://127.0.0.1:{port}", folder / "log")
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def _users(folder: Path, password: str) -> dict[str, str]:
    """The settings of a server with one user, kept in its own folder."""
    deployed = Path(__file__).parents[2] / "deployments" / "docker" / "mlflow_auth.ini"
    users = folder / "users.ini"
    users.write_text(deployed.read_text("utf-8").replace("/tmp/", f"{folder}/"), "utf-8")
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(users),
        "MLFLOW_AUTH_ADMIN_USERNAME": "tiltyard",
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "only for this test",
    }


def _when_up(address: str, log: Path) -> str:
    """The address, once it answers."""
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.5)
        else:
            return address
    raise AssertionError(f"the server did not start:\n{log.read_text()}")
