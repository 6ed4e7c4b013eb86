"""Serve ``/health``, ``/live`` and ``/metrics`` of the watch in a separate thread."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tiltyard.apps.watch.state import WatchState
from tiltyard.schemas.errors import SettingsError


class HealthServer(ThreadingHTTPServer):
    """A small server that reports the watch's state."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], state: WatchState) -> None:
        """Listen on an address."""
        self.state = state
        super().__init__(address, _Request)


class _Request(BaseHTTPRequestHandler):
    """One request; its body is never read."""

    server: HealthServer
    timeout = 5
    server_version, sys_version = "tiltyard", ""

    def do_GET(self) -> None:
        """Report the watch's state."""
        state, now = self.server.state, datetime.now(UTC)
        if self.path == "/health":
            self._respond(200 if state.is_healthy(now) else 503, json.dumps(state.as_data(now)), "application/json")
        elif self.path == "/live":
            self._respond(200 if state.is_alive(now) else 503, "alive" if state.is_alive(now) else "stuck")
        elif self.path == "/metrics":
            self._respond(200, state.metrics(now), "text/plain; version=0.0.4")
        else:
            self._respond(404, "use /health, /live or /metrics")

    def log_message(self, format: str, *args: Any) -> None:
        """Log no requests: the log is for messages of the queue."""

    def _respond(self, status: int, text: str, kind: str = "text/plain") -> None:
        """Send a response."""
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serve_health(host: str, port: int, state: WatchState) -> Iterator[None]:
    """Report the watch's state on an address until the block ends; port 0 means no server.

    Raises SettingsError when the address cannot be opened.
    """
    if port == 0:
        yield
        return
    server = _open_server(host, port, state)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _open_server(host: str, port: int, state: WatchState) -> HealthServer:
    """A server that listens on an address."""
    try:
        return HealthServer((host, port), state)
    except OSError as error:
        raise SettingsError(
            f"cannot listen for /health on {host}:{port}: {os.strerror(error.errno or 0)}; "
            "name another with --health-port, or 0 for none"
        ) from error
