"""A real browser and a real server for the tests of pages."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ROOT = Path(__file__).parents[1]
SECRET = "only-for-tests-and-long-enough-to-sign"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium as the system has it, else as Playwright brings it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class LabelingServer:
    """The labeling server in a process of its own, which may be killed and started again on its port."""

    def __init__(self, projects: Sequence[Path], log: Path, **settings: str) -> None:
        """Serve projects on a free port of this machine once it is started."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        self._settings = {
            "TILTYARD_LABEL_PROJECTS": ",".join(str(path) for path in projects),
            "TILTYARD_LABEL_SECRET": SECRET,
            "TILTYARD_LABEL_LOGIN_RATE": "1000/minute",
            "TILTYARD_LABEL_REQUEST_RATE": "100000/minute",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "uvicorn", "--factory", "apps.labeling.asgi:create"]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning"]
        with self._log.open("ab") as log:
            environment = {**os.environ, **self._settings}
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        for _ in range(400):
            if self._answers():
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"the server did not start: {self._log.read_text('utf-8')[-2000:]}")

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2, trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


@contextmanager
def serving(projects: Sequence[Path], log: Path, **settings: str) -> Iterator[LabelingServer]:
    """A labeling server for as long as it is needed."""
    server = LabelingServer(projects, log, **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def logged_in(context: BrowserContext, url: str, token: str, path: str = "/") -> Page:
    """A page of somebody who has just logged in."""
    page = context.new_page()
    page.goto(f"{url}/login?next={path}")
    page.fill("#token", token)
    page.click("main button")
    page.wait_for_url(lambda address: "/login" not in address)
    return page


def violations(page: Page) -> list[str]:
    """What axe-core holds to be a serious or critical fault of a page."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # ships no types

    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    grave = [one for one in found if one["impact"] in {"serious", "critical"}]
    return [f"{one['id']}: {node['html'][:200]}" for one in grave for node in one["nodes"]]
