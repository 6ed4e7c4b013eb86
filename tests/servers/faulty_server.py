"""A server in front of another that does what networks and busy servers do: each request may meet a fault."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Fault = Literal["none", "busy", "unknown", "cut", "flip", "stall", "lost"]
"""busy: 503 SlowDown; unknown: 501 NotImplemented; cut, flip, stall: the answer's body breaks off, has a flipped bit,
stops coming half-way; lost: the request is done, and the connection ends without an answer."""

SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your rate.</Message></Error>"
UNKNOWN = b"<?xml version='1.0'?><Error><Code>NotImplemented</Code><Message>A header is not known.</Message></Error>"
STALL_SECONDS = 5.0


@dataclass
class Faulty:
    """The server's URL, the faults that its next requests meet, in order, and what it was asked."""

    url: str
    next: list[Fault] = field(default_factory=list)
    always: Fault = "none"
    asked: list[str] = field(default_factory=list)

    def fault(self, request: str) -> Fault:
        """What this request meets."""
        self.asked.append(request)
        return self.next.pop(0) if self.next else self.always


@contextmanager
def faulty(behind: str) -> Iterator[Faulty]:
    """A faulty server on 127.0.0.1 in front of another, until the end of the block."""
    server = _Server(behind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    """Listens on a free port."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = behind
        self.script = Faulty(f"http://127.0.0.1:{self.server_address[1]}")


class _Handler(BaseHTTPRequestHandler):
    """Asks the server behind, and spoils its answer as the fault says."""

    protocol_version = "HTTP/1.1"

    def handle_one(self) -> None:
        """One request, whatever it is."""
        assert isinstance(self.server, _Server)
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.script.fault(f"{self.command} {self.path}")
        if fault in {"busy", "unknown"}:
            self.reply(_Answer(503, {}, SLOW_DOWN) if fault == "busy" else _Answer(501, {}, UNKNOWN), fault)
            return
        answer = _forward(self.server.behind, self, sent)
        if fault == "lost":
            self.close_connection = True
            return
        self.reply(answer, fault)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_one

    def reply(self, answer: "_Answer", fault: Fault) -> None:
        """Answer, whole or spoilt."""
        self.send_response_only(answer.status)
        length = answer.headers.get("content-length", "0") if self.command == "HEAD" else str(len(answer.body))
        for name, value in answer.headers.items():
            if name not in {"content-length", "connection", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("content-length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.send_body(answer.body, fault)

    def send_body(self, body: bytes, fault: Fault) -> None:
        """Send the body, or what the fault leaves of it."""
        half = len(body) // 2
        if fault == "flip":
            body = body[:half] + bytes([body[half] ^ 1]) + body[half + 1 :]
        with suppress(BrokenPipeError, ConnectionResetError):  # who asked may have gone meanwhile
            self.wfile.write(body[:half] if fault in {"cut", "stall"} else body)
            self.wfile.flush()
        if fault == "stall":
            time.sleep(STALL_SECONDS)
        self.close_connection = self.close_connection or fault in {"cut", "stall"}

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _forward(behind: str, request: BaseHTTPRequestHandler, sent: bytes) -> "_Answer":
    """The answer of the server behind; bytes pass as they are."""
    left_out = {"connection", "expect", "content-length"}
    headers = {name: value for name, value in request.headers.items() if name.lower() not in left_out}
    with closing(HTTPConnection(behind.removeprefix("http://"), timeout=60)) as connection:
        connection.request(request.command, request.path, body=sent or None, headers=headers)
        answer = connection.getresponse()
        return _Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


@dataclass(frozen=True)
class _Answer:
    """What the server behind said."""

    status: int
    headers: dict[str, str]
    body: bytes
