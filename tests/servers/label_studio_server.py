"""A real Label Studio for tests: installed once per machine from its lock, started on loopback, ended by its id.

It has an environment of its own in ``.venv-label-studio``, because it pins other versions of what we use. The lock is
resolved for Python 3.11 and newer, and was tried on 3.11. Nothing is skipped in silence: where Label Studio cannot be
installed, the tests fail.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from tests.servers.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "tests" / "label-studio.lock"
FOLDER = ROOT / ".venv-label-studio"
COMMAND = FOLDER / "bin" / "label-studio"
TOKEN = "0123456789abcdef" * 2 + "01234567"
ADMIN, PASSWORD = "admin@example.test", "long-enough-for-a-test"
START_SECONDS = 300
QUIET = {
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "NO_PROXY": "127.0.0.1,localhost",
}
"""It tells nobody that it runs."""


@dataclass(frozen=True)
class Server:
    """A Label Studio that runs."""

    url: str
    data: Path
    log: Path
    deleted: list[str] = field(default_factory=list)
    """What tests and their browser have deleted, as its users could."""

    @property
    def environment(self) -> dict[str, str]:
        """What tells the connector where it is."""
        return {"TILTYARD_LABEL_STUDIO_URL": self.url, "TILTYARD_LABEL_STUDIO_TOKEN": TOKEN}

    def call(self, method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        """Call its API as any of its users could; the answer's JSON, None where it has no content."""
        headers = {"Authorization": f"Token {TOKEN}"}
        answer = httpx.request(method, self.url + path, json=body, params=parameters, headers=headers, timeout=60)
        assert answer.is_success, answer.text
        self.note(method, path)
        return answer.json() if answer.content else None

    def note(self, method: str, url: str) -> None:
        """Remember what a test deletes."""
        if method == "DELETE":
            self.deleted.append(url.removeprefix(self.url))

    def requests(self) -> list[tuple[str, str]]:
        """Every request that it logged, ours and others': method and path."""
        lines = [line.split('"')[1].split() for line in self.log.read_text("utf-8").splitlines() if '[INFO] "' in line]
        return [(words[0], words[1]) for words in lines if len(words) == 3]


def install() -> None:
    """Make the environment, unless it was made from this very lock; other processes that want it wait."""
    stamp, wanted = FOLDER / "lock.sha256", sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "installing").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        stamp.unlink(missing_ok=True)
        shutil.rmtree(FOLDER / "lib", ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(FOLDER)])
        pip = [str(FOLDER / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--no-deps", "--require-hashes", "-r", str(LOCK)])
        stamp.write_text(wanted)


def _run(command: list[str]) -> None:
    """Run one command of the installation; its last words are the failure's message."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (
        f"Label Studio cannot be installed into {FOLDER.name}, so the connector is untested: {done.stderr[-1500:]}"
    )


@contextmanager
def running(data: Path) -> Iterator[Server]:
    """A fresh Label Studio with its data in a folder, until the end of the block."""
    install()
    data.mkdir(parents=True)
    log, port = data / "server.log", free_port()
    words = ["start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port), "--enable-legacy-api-token"]
    who = ["--username", ADMIN, "--password", PASSWORD, "--user-token", TOKEN]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TILTYARD_", "COV", "PYTHON"))}
    environment = {**kept, **QUIET, "LABEL_STUDIO_BASE_DATA_DIR": str(data)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [COMMAND, *words, *who], stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, cwd=data
        )
    server = Server(f"http://127.0.0.1:{port}", data, log)
    try:
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Wait until it answers; its last words are the failure's message."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{server.url}/health", timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise AssertionError(f"Label Studio does not start: {server.log.read_text('utf-8')[-2000:]}")


if __name__ == "__main__":
    install()
