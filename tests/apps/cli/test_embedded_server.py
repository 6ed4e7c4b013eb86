"""Prefect's embedded server ends with the process that started it, also when that is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.servers.ports import free_port
from tiltyard.project.steps.embedded_server import BOUND, bound

STARTS = """
import sys, threading, time
from tiltyard.project.steps.embedded_prefect import embedded
from prefect.server.api.server import SubprocessASGIServer

with embedded():
    server = SubprocessASGIServer()
    threading.Thread(target=server.start, daemon=True).start()
    while server.server_process is None:
        time.sleep(0.01)
    print(server.server_process.pid, server.port, flush=True)
    time.sleep(600)
"""


def _is_there(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody asked after does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def _ends(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not _is_there(pid):
            return True
        time.sleep(0.05)
    return False


def _answers(port: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/", timeout=2).status_code < 500
        except httpx.TransportError:
            time.sleep(0.1)
    return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_of_a_killed_run_ends(tmp_path: Path, how: signal.Signals) -> None:
    """It is still starting, which takes it the longest to notice anything."""
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path), "PREFECT_API_URL": ""}
    with subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, env=environment, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline().split()[0])
        assert _is_there(pid)
        time.sleep(0.5)
        parent.send_signal(how)
        parent.wait()
    try:
        assert _ends(pid, 30)
    finally:
        if _is_there(pid):
            os.kill(pid, signal.SIGKILL)


STARTS_A_MODULE = """
import subprocess, sys, threading, time
from tiltyard.project.steps.embedded_server import bound

command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", sys.argv[1]]
started = []
thread = threading.Thread(target=lambda: started.append(subprocess.Popen(bound(command), stderr=subprocess.DEVNULL)))
thread.start()
thread.join()
print(started[0].pid, flush=True)
time.sleep(600)
"""


def test_a_running_server_outlives_the_thread_that_started_it_and_no_more(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", STARTS_A_MODULE, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _answers(port, 30)
        time.sleep(2.5)
        assert (_is_there(pid), _answers(port, 5)) == (True, True), "its thread is gone, its process is not"
        parent.kill()
        parent.wait()
    assert _ends(pid, 10)


def test_only_python_modules_are_bound() -> None:
    assert bound(["prefect", "server"]) == ["prefect", "server"]
    command = [sys.executable, "-m", "uvicorn", "--port", "1"]
    assert bound(command) == [sys.executable, str(BOUND), str(os.getpid()), "-m", "uvicorn", "--port", "1"]
