"""Sizes and deadlines before trust: bytes of unknown clients are counted and timed, and none blocks the server."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message

from tests.clients.web import API, SECRET, bearer, serving
from tests.projects.made_queue import NUMBERS, made_project, numbers, token_for
from tests.servers.ports import free_port
from tiltyard.apps.labeling.api import ApiError
from tiltyard.apps.labeling.middleware import BodyLimit
from tiltyard.apps.labeling.middleware.body_limit import BodyAllowance
from tiltyard.apps.labeling.service.request_slots import RequestSlots


class Reader:
    """An application that reads its body, or does not, and remembers how much came."""

    def __init__(self, *, reads: bool) -> None:
        self.reads, self.seen = reads, 0

    async def __call__(self, _: Any, receive: Any, send: Any) -> None:
        more = self.reads
        while more:
            message = await receive()
            self.seen += len(message.get("body", b""))
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def ask(app: Any, pieces: list[bytes], headers: dict[str, str], nap: float = 0.0) -> list[Message]:
    """What is answered to a request whose body comes in pieces."""
    waiting, sent = [*pieces], list[Message]()

    async def receive() -> Message:
        await asyncio.sleep(nap)
        piece = waiting.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await app({"type": "http", "method": "POST", "path": "/api/x", "headers": raw}, receive, send)
    return sent


@pytest.mark.parametrize(
    ("pieces", "headers", "seen"),
    [
        ([b"x" * 50] * 2, {"Content-Length": "100"}, 100),
        ([b"x" * 101], {"Content-Length": "101"}, None),
        ([b"x" * 101], {"Content-Length": "7"}, None),
        ([b"x" * 60, b"x" * 60], {"Transfer-Encoding": "chunked"}, None),
        ([b"x" * 60, b"x" * 60], {}, None),
        ([b"x"], {"Content-Length": "9" * 5000}, None),
        ([b"x"], {"Content-Length": "nonsense"}, 1),
        ([b""], {}, 0),
    ],
)
def test_a_body_is_counted_however_it_comes(pieces: list[bytes], headers: dict[str, str], seen: int | None) -> None:
    inner = Reader(reads=True)
    guarded = BodyLimit(inner, lambda _: BodyAllowance(100, 5))
    if seen is None:
        refused = False
        try:
            sent = asyncio.run(ask(guarded, pieces, headers))
            refused = sent[0]["status"] == 413
        except ApiError as error:
            refused = error.status_code == 413
        assert refused
    else:
        asyncio.run(ask(guarded, pieces, headers))
        assert inner.seen == seen


def test_a_body_that_drips_is_cut() -> None:
    guarded = BodyLimit(Reader(reads=True), lambda _: BodyAllowance(1000, 0.2))
    sent = asyncio.run(ask(guarded, [b"x"] * 100, {}, nap=0.05))
    assert (sent[0]["status"], b"within 0.2 seconds" in sent[1]["body"]) == (408, True)


def test_a_client_that_hangs_up_in_the_middle_is_no_fault_of_ours() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    inner, sent = Reader(reads=True), list[Message]()

    async def send(message: Message) -> None:
        sent.append(message)

    for length in (b"50", b"70000"):
        scope = {"type": "http", "method": "POST", "path": "/api/x", "headers": [(b"content-length", length)]}
        with contextlib.suppress(ApiError):
            asyncio.run(BodyLimit(inner, lambda _: BodyAllowance(100_000, 5))(scope, receive, send))
    assert (inner.seen, [one["status"] for one in sent if "status" in one]) == (0, [400])


def test_a_page_that_closes_is_heard_though_it_waits_for_nothing(tmp_path: Path) -> None:
    """The server looks at who sends it when the connection is gone already."""
    workspace = made_project(tmp_path, numbers(3), NUMBERS)
    with serving(workspace.project_file) as client:
        app = client.app
        header = {**bearer(token_for(workspace, "ada")), "Content-Type": "application/json"}
        client.post(f"{API}/lease", json={"count": 3}, headers=header)
        raw = [(name.lower().encode(), value.encode()) for name, value in header.items()]
        scope = {"type": "http", "method": "POST", "path": f"{API}/release", "headers": raw, "query_string": b""}
        waiting: list[Message] = [{"type": "http.request", "body": b"{}", "more_body": False}]

        async def receive() -> Message:
            return waiting.pop(0) if waiting else {"type": "http.disconnect"}

        async def send(_: Message) -> None:
            """Nobody listens."""

        assert client.portal is not None
        client.portal.call(app, scope, receive, send)
    assert workspace.ledger.assignments.holders(workspace.clock()) == {}


@pytest.mark.parametrize(
    ("headers", "closes"),
    [({"Content-Length": "50"}, False), ({"Content-Length": "70000"}, True), ({"Transfer-Encoding": "chunked"}, False)],
)
def test_a_body_that_nobody_wanted_is_not_waited_for(headers: dict[str, str], closes: bool) -> None:
    inner = Reader(reads=False)
    sent = asyncio.run(ask(BodyLimit(inner, lambda _: BodyAllowance(100_000, 5)), [b"x"] * 50, headers))
    assert (inner.seen, (b"connection", b"close") in sent[0]["headers"]) == (0, closes)


def test_pieces_that_nobody_wanted_are_counted_all_the_same() -> None:
    inner = Reader(reads=False)
    sent = asyncio.run(
        ask(BodyLimit(inner, lambda _: BodyAllowance(40, 5)), [b"x"] * 50, {"Transfer-Encoding": "chunked"})
    )
    assert (inner.seen, sent[0]["status"], len(sent)) == (0, 413, 2)


def test_what_a_stranger_sends_is_not_read(tmp_path: Path) -> None:
    """A file of 19 MB is not asked for; a page's form may be small only."""
    workspace = made_project(tmp_path, numbers(1), NUMBERS)
    with serving(workspace.project_file) as client:
        for path in ("/login", "/logout", "/p/small/lead/sample/x/gold"):
            assert client.post(path, content=b"x" * 20_000).status_code == 413
        header = {"Content-Type": "text/csv"}
        told = client.post(f"{API}/import", content=b"x" * 19_000_000, headers=header)
        assert told.status_code == 401


