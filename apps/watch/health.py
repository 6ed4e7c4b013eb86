"""``/health``, ``/live`` and ``/metrics`` of the watch: a thread of its own, which nothing else waits for."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tiltyard.apps.watch.state import Standing
from tiltyard.schemas.errors import SettingsError


class HealthServer(ThreadingHTTPServer):
    """A small server that tells how the watch stands."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], standing: Standing) -> None:
        """Listen there."""
        self.standing = standing
        super().__init__(address, _Request)


class _Request(BaseHTTPRequestHandler):
    """One question; nothing that is sent along is read."""

    server: HealthServer
    timeout = 5
    server_version, sys_version = "tiltyard", ""

    def do_GET(self) -> None:
        """Tell how the watch stands."""
        standing, now = self.server.standing, datetime.now(UTC)
        if self.path == "/health":
            self._say(200 if standing.is_healthy(now) else 503, json.dumps(standing.told(now)), "application/json")
        elif self.path == "/live":
            self._say(200 if standing.is_alive(now) else 503, "alive" if standing.is_alive(now) else "stuck")
        elif self.path == "/metrics":
            self._say(200, standing.metrics(now), "text/plain; version=0.0.4")
        else:
            self._say(404, "there are /health, /live and /metrics")

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the log for messages of the queue."""

    def _say(self, status: int, text: str, kind: str = "text/plain") -> None:
        """Answer and end."""
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def told_at(host: str, port: int, standing: Standing) -> Iterator[None]:
    """Tell how the watch stands at an address until the block ends; port 0: nowhere.

    Raises SettingsError when nothing can listen there.
    """
    if port == 0:
        yield
        return
    server = _listening(host, port, standing)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _listening(host: str, port: int, standing: Standing) -> HealthServer:
    """A server that listens there."""
    try:
        return HealthServer((host, port), standing)
    except OSError as error:
        raise SettingsError(
            f"cannot tell about health on {host}:{port}: {os.strerror(error.errno or 0)}; "
            "name another with --health-port, or 0 for none"
        ) from error
