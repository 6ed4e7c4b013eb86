"""The client against a server that misbehaves: questions are asked again, commands never, each failure has a name."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import tiltyard.stores.integrations.label_studio as client
from tiltyard.schemas.errors import LabelStudioError
from tiltyard.stores.integrations.label_studio import LabelStudio

Answer = tuple[int, Any]
PERSONAL = "header.body.signature"


@dataclass
class Script:
    """What a server answers, one after the other (the last again and again), and what it was asked."""

    answers: list[Answer]
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def next(self, method: str, path: str, signed: str) -> Answer:
        """The next answer, unless an access is bought: then a new one."""
        self.asked.append((method, path.split("?")[0], signed))
        if path == "/api/token/refresh/":
            return 200, {"access": f"access-{len(self.asked)}"}
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """The address of a server that follows the script."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = script.next(self.command, self.path, self.headers.get("Authorization", ""))
            text = content if isinstance(content, str) else json.dumps(content)
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if isinstance(content, str) else "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_PATCH = do_GET

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a test."""
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.01))


def asked(answers: list[Answer], what: Callable[[LabelStudio], Any], token: str = "t") -> tuple[Any, Script]:
    """What a call gives or says, and the script after it."""
    script = Script(answers)
    with serving(script) as url, LabelStudio(url, token) as server:
        try:
            return what(server), script
        except LabelStudioError as error:
            return str(error), script


def version(server: LabelStudio) -> str:
    return server.version()


def send(server: LabelStudio) -> int:
    return server.import_tasks(3, [{"data": {}}])


def test_a_question_is_asked_again_when_the_server_is_busy() -> None:
    given, script = asked([(500, {}), (503, "busy"), (200, {"release": "1.23.2"})], version)
    assert (given, len(script.asked)) == ("1.23.2", 3)


def test_a_question_is_not_asked_for_ever() -> None:
    given, script = asked([(500, {"detail": "database is locked"})], version)
    assert len(script.asked) == 3
    assert "failed with 500 (database is locked)" in given


def test_a_command_is_sent_once_whatever_comes_of_it() -> None:
    given, script = asked([(500, {"detail": "database is locked"})], send)
    assert [method for method, _, _ in script.asked] == ["POST"]
    assert "may be stored all the same: run this again, nothing doubles" in given


def test_a_personal_token_buys_access_when_the_old_one_has_run_out() -> None:
    def twice(server: LabelStudio) -> list[Any]:
        return [server.version(), send(server), server.version()]

    good = 200, {"release": "1", "task_count": 1}
    given, script = asked([good, (401, {"detail": "expired"}), good], twice, PERSONAL)
    assert given == ["1", 1, "1"]
    assert [(path.rsplit("/api/", 1)[1], signed) for _, path, signed in script.asked] == [
        ("token/refresh/", ""),
        ("version", "Bearer access-1"),
        ("projects/3/import", "Bearer access-1"),
        ("token/refresh/", ""),
        ("projects/3/import", "Bearer access-4"),
        ("version", "Bearer access-4"),
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {"detail": "Invalid token."}), "does not take TILTYARD_LABEL_STUDIO_TOKEN (Invalid token.)"),
        ((403, {"detail": "Forbidden"}), "does not take TILTYARD_LABEL_STUDIO_TOKEN (Forbidden)"),
        ((404, "<html>"), "is not Label Studio's API (404 for /api/version)"),
        ((302, ""), "is not Label Studio's API (302 for /api/version)"),
        ((200, "<html>log in</html>"), "is not Label Studio's API (200 for /api/version)"),
        ((200, {"other": "thing"}), "answers without 'release'"),
        ((200, ["a list"]), "answers without 'release'"),
        ((400, {"validation_errors": {"title": ["too short"]}}), "refuses /api/version: {'title': ['too short']}"),
    ],
)
def test_each_failure_has_a_name(answer: Answer, said: str) -> None:
    given, _ = asked([answer], version)
    assert said in given


def test_nothing_is_deleted_because_no_call_can() -> None:
    """Every call of the client, each answered with anything."""
    anything = {"id": 1, "title": "t", "release": "r", "results": [], "tasks": [], "task_count": 0}

    def all_of_them(server: LabelStudio) -> None:
        server.version()
        server.project("[tiltyard:x]")
        server.make_project({})
        server.change_project(1, {})
        send(server)
        server.tasks_with(1, "assignment_id", ["a"])
        server.answered_tasks(1)

    public = {name for name, one in vars(LabelStudio).items() if callable(one) and not name.startswith("_")}
    _, script = asked([(200, anything)], all_of_them)
    assert {(method, path) for method, path, _ in script.asked if method != "GET"} == {
        ("POST", "/api/projects"),
        ("PATCH", "/api/projects/1"),
        ("POST", "/api/projects/3/import"),
    }
    assert public == {
        "version", "project", "make_project", "change_project", "import_tasks", "tasks_with", "answered_tasks", "users",
    }  # fmt: skip


def test_pages_go_on_after_the_last_id() -> None:
    first = {"tasks": [{"id": number} for number in range(1, client.PAGE + 1)]}
    found, script = asked([(200, first), (200, {"tasks": [{"id": 500}]})], lambda server: server.answered_tasks(1))
    assert [task["id"] for task in found] == [*range(1, client.PAGE + 1), 500]
    assert len(script.asked) == 2
