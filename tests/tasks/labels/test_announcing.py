"""Announcing: notices are posted after the fact, and whoever does not hear them stops nothing."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Failed

from tests.crash.story import go_round
from tests.projects.small_project import a_day, answer_queue, deliver, make_project
from tiltyard.flows.ask_experts import ask_experts
from tiltyard.schemas.errors import Unavailable
from tiltyard.schemas.events import CHAMPION_PROMOTED, LABELS_READY, LABELS_WANTED, OBJECT_LANDED
from tiltyard.stores.ledger.database.locks import advisory_lock as waiting_for
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.labels.announcements import announce, announce_failure, deferred_notices
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.models.training_due import announce_labels_ready
from tiltyard.workspace.workspace import Workspace


class Hearing(BaseHTTPRequestHandler):
    """Hears notices, or answers that it cannot."""

    heard: ClassVar[list[dict[str, Any]]] = []
    status: ClassVar[int] = 204
    length: ClassVar[int] = 0
    """Bytes of an answer that is promised and never sent."""

    def do_POST(self) -> None:
        type(self).heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.meanwhile()
        self.send_response(200 if self.length else self.status)
        if self.length:
            self.send_header("content-length", str(self.length))
        self.end_headers()
        if self.length:
            self.wfile.flush()
            self.connection.settimeout(20)
            self.rfile.read(1)

    def meanwhile(self) -> None:
        """What happens before the answer."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """The notices that were posted to a listener on this machine."""
    Hearing.heard, Hearing.status = [], 204
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hearing)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("TILTYARD_NOTICE_URL", f"http://127.0.0.1:{server.server_port}/hook?key=very-secret")
    yield Hearing.heard
    server.shutdown()
    server.server_close()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_project(tmp_path / "small")


def test_a_notice_says_what_happened_to_people_and_programs(workspace: Workspace, heard: list[dict[str, Any]]) -> None:
    announce(workspace, CHAMPION_PROMOTED, "champion is abc now", model="abc", number=3)
    (notice,) = heard
    assert {name: notice[name] for name in ("event", "project", "text", "model", "number")} == {
        "event": "tiltyard.champion.promoted", "project": "small", "text": "small: champion is abc now", "model": "abc",
        "number": 3,
    }  # fmt: skip
    assert notice["at"].endswith("+00:00")


def test_a_full_queue_is_told_once(workspace: Workspace, heard: list[dict[str, Any]]) -> None:
    project = str(workspace.project_file.parent)
    deliver(workspace, "day-0.csv", a_day(0))
    land_objects.fn(project)
    for object_id in objects_to_check.fn(project):
        check_batch.fn(project, object_id)
    for _ in range(2):
        choose_samples.fn(project)
    told = [notice for notice in heard if notice["event"] == LABELS_WANTED]
    assert [(notice["assignments"], notice["text"]) for notice in told] == [
        (24, "small: 24 assignments wait for experts")
    ]


def test_labels_that_came_by_file_wake_a_training_once_there_are_enough(
    workspace: Workspace, heard: list[dict[str, Any]]
) -> None:
    project = str(workspace.project_file.parent)
    assert not announce_labels_ready.fn(project)
    deliver(workspace, "day-0.csv", a_day(0))
    go_round(project)
    answer_queue(workspace, workspace.clock())
    assert announce_labels_ready.fn(project)
    (told,) = [notice for notice in heard if notice["event"] == LABELS_READY]
    assert told["text"].startswith("small: labels are ready, 24 new annotations")


def test_a_slow_listener_holds_up_nobody_else(
    workspace: Workspace, heard: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = str(workspace.project_file.parent)
    free: dict[str, bool] = {}

    def while_it_is_heard(turn: str) -> Callable[[], None]:
        def look() -> None:
            with suppress(Unavailable), waiting_for(workspace.ledger.database.engine, turn, patience=1):
                free[turn] = True

        return look

    deliver(workspace, "day-0.csv", a_day(0))
    monkeypatch.setattr(Hearing, "meanwhile", staticmethod(while_it_is_heard("ingest")))
    land_objects.fn(project)
    for object_id in objects_to_check.fn(project):
        check_batch.fn(project, object_id)
    monkeypatch.setattr(Hearing, "meanwhile", staticmethod(while_it_is_heard("ask")))
    choose_samples.fn(project)
    assert free == {"ingest": True, "ask": True}
    assert [notice["event"] for notice in heard] == [OBJECT_LANDED, LABELS_WANTED]


def test_what_was_announced_is_posted_in_order_also_after_a_failure(heard: list[dict[str, Any]]) -> None:
    def announces_and_fails() -> None:
        with deferred_notices():
            announce_failure(ask_experts, a_run("one"), Failed(message="first"))
            with deferred_notices():
                announce_failure(ask_experts, a_run("two"), Failed(message="second"))
            assert heard == []
            raise Unavailable("the ledger went away")

    with pytest.raises(Unavailable):
        announces_and_fails()
    assert [notice["text"].rpartition(" ")[2] for notice in heard] == ["first", "second"]


def test_a_listener_that_never_ends_its_answer_is_not_waited_for(
    workspace: Workspace,
    heard: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(Hearing, "length", 10)
    announce(workspace, CHAMPION_PROMOTED, "the rest never comes")
    assert len(heard) == 1
    assert "was not delivered" not in caplog.text


def a_run(name: str) -> FlowRun:
    """A run of a project that is not there."""
    return FlowRun(id=uuid4(), flow_id=uuid4(), parameters={"project": f"/nowhere/{name}"})


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/", "nonsense", "http://[", "ftp://x"])
def test_who_does_not_hear_stops_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    monkeypatch.setenv("TILTYARD_NOTICE_URL", address)
    announce(workspace, CHAMPION_PROMOTED, "nobody hears this")


def test_a_refusing_listener_is_told_of_without_the_address(
    workspace: Workspace, heard: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    Hearing.status = 500
    announce(workspace, CHAMPION_PROMOTED, "somebody is deaf")
    assert len(heard) == 1
    assert "was not delivered: HTTPStatusError" in caplog.text
    assert "very-secret" not in caplog.text


def test_a_failed_run_is_told_with_its_project(workspace: Workspace, heard: list[dict[str, Any]]) -> None:
    run = FlowRun(id=uuid4(), flow_id=uuid4(), parameters={"project": str(workspace.project_file.parent)})
    announce_failure(ask_experts, run, Failed(message="the pool is gone"))
    (notice,) = heard
    assert (notice["event"], notice["project"]) == ("tiltyard.run.failed", "small")
    assert notice["text"] == "ask-experts of small ended Failed: the pool is gone"


def test_a_project_that_cannot_be_opened_is_told_by_its_place(heard: list[dict[str, Any]], tmp_path: Path) -> None:
    run = FlowRun(id=uuid4(), flow_id=uuid4(), parameters={"project": str(tmp_path / "nowhere")})
    announce_failure(ask_experts, run, Failed(message="no project file"))
    assert str(tmp_path / "nowhere") in heard[0]["text"]
