"""Notices to others: once per training, signed, tried again, to the operator's addresses and nowhere else."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.clients.web import serving, settings
from tests.projects.made_queue import NUMBERS, made_project, numbers
from tiltyard.apps.labeling.notifications import Dispatcher, Notifier, WebhookTarget, configured_targets
from tiltyard.apps.labeling.service import ServedProject
from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.records import LabeledSet, Model, ModelId, NewAnnotation, SampleId, StoredFile, TrainingId
from tiltyard.stores.ledger.outbox import Notice

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrsc"
MADE = {**NUMBERS, "triggers": {"labels": 4}, "tuning": {"minimum_labels": 2}}


class Receiver:
    """A webhook on loopback that records requests and returns the given status."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        self.got.append((path, headers, body))
        return self.answers.pop(0) if self.answers else (204, {})


@contextmanager
def listening() -> Iterator[tuple[str, Receiver]]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, headers = receiver.take(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def served(tmp_path: Path, clock: Clock) -> Iterator[ServedProject]:
    made_project(tmp_path, numbers(20), MADE)
    opened = ServedProject(tmp_path, clock)
    yield opened
    opened.close()


def answers(served: ServedProject, count: int, start: int = 0) -> None:
    """So many labels of two classes."""
    new = [
        NewAnnotation(
            client_key=f"key {number}",
            annotator="ada",
            act="label",
            sample_id=SampleId(f"{number:032x}"),
            payload={"x": float(number)},
            said_at=served.now(),
            label=("yes", "no")[number % 2],
        )
        for number in range(start, start + count)
    ]
    served.ledger.annotations.submit(new, contract_hash="c", now=served.now())


def announcer(served: ServedProject, *urls: str) -> Notifier:
    return Notifier(served, configured_targets(settings(webhook_urls=list(urls), webhook_secret=SECRET)))


@pytest.mark.usefixtures("each_database")
def test_a_notice_is_sent_once_signed_and_says_what_is_due(tmp_path: Path, clock: Clock) -> None:
    made_project(tmp_path / "small", numbers(1), MADE)
    served = ServedProject(tmp_path / "small", clock)
    with listening() as (url, receiver):
        tells = announcer(served, f"{url}/hook")
        answers(served, 3)
        tells.queue_notices()
        assert served.ledger.outbox.all() == []
        answers(served, 2, start=3)
        for _ in range(3):
            tells.queue_notices()
            announcer(served, f"{url}/hook").queue_notices()
            tells.deliver()
    served.close()
    ((path, headers, body),) = receiver.got
    assert path == "/hook"
    told = Webhook(SECRET).verify(body, headers)
    assert told["type"] == "tiltyard.labels.ready"
    assert (told["data"]["project"], told["data"]["annotations"]) == ("small", 5)
    assert headers["content-type"] == "application/json"
    forged = {**headers, "webhook-id": "another"}
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(SECRET).verify(body, forged)


def test_each_address_has_its_own_notice(served: ServedProject) -> None:
    answers(served, 4)
    with listening() as (good, receiver), listening() as (bad, failing):
        failing.answers = [(500, {})]
        tells = announcer(served, good, bad)
        tells.queue_notices()
        tells.deliver()
        tells.deliver()
    assert (len(receiver.got), len(failing.got)) == (1, 1)
    assert sorted(one.state for one in served.ledger.outbox.all()) == ["delivered", "waiting"]


@pytest.mark.parametrize("answer", [(500, {}), (404, {}), (302, {"Location": "/other"}), (307, {"Location": "/other"})])
def test_what_fails_is_tried_again_later_and_no_redirect_is_followed(
    served: ServedProject, clock: Clock, answer: tuple[int, dict[str, str]]
) -> None:
    answers(served, 4)
    with listening() as (url, receiver):
        receiver.answers = [answer, answer]
        tells = announcer(served, f"{url}/hook")
        tells.queue_notices()
        pauses = []
        for _ in range(3):
            tells.deliver()
            (notice,) = served.ledger.outbox.all()
            pauses.append((notice.next_at - clock.now).total_seconds())
            tells.deliver()
            clock.now = notice.next_at + timedelta(seconds=1)
    assert [path for path, _, _ in receiver.got] == ["/hook"] * 3, "not before its time, and nowhere else"
    assert pauses[1] > pauses[0] > 0
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1, (
        "a receiver can tell that it is the same"
    )
    assert [one.state for one in served.ledger.outbox.all()] == ["delivered"]


def test_an_address_that_is_down_or_gone_from_the_settings_harms_nothing(
    served: ServedProject, caplog: pytest.LogCaptureFixture
) -> None:
    answers(served, 4)
    down = announcer(served, "http://127.0.0.1:9/")
    down.queue_notices()
    down.deliver()
    (notice,) = served.ledger.outbox.all()
    assert (notice.state, notice.attempts, "ConnectError" in notice.problem) == ("waiting", 1, True)
    assert "was not delivered" in caplog.text
    assert SECRET not in caplog.text


def test_it_is_told_again_after_the_next_training(served: ServedProject) -> None:
    tells = announcer(served, "http://127.0.0.1:9/")
    answers(served, 4)
    tells.queue_notices()
    trained(served)
    tells.queue_notices()
    assert len(served.ledger.outbox.all()) == 1, "nothing new since the training"
    answers(served, 4, start=4)
    tells.queue_notices()
    assert len({one.notice_id for one in served.ledger.outbox.all()}) == 2


def trained(served: ServedProject) -> None:
    """A training of everything up to now."""
    hashed = served.workspace.remember_project(served.now())
    position = served.ledger.position()
    file = StoredFile("file", "f", 4)
    served.ledger.models.keep_set(LabeledSet("set", "training", position, 4, {"yes": 2, "no": 2}, file, served.now()))
    served.ledger.models.keep(
        Model(
            model_id=ModelId("model"),
            training_id=TrainingId("set"),
            project_hash=hashed,
            recipe={},
            seed=0,
            code_version="v",
            environment={},
            metrics={},
            threshold=None,
            run_id="run",
            registry_version="1",
            artifact=file,
            predictions_hash="h",
            recorded_at=served.now(),
        )
    )


def test_the_dispatcher_tells_by_itself_and_survives_failures(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(20), MADE)
    with (
        listening() as (url, receiver),
        serving(workspace.project_file, webhook_urls=[url], webhook_secret=SECRET) as client,
    ):
        service = client.app.state.service  # type: ignore[attr-defined] # an ASGI app has no state
        quick = Dispatcher(service, tick=0.02)
        served = service.projects["small"]
        real, calls = served.refresh, iter([True])
        served.refresh = lambda: 1 / 0 if next(calls, None) else real()
        quick.start()
        answers(served, 4)
        deadline = datetime.now(UTC) + timedelta(seconds=20)
        while not receiver.got and datetime.now(UTC) < deadline:
            threading.Event().wait(0.02)
        quick.stop()
    assert json.loads(receiver.got[0][2])["data"]["project"] == "small"


def test_without_targets_nothing_is_posted(served: ServedProject) -> None:
    answers(served, 4)
    Notifier(served, configured_targets(settings())).queue_notices()
    assert served.ledger.outbox.all() == []


def test_the_event_goes_to_prefect_as_well(served: ServedProject, monkeypatch: pytest.MonkeyPatch) -> None:
    emitted: list[tuple[Any, ...]] = []
    monkeypatch.setattr("prefect.events.emit_event", lambda *args, **more: emitted.append((*args, more)))
    answers(served, 4)
    tells = Notifier(served, configured_targets(settings(prefect_events=True)))
    tells.queue_notices()
    tells.deliver()
    ((event, resource, more),) = emitted
    assert (event, resource["prefect.resource.id"]) == ("tiltyard.labels.ready", "tiltyard.project.small")
    assert more["payload"]["annotations"] == 4
    assert [one.state for one in served.ledger.outbox.all()] == ["delivered"]


@contextmanager
def dripping(answer: bytes, drip: bytes) -> Iterator[str]:
    """A webhook that sends its response a few bytes at a time, without end."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.wfile.write(answer)
            with suppress(OSError):
                while not over.wait(0.05):
                    self.wfile.write(drip)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


DRIPS = {
    "nothing": (b"", b""),
    "a status": (b"HTTP/1.1 2", b""),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
}
ANSWERED = {
    "a body": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "pieces": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a flood": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1_000_000),
}
NOTICE = Notice(
    "id-1", "e", {"a": 1}, "waiting", 0, datetime(2026, 1, 1, tzinfo=UTC), "", datetime(2026, 1, 1, tzinfo=UTC)
)


@pytest.mark.parametrize("drip", DRIPS)
def test_an_answer_that_drips_has_an_end(drip: str) -> None:
    with dripping(*DRIPS[drip]) as url:
        began = time.monotonic()
        with pytest.raises(TiltyardError, match=r"within 0\.5 seconds"):
            WebhookTarget(url, SECRET, seconds=0.5).send(NOTICE, datetime.now(UTC))
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("drip", ANSWERED)
def test_what_follows_the_status_is_not_read(drip: str) -> None:
    with dripping(*ANSWERED[drip]) as url:
        began = time.monotonic()
        WebhookTarget(url, SECRET, seconds=20).send(NOTICE, datetime.now(UTC))
        assert time.monotonic() - began < 5


def test_a_dripping_receiver_holds_up_nobody_else_and_no_end(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(20), MADE)
    with (
        dripping(*DRIPS["headers"]) as slow,
        listening() as (url, receiver),
        serving(workspace.project_file, webhook_urls=[slow, url], webhook_secret=SECRET) as client,
    ):
        service = client.app.state.service  # type: ignore[attr-defined] # an ASGI app has no state
        quick = Dispatcher(service, tick=0.02)
        served, refreshed = service.projects["small"], []
        served.refresh = lambda: refreshed.append(1)
        quick.start()
        answers(served, 4)
        deadline = datetime.now(UTC) + timedelta(seconds=20)
        while not receiver.got and datetime.now(UTC) < deadline:
            threading.Event().wait(0.02)
        seen = len(refreshed)
        threading.Event().wait(0.3)
        began = time.monotonic()
        quick.stop()
        took = time.monotonic() - began
    assert (len(receiver.got), len(refreshed) > seen, took < 8) == (1, True, True)


def test_a_password_in_an_address_is_told_to_nobody(served: ServedProject, caplog: pytest.LogCaptureFixture) -> None:
    answers(served, 4)
    down = announcer(served, "http://bob:S3cretPw@127.0.0.1:9/?token=S3cretPw")
    down.queue_notices()
    down.deliver()
    (notice,) = served.ledger.outbox.all()
    assert "S3cretPw" not in notice.problem + caplog.text


def test_a_notice_whose_receiver_is_gone_is_tried_no_more(served: ServedProject, clock: Clock) -> None:
    answers(served, 4)
    announcer(served, "http://127.0.0.1:9/").queue_notices()
    clock.now += timedelta(seconds=1)
    announcer(served, "http://127.0.0.1:10/").give_up_unknown()
    (notice,) = served.ledger.outbox.all()
    assert "no longer in the settings" in notice.problem
