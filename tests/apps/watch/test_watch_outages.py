"""The watch when something is away, killed or in the way: no message is lost, and no object has two runs."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_EPHEMERAL_ENABLED, temporary_settings

from tests.clients.commands import tiltyard
from tests.deployments.bucket_messages import s3_message, s3_record
from tests.deployments.watched_bucket import POOL, WatchedBucket, deploy, played_worker, watched_bucket
from tests.servers.ports import free_port
from tests.servers.prefect_server import PrefectServer, ended, running_prefect, wait_until
from tests.servers.tcp_proxy import Proxy
from tiltyard.apps.watch.backoff import Backoff
from tiltyard.apps.watch.service import open_watch
from tiltyard.apps.watch.state import WatchState
from tiltyard.schemas.watch_settings import WatchSettings

COMMAND = (sys.executable, "-c", "from tiltyard.apps.cli.main import main; main()", "watch")
KILLED_BEFORE_DELETING = """
import os, signal, threading
from tiltyard.apps.watch.service import open_watch
from tiltyard.schemas.watch_settings import WatchSettings
from tiltyard.stores.integrations import sqs as message_queue
message_queue.HOLD_SECONDS = 2
message_queue.MessageQueue.delete = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with open_watch(WatchSettings(health_port=0)) as (watch, standing):
    watch.run(threading.Event())
"""


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A Prefect server with a work pool that nobody works on."""
    with running_prefect(tmp_path_factory.mktemp("prefect")) as server:
        server.post("/work_pools/", {"name": POOL, "type": "process"})
        yield server