def test_slots_are_given_back(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(1), NUMBERS)
    with serving(workspace.project_file) as client:
        header = bearer(token_for(workspace, "ada", "lead"))
        service = client.app.state.service  # type: ignore[attr-defined] # an ASGI app has no state
        for path in ("", "/progress", "/export", "/nothing"):
            for _ in range(40):
                client.get(f"{API}{path}", headers=header)
        for _ in range(3):
            told = client.post(
                f"{API}/import", content=b"sample_id,label\n", headers={**header, "Content-Type": "text/csv"}
            )
            assert told.status_code in {200, 422}, told.text
        back = service.imports.take("ada")
        busy = client.post(
            f"{API}/import", content=b"sample_id,label\n", headers={**header, "Content-Type": "text/csv"}
        )
        back()
        service.at_once = RequestSlots(0, 9)
        assert client.get(API, headers=header).status_code == 429
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "1")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, subprocess.Popen[bytes], str]]:
    """A server as 'tiltyard label serve' starts it, with short deadlines, and somebody's token."""
    workspace = made_project(tmp_path_factory.mktemp("served"), numbers(3), NUMBERS)
    token, port = token_for(workspace, "ada"), free_port()
    code = (
        "from tiltyard.apps.labeling.middleware.connections import LimitedConnection as C\n"
        "C.head_seconds = C.stuck_seconds = 1.0; C.check_seconds = 0.1; C.max_per_address = 3\n"
        "import tiltyard.apps.labeling.middleware.connections as c\n"
        "from pathlib import Path; from tiltyard.apps.cli.labels.serve import serve\n"
        f"serve([Path({str(workspace.project_file)!r})], '127.0.0.1', {port})\n"
    )
    environment = {**os.environ, "TILTYARD_LABEL_SECRET": SECRET, "TILTYARD_LABEL_REQUEST_SECONDS": "1"}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        _answers(port)
        yield port, process, token
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200:
                return
        time.sleep(0.05)
    raise TimeoutError


def _until_closed(port: int, first: bytes, drip: bytes, seconds: float = 20) -> tuple[float, bytes]:
    """For how long the server lets a client drip, and what it says meanwhile."""
    began, heard = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(0.05)
        client.sendall(first)
        while time.monotonic() - began < seconds:
            try:
                got = client.recv(65536)
                heard += got
                if not got:
                    break
            except TimeoutError:
                with contextlib.suppress(OSError):
                    client.sendall(drip)
            except OSError:
                break
    return time.monotonic() - began, heard


HEAD = b"POST /api/v1/projects/small/lease HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def test_clients_that_drip_are_cut(running: tuple[int, Any, str]) -> None:
    port, _, token = running
    authorization = f"Authorization: Bearer {token}\r\n".encode()
    drips = {
        "nothing": (b"", b""),
        "a head": (HEAD, b"X"),
        "a body of a stranger": (HEAD + b"Content-Length: 200000\r\n\r\n", b"x"),
        "a body": (HEAD + authorization + b"Content-Length: 60000\r\n\r\n", b"x"),
        "pieces": (HEAD + authorization + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    }
    with ThreadPoolExecutor(len(drips)) as pool:
        told = dict(zip(drips, pool.map(lambda one: _until_closed(port, *one), drips.values()), strict=True))
    assert {name: seconds < 15 for name, (seconds, _) in told.items()} == dict.fromkeys(drips, True), told
    assert b" 401 " in told["a body of a stranger"][1]
    assert (b" 408 " in told["a body"][1], b" 408 " in told["pieces"][1]) == (True, True)


def test_a_head_without_end_is_not_collected(running: tuple[int, Any, str]) -> None:
    seconds, _ = _until_closed(running[0], b"GET /health HTTP/1.1\r\nX: " + b"x" * 500_000, b"x" * 10_000)
    assert seconds < 5


def test_a_server_with_hanging_clients_ends_promptly(running: tuple[int, subprocess.Popen[bytes], str]) -> None:
    port, process, token = running
    head = HEAD + f"Authorization: Bearer {token}\r\nContent-Length: 60000\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port)) as one, socket.create_connection(("127.0.0.1", port)) as two:
        one.sendall(head)
        two.sendall(b"GET / HT")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert time.monotonic() - began < 15


def test_connections_of_one_address_have_an_end() -> None:
    from tiltyard.apps.labeling.middleware.connections import LimitedConnection

    class Fake(LimitedConnection):
        def __init__(self, host: str, connections: set[Any]) -> None:
            self.client, self.connections = (host, 1), connections
            connections.add(self)

    every: set[Any] = set()
    made = [Fake("192.0.2.1", every)._is_over_limit() for _ in range(LimitedConnection.max_per_address + 2)]
    assert made.count(True) == 2
    assert not Fake("192.0.2.2", every)._is_over_limit()
    assert not any([Fake("127.0.0.1", every)._is_over_limit() for _ in range(LimitedConnection.max_per_address + 2)])