@pytest.fixture
def watched(prefect: PrefectServer, aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WatchedBucket:
    """A project with its own bucket, queue and deployment; what is away is noticed at once."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    made = watched_bucket(tmp_path, aws)
    deploy(prefect, made)
    return made


@pytest.fixture
def line(aws: str) -> Iterator[Proxy]:
    """A line to the server of buckets and queues that can be cut."""
    proxy = Proxy(("127.0.0.1", int(aws.rsplit(":", 1)[1])))
    yield proxy
    proxy.cut()


@contextmanager
def at_work(prefect: PrefectServer, settings: WatchSettings) -> Iterator[WatchState]:
    """A watch at work in a thread of this process, stopped at the end."""
    stop, ready, told = threading.Event(), threading.Event(), []

    def work() -> None:
        with prefect.in_process(), open_watch(settings) as (watch, standing):
            watch._backoff = Backoff(0.1, 0.5)
            told.append(standing)
            ready.set()
            watch.run(stop)

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(30)
    try:
        yield told[0]
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


@contextmanager
def command(prefect: PrefectServer, watched: WatchedBucket, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The command itself, as an operator starts it."""
    ours = {"TILTYARD_WATCH_QUEUE": watched.queue, "TILTYARD_WATCH_PROJECTS": watched.project, **environment}
    ours = {"TILTYARD_WATCH_POLL_SECONDS": "1", "TILTYARD_WATCH_DEAD_LETTERS": watched.dead, **ours}
    with subprocess.Popen(
        COMMAND, env={**prefect.environment, **ours}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            ended(process, signal.SIGKILL)  # type: ignore[arg-type]  # text or bytes, it is ended the same way


def arrive(watched: WatchedBucket, *keys: str) -> None:
    """Put objects and tell the queue of them."""
    for key in keys:
        watched.put(key, key)
        watched.send(s3_message(s3_record(watched.bucket, watched.prefix + key)))


def keys_of(prefect: PrefectServer, watched: WatchedBucket) -> list[str]:
    runs = prefect.runs_of(f"ingest-batch/{watched.name}")
    return sorted(run["parameters"]["arrived"]["key"].removeprefix(watched.prefix) for run in runs)


def received_counts(watched: WatchedBucket) -> list[int]:
    """How often each message in sight was handed out, this time included."""
    said = watched.sqs.receive_message(
        QueueUrl=watched.queue, MaxNumberOfMessages=10, MessageSystemAttributeNames=["ApproximateReceiveCount"]
    )
    return [int(one["Attributes"]["ApproximateReceiveCount"]) for one in said.get("Messages", [])]


def test_prefect_away(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is received meanwhile, so that no message is counted as tried; afterwards each has its run."""
    with running_prefect(tmp_path / "prefect") as server:
        server.post("/work_pools/", {"name": POOL, "type": "process"})
        watched = watched_bucket(tmp_path, aws)
        deploy(server, watched)
        with at_work(server, watched.settings()) as standing:
            wait_until(lambda: standing.is_healthy(standing.looked_at or standing.started_at), "a healthy watch", 30)
            server.kill()
            wait_until(lambda: standing.problem is not None, "a problem", 60)
            assert "cannot reach the Prefect server" in str(standing.problem)
            arrive(watched, "a.csv", "b.csv")
            time.sleep(2)
            assert watched.waiting() == 2
            server.start()
            wait_until(lambda: watched.waiting() == 0, "an empty queue", 60)
            assert standing.problem is None
            assert standing.counts["run_created"] == 2
        assert keys_of(server, watched) == ["a.csv", "b.csv"]


@pytest.mark.parametrize("what", ["queue", "bucket"])
def test_queue_or_bucket_away(
    prefect: PrefectServer, aws: str, line: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The message in hand is held, and is settled when the line is mended, at its first receipt still."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    through = f"http://127.0.0.1:{line.port}"
    made = watched_bucket(tmp_path, aws)
    folder = f"s3://{made.bucket}/{made.name}" + (f"?endpoint={through}" if what == "bucket" else "")
    monkeypatch.setenv("TILTYARD_SOURCE_URL", folder)
    deploy(prefect, made)
    queue = made.queue.replace(aws, through) if what == "queue" else made.queue
    with at_work(prefect, made.settings(queue=queue)) as standing:
        wait_until(lambda: standing.looked_at is not None, "a first look", 30)
        line.cut()
        arrive(made, "a.csv")
        wait_until(lambda: standing.problem is not None, "a problem", 60)
        assert "no whole answer" in str(standing.problem)
        line.mend()
        wait_until(lambda: made.waiting() == 0, "an empty queue", 60)
    assert keys_of(prefect, made) == ["a.csv"]
    assert standing.counts["deferred"] == standing.counts["dead_letter"] == 0


def test_the_ledger_away(prefect: PrefectServer, watched: WatchedBucket) -> None:
    """A database that cannot be opened is an outage, not a fault of the message."""
    database = watched.workspace.folder / "ledger.db"
    assert watched.workspace.ledger.batches.objects() == []
    watched.workspace.ledger.close()
    hidden = [path.rename(path.with_name(f"away-{path.name}")) for path in database.parent.glob("ledger.db*")]
    database.mkdir()
    with at_work(prefect, watched.settings()) as standing:
        arrive(watched, "a.csv")
        wait_until(lambda: standing.problem is not None, "a problem", 60)
        assert "database" in str(standing.problem)
        database.rmdir()
        for path in hidden:
            path.rename(path.with_name(path.name.removeprefix("away-")))
        wait_until(lambda: watched.waiting() == 0, "an empty queue", 60)
    assert keys_of(prefect, watched) == ["a.csv"]


def test_without_a_deployment_messages_wait(prefect: PrefectServer, watched: WatchedBucket) -> None:
    """The problem names the deployment and the command; a message that arrived before it was made is not lost."""
    with at_work(prefect, watched.settings(deployment="ingest-batch/later-{project}")) as standing:
        arrive(watched, "a.csv")
        wait_until(lambda: standing.problem is not None, "a problem", 30)
        assert f"no deployment 'ingest-batch/later-{watched.name}'" in str(standing.problem)
        assert watched.waiting() == 1
    with at_work(prefect, watched.settings()):
        wait_until(lambda: watched.waiting() == 0, "an empty queue", 30)
    assert keys_of(prefect, watched) == ["a.csv"]


def test_a_run_that_failed_has_a_successor(prefect: PrefectServer, watched: WatchedBucket) -> None:
    """Told of again, an object that its run did not take in has another; told of twice, still one other."""
    with at_work(prefect, watched.settings()), played_worker(prefect, watched) as worker:
        arrive(watched, "a.csv")
        wait_until(lambda: len(worker.scheduled()) == 1, "a run", 30)
        worker.fail_all()
        for _ in range(3):
            watched.send(s3_message(s3_record(watched.bucket, f"{watched.prefix}a.csv")))
        wait_until(lambda: watched.waiting() == 0, "an empty queue", 30)
        assert keys_of(prefect, watched) == ["a.csv", "a.csv"]
        assert worker.run_next()
        watched.send(s3_message(s3_record(watched.bucket, f"{watched.prefix}a.csv")))
        wait_until(lambda: watched.waiting() == 0, "an empty queue", 30)
    assert keys_of(prefect, watched) == ["a.csv", "a.csv"]


def test_killed_between_the_run_and_the_deletion(prefect: PrefectServer, watched: WatchedBucket) -> None:
    arrive(watched, "a.csv")
    ours = {"TILTYARD_WATCH_QUEUE": watched.queue, "TILTYARD_WATCH_PROJECTS": watched.project}
    killed = subprocess.run([sys.executable, "-c", KILLED_BEFORE_DELETING], env={**prefect.environment, **ours})
    assert killed.returncode == -signal.SIGKILL
    assert keys_of(prefect, watched) == ["a.csv"], "the run exists"
    assert watched.waiting() == 1, "and so does the message"
    with at_work(prefect, watched.settings()):
        wait_until(lambda: watched.waiting() == 0, "an empty queue", 60)
    assert keys_of(prefect, watched) == ["a.csv"]


def test_several_watches_of_one_queue(prefect: PrefectServer, watched: WatchedBucket) -> None:
    """Twelve objects, each told of three times, and three watches: twelve runs."""
    keys = [f"{number}.csv" for number in range(12)]
    for _ in range(3):
        arrive(watched, *keys)
    settings = watched.settings(unfinished=100)
    with at_work(prefect, settings), at_work(prefect, settings), at_work(prefect, settings):
        wait_until(lambda: watched.waiting() == 0, "an empty queue", 60)
    assert keys_of(prefect, watched) == sorted(keys)


def test_no_more_runs_are_unfinished_than_agreed(prefect: PrefectServer, watched: WatchedBucket) -> None:
    """The rest waits in the queue untouched, and needs no run once the first ones took everything in."""
    arrive(watched, *(f"{number}.csv" for number in range(9)))
    with at_work(prefect, watched.settings(unfinished=2)) as standing, played_worker(prefect, watched) as worker:
        wait_until(lambda: standing.is_waiting, "a full house", 30)
        time.sleep(2)
        assert len(worker.scheduled()) == 2
        assert watched.waiting() == 7
        assert standing.is_healthy(standing.looked_at or standing.started_at)
        assert worker.run_until(lambda: watched.waiting() == 0) == 2
    assert len(keys_of(prefect, watched)) == 2
    assert len(watched.workspace.ledger.batches.objects()) == 9


def test_runs_of_a_dead_worker_close_the_door_for_a_while_only(prefect: PrefectServer, watched: WatchedBucket) -> None:
    arrive(watched, "a.csv", "b.csv")
    with at_work(prefect, watched.settings(unfinished=1, run_minutes=0.05)):
        wait_until(lambda: watched.waiting() == 0, "an empty queue", 60)
    assert keys_of(prefect, watched) == ["a.csv", "b.csv"]


def test_an_object_that_may_not_be_looked_at_is_tried_and_then_kept(
    prefect: PrefectServer, watched: WatchedBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket without versions refuses to look for one: that holds up no other message, and ends as a dead letter."""
    from tiltyard.apps.watch import messages as settling

    monkeypatch.setattr(settling, "DEFER_SECONDS", 0)
    watched.send(s3_message(s3_record(watched.bucket, f"{watched.prefix}a.csv", versionId="of another bucket")))
    arrive(watched, "b.csv")
    with at_work(prefect, watched.settings()) as standing:
        wait_until(lambda: watched.waiting() == 0, "an empty queue", 60)
    assert keys_of(prefect, watched) == ["b.csv"]
    assert (standing.counts["deferred"], standing.counts["dead_letter"]) == (settling.MOST_RECEIVES - 1, 1)
    assert "refused" in watched.dead_letters()[0]["reason"]


def test_health_says_what_is_wrong(prefect: PrefectServer, watched: WatchedBucket, line: Proxy, aws: str) -> None:
    port = free_port()
    queue = watched.queue.replace(aws, f"http://127.0.0.1:{line.port}")
    with at_work(prefect, watched.settings(queue=queue, health_port=port)):
        at = f"http://127.0.0.1:{port}"
        wait_until(lambda: httpx.get(f"{at}/health").status_code == 200, "health", 30)
        told = httpx.get(f"{at}/health").json()
        assert told["healthy"] is True
        assert set(told["counts"]) >= {"run_created", "known", "dead_letter"}
        line.cut()
        wait_until(lambda: httpx.get(f"{at}/health").status_code == 503, "illness", 30)
        assert "no whole answer" in httpx.get(f"{at}/health").json()["problem"]
        assert httpx.get(f"{at}/live").status_code == 200, "nothing is won by starting it anew"
        assert "tiltyard_watch_healthy 0\n" in httpx.get(f"{at}/metrics").text
        assert 'tiltyard_watch_total{what="run_created"} 0\n' in httpx.get(f"{at}/metrics").text
        assert httpx.get(f"{at}/../project.yaml").status_code == 404
        assert httpx.post(f"{at}/health", content=b"x" * 100_000).status_code == 501
        line.mend()
        wait_until(lambda: httpx.get(f"{at}/health").status_code == 200, "health again", 30)


def test_the_command_ends_gently(prefect: PrefectServer, watched: WatchedBucket, line: Proxy) -> None:
    """Messages in hand are shown to others at once, and the way it ended is told."""
    folder = f"s3://{watched.bucket}/{watched.name}?endpoint=http://127.0.0.1:{line.port}"
    line.cut()
    arrive(watched, "a.csv", "b.csv", "c.csv")
    port = free_port()
    environment = {"TILTYARD_SOURCE_URL": folder, "TILTYARD_WATCH_HEALTH_PORT": str(port)}
    with command(prefect, watched, **environment) as process:
        wait_until(lambda: _is_ill(port), "a message in hand", 60)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert time.monotonic() - began < 15
    assert "problem" in out
    assert sorted(received_counts(watched)) == [2, 2, 2], "in sight again, after one receipt by the watch"


def _is_ill(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 503
    except httpx.TransportError:
        return False


def test_once_settles_what_waits_and_says_so(prefect: PrefectServer, watched: WatchedBucket) -> None:
    arrive(watched, "a.csv")
    watched.send("nonsense")
    options = ["--once", "--json", "-p", watched.project, "--queue", watched.queue, "--dead-letters", watched.dead]
    run = subprocess.run([*COMMAND, *options], env=prefect.environment, capture_output=True, text=True, check=True)
    counts: dict[str, Any] = json.loads(run.stdout)["counts"]
    assert {what: count for what, count in counts.items() if count} == {
        "run_created": 1,
        "dead_letter": 1,
        "received": 2,
    }


@pytest.mark.parametrize(
    ("options", "environment", "says"),
    [
        ([], {}, "no queue is set"),
        (["--queue", "nonsense"], {}, "not the URL of a queue"),
        (["--queue", "{queue}"], {"server": None}, "set PREFECT_API_URL"),
        (["--queue", "{queue}", "-p", "nowhere"], {}, "no project file at 'nowhere'"),
        (["--queue", "{queue}"], {"TILTYARD_SOURCE_URL": "incoming"}, "only a bucket sends messages"),
        (["--queue", "{queue}", "-p", "{project}", "-p", "{project}"], {}, "two projects share the deployment"),
        (["--queue", "{queue}x"], {}, "there is no such queue"),
        (["--queue", "{queue}"], {"TILTYARD_WATCH_DEPLOYMENT": "ingest-batch/none"}, "has no deployment"),
        (["--queue", "{queue}"], {"server": "http://127.0.0.1:9/api"}, "cannot reach the Prefect server"),
    ],
)
def test_mistakes_are_told_in_one_line(
    prefect: PrefectServer, watched: WatchedBucket, options: list[str], environment: dict[str, Any], says: str
) -> None:
    words = [word.format(queue=watched.queue, project=watched.project) for word in options]
    server = {PREFECT_API_URL: environment.pop("server", prefect.url), PREFECT_SERVER_EPHEMERAL_ENABLED: False}
    with temporary_settings(server):
        told = tiltyard("watch", "--once", *words, TILTYARD_PROJECT=watched.project, **environment)
    assert told.code == 2, told.err
    assert says in " ".join(told.err.split())
    assert "Traceback" not in told.err


def test_a_port_that_is_taken_is_told(prefect: PrefectServer, watched: WatchedBucket) -> None:
    with at_work(prefect, watched.settings(health_port=(port := free_port()))):
        wait_until(lambda: not _is_ill(port), "health", 30)
        with command(prefect, watched, TILTYARD_WATCH_HEALTH_PORT=str(port)) as process:
            _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "name another with --health-port" in " ".join(said.split())


def test_backoff_grows_and_begins_anew() -> None:
    patience = Backoff(1, 60, chance=lambda: 1.0)
    assert [patience.pause() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    patience.reset()
    assert patience.pause() == 1
    shares = [Backoff(10, 10).pause() / 10 for _ in range(200)]
    assert min(shares) >= 0.5
    assert max(shares) <= 1
    assert len(set(shares)) > 100, "nobody waits in step with others"
