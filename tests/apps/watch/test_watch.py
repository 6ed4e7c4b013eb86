"""The watch with a real bucket, queue and Prefect server: each object has one run, and nothing else has any."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.bucket_messages import (
    HOSTILE,
    ODD_KEYS,
    bridged,
    s3_message,
    s3_record,
    set_up_event,
    through_sns,
)
from tests.deployments.watched_bucket import (
    POOL,
    PlayedWorker,
    WatchedBucket,
    deploy,
    played_worker,
    tell_event_bridge,
    tell_queue,
    tell_topic,
    watched_bucket,
)
from tests.servers.prefect_server import PrefectServer, running_prefect, wait_until
from tiltyard.apps.watch.service import open_watch
from tiltyard.apps.watch.state import WatchState
from tiltyard.schemas.watch_settings import WatchSettings
from tiltyard.tasks.ingest.land_objects import land_objects


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A Prefect server with a work pool that nobody works on."""
    with running_prefect(tmp_path_factory.mktemp("prefect")) as server:
        server.post("/work_pools/", {"name": POOL, "type": "process"})
        yield server


@pytest.fixture
def watched(prefect: PrefectServer, aws: str, tmp_path: Path) -> WatchedBucket:
    """A project with its own bucket, queue and deployment."""
    made = watched_bucket(tmp_path, aws)
    deploy(prefect, made)
    return made


@pytest.fixture
def worker(prefect: PrefectServer, watched: WatchedBucket) -> Iterator[PlayedWorker]:
    """A worker of that project."""
    with played_worker(prefect, watched) as played:
        yield played


@contextmanager
def watching(prefect: PrefectServer, settings: WatchSettings) -> Iterator[tuple[Any, WatchState]]:
    """A watch that is ready to run in this process."""
    with prefect.in_process(), open_watch(settings) as opened:
        yield opened


def drained(prefect: PrefectServer, watched: WatchedBucket, **changes: Any) -> dict[str, int]:
    """Settle what waits; what was counted, zeros left out."""
    with watching(prefect, watched.settings(**changes)) as (watch, standing):
        watch.drain(threading.Event())
    return {what: count for what, count in standing.counts.items() if count}


def runs_of(prefect: PrefectServer, watched: WatchedBucket) -> list[dict[str, Any]]:
    return prefect.runs_of(f"ingest-batch/{watched.name}")


def keys_of(prefect: PrefectServer, watched: WatchedBucket) -> list[str]:
    """The keys that runs were created for, without the prefix."""
    return [run["parameters"]["arrived"]["key"].removeprefix(watched.prefix) for run in runs_of(prefect, watched)]


def message(watched: WatchedBucket, key: str, **of_object: Any) -> str:
    return s3_message(s3_record(watched.bucket, watched.prefix + key, **of_object))


def waits(watched: WatchedBucket, count: int) -> None:
    """Wait until the queue holds so many messages: who tells takes a moment."""
    wait_until(lambda: watched.waiting() == count, f"{count} messages", 20)


def test_a_message_becomes_a_run_that_names_the_object(prefect: PrefectServer, watched: WatchedBucket) -> None:
    etag = watched.put("day 1.csv")
    watched.send(message(watched, "day 1.csv", eTag="of an older one", size=99))
    assert drained(prefect, watched) == {"run_created": 1, "received": 1}
    run = runs_of(prefect, watched)[0]
    arrived = {"bucket": watched.bucket, "key": f"{watched.prefix}day 1.csv", "version": "", "etag": etag, "size": 28}
    assert run["parameters"] == {"project": watched.project, "arrived": arrived}, "what the bucket says is believed"
    assert (
        run["idempotency_key"]
        == f"s3://{watched.bucket}/{watched.prefix}day 1.csv@{etag} for ingest-batch/{watched.name}"
    )
    assert "tiltyard-watch" in run["tags"]
    assert run["state_type"] == "SCHEDULED"
    assert watched.waiting() == 0


@pytest.mark.parametrize(
    "tell",
    [tell_queue, lambda w: tell_topic(w, raw=False), lambda w: tell_topic(w, raw=True), tell_event_bridge],
    ids=["direct", "sns", "sns-raw", "event-bridge"],
)
def test_every_way_from_bucket_to_queue(
    prefect: PrefectServer, watched: WatchedBucket, tell: Callable[[WatchedBucket], None]
) -> None:
    """The server's own messages, whatever it writes first when it is set up."""
    tell(watched)
    for key in ("a.csv", "größe + 1%.csv"):
        watched.put(key)
    wait_until(lambda: watched.waiting() >= 2, "two messages", 20)
    assert drained(prefect, watched)["run_created"] == 2
    assert sorted(keys_of(prefect, watched)) == ["a.csv", "größe + 1%.csv"]
    assert watched.dead_letters() == []


def test_duplicates_have_one_run(prefect: PrefectServer, watched: WatchedBucket) -> None:
    watched.put("a.csv")
    body = message(watched, "a.csv")
    watched.send(body, body, through_sns(body), bridged(watched.bucket, f"{watched.prefix}a.csv"))
    watched.send(s3_message(*[s3_record(watched.bucket, f"{watched.prefix}a.csv")] * 3))
    assert drained(prefect, watched)["received"] == 5
    assert keys_of(prefect, watched) == ["a.csv"]
    assert watched.waiting() == 0


def test_what_the_ledger_knows_needs_no_run(prefect: PrefectServer, watched: WatchedBucket) -> None:
    """Late, repeated and replayed messages, after some other run took the object in."""
    for key in ("a.csv", "b.csv"):
        watched.put(key)
        watched.send(message(watched, key))
    land_objects.fn(watched.project)
    assert drained(prefect, watched) == {"known": 2, "received": 2}
    assert runs_of(prefect, watched) == []


def test_the_same_bytes_delivered_again_are_known_from_then_on(prefect: PrefectServer, watched: WatchedBucket) -> None:
    watched.put("a.csv")
    land_objects.fn(watched.project)
    watched.put("a.csv")
    watched.send(message(watched, "a.csv"))
    assert drained(prefect, watched) == {"known": 1, "received": 1}


def test_an_overwritten_object_has_a_run_of_its_own(
    prefect: PrefectServer, watched: WatchedBucket, worker: PlayedWorker
) -> None:
    watched.put("a.csv", "one")
    watched.send(message(watched, "a.csv"))
    drained(prefect, watched)
    worker.run_next()
    watched.put("a.csv", "two")
    watched.send(message(watched, "a.csv"), message(watched, "a.csv", eTag="of the first, which came late"))
    assert drained(prefect, watched)["run_created"] == 2
    assert keys_of(prefect, watched) == ["a.csv", "a.csv"]
    worker.run_next()
    assert len(watched.workspace.ledger.batches.objects()) == 2


def test_versions_are_told_apart(prefect: PrefectServer, aws: str, tmp_path: Path) -> None:
    """Two versions of one key, told of in the wrong order, and one by a server that names no version."""
    watched = watched_bucket(tmp_path, aws, versioned=True)
    deploy(prefect, watched)
    versions = []
    for content in ("one", "two"):
        watched.put("a.csv", content)
        head = watched.s3.head_object(Bucket=watched.bucket, Key=f"{watched.prefix}a.csv")
        versions.append(head["VersionId"])
    watched.send(message(watched, "a.csv", versionId=versions[1]), message(watched, "a.csv", versionId=versions[0]))
    watched.send(message(watched, "a.csv"), message(watched, "a.csv", versionId="nobody-made-it"))
    drained(prefect, watched)
    assert [run["parameters"]["arrived"]["version"] for run in runs_of(prefect, watched)] == [versions[1], versions[0]]
    assert ["no such object" in letter["reason"] for letter in watched.dead_letters()] == [True]
    with played_worker(prefect, watched) as worker:
        worker.run_next()
    assert [one.version for one in watched.workspace.ledger.batches.objects()] == [versions[1], versions[0]]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (lambda w: message(w, "never-put.csv"), "no such object"),
        (lambda _: s3_message(s3_record("somebody-elses", "a.csv")), "is not in a watched bucket and prefix"),
        (lambda w: s3_message(s3_record(w.bucket, "elsewhere/a.csv")), "is not in a watched bucket and prefix"),
        (lambda w: s3_message(s3_record(w.bucket, w.prefix)), "is not in a watched bucket and prefix"),
        (lambda w: s3_message(s3_record(w.bucket, w.prefix, key="%FF")), "not UTF-8"),
    ],
    ids=["no object", "foreign bucket", "foreign prefix", "the folder itself", "no text"],
)
def test_a_forged_message_is_a_dead_letter(
    prefect: PrefectServer, watched: WatchedBucket, body: Callable[[WatchedBucket], str], reason: str
) -> None:
    forged = body(watched)
    watched.send(forged)
    assert drained(prefect, watched) == {"dead_letter": 1, "received": 1}
    assert [(one["body"], reason in one["reason"]) for one in watched.dead_letters()] == [(forged, True)]
    assert runs_of(prefect, watched) == []
    assert watched.waiting() == 0


def test_what_is_no_batch_is_left_alone(prefect: PrefectServer, aws: str, tmp_path: Path) -> None:
    watched = watched_bucket(tmp_path, aws, source={"pattern": "*[!S]"})
    deploy(prefect, watched)
    for key in ("_SUCCESS", ".hidden.csv", "half.csv.part", "../upwards.csv", "folder.csv/"):
        watched.put(key)
        watched.send(message(watched, key))
    watched.send(set_up_event(watched.bucket), s3_message(s3_record(watched.bucket, "a.csv", "ObjectRemoved:Delete")))
    assert drained(prefect, watched) == {"ignored": 7, "received": 7}
    assert watched.waiting() == 0


def test_hostile_messages_stop_nobody(prefect: PrefectServer, watched: WatchedBucket) -> None:
    """Every one of them is kept with its reason; the honest ones among them have their runs."""
    watched.put("first.csv")
    watched.put("last.csv")
    hostile = {body: reason for body, reason in HOSTILE.values() if 0 < len(body) < 100_000 and body.isprintable()}
    watched.send(message(watched, "first.csv"), *hostile, message(watched, "last.csv"))
    assert drained(prefect, watched)["dead_letter"] == len(hostile)
    letters = {one["body"]: one["reason"] for one in watched.dead_letters()}
    assert set(letters) == set(hostile)
    assert [body for body, reason in letters.items() if hostile[body] not in reason] == []
    assert sorted(keys_of(prefect, watched)) == ["first.csv", "last.csv"]


def test_odd_keys_are_taken_in_once_each(prefect: PrefectServer, watched: WatchedBucket, worker: PlayedWorker) -> None:
    """By every envelope; a key is a text and nothing else: not a path, a template, a pattern or a command."""
    for key in ODD_KEYS:
        watched.put(key, content=key)
        watched.send(message(watched, key), bridged(watched.bucket, watched.prefix + key))
    drained(prefect, watched, unfinished=100)
    assert sorted(keys_of(prefect, watched)) == sorted(ODD_KEYS)
    assert watched.dead_letters() == []
    assert worker.run_next()
    landed = [one.key for one in watched.workspace.ledger.batches.objects()]
    assert sorted(landed) == sorted(ODD_KEYS)


def test_a_message_with_good_and_bad_records(prefect: PrefectServer, watched: WatchedBucket) -> None:
    watched.put("a.csv")
    good, gone = s3_record(watched.bucket, f"{watched.prefix}a.csv"), s3_record(watched.bucket, f"{watched.prefix}b")
    watched.send(s3_message(good, gone, {**good, "s3": None}))
    assert drained(prefect, watched) == {"run_created": 1, "dead_letter": 1, "received": 1}
    assert keys_of(prefect, watched) == ["a.csv"]
    reason = watched.dead_letters()[0]["reason"]
    assert "Records.2: s3" in reason
    assert "no such object" in reason


def test_projects_do_not_disturb_each_other(prefect: PrefectServer, aws: str, tmp_path: Path) -> None:
    """Two prefixes of one bucket, one queue; an object below both prefixes belongs to both projects."""
    one = watched_bucket(tmp_path, aws)
    inner = {"folder": f"s3://{one.bucket}/{one.prefix}inner"}
    other, third = (watched_bucket(tmp_path, aws, bucket=one.bucket, source=source) for source in ({}, inner))
    for project in (one, other, third):
        deploy(prefect, project)
    one.put("inner/a.csv")
    other.put("b.csv")
    for key in (f"{one.prefix}inner/a.csv", f"{other.prefix}b.csv"):
        one.send(s3_message(s3_record(one.bucket, key)))
    assert drained(prefect, one, projects=[one.project, other.project, third.project])["run_created"] == 3
    whole = [[run["parameters"]["arrived"]["key"] for run in runs_of(prefect, each)] for each in (one, other, third)]
    assert whole == [[f"{one.prefix}inner/a.csv"], [f"{other.prefix}b.csv"], [f"{one.prefix}inner/a.csv"]]


def test_a_project_that_is_full_does_not_keep_others_waiting(prefect: PrefectServer, aws: str, tmp_path: Path) -> None:
    one = watched_bucket(tmp_path, aws)
    other = watched_bucket(tmp_path, aws, bucket=one.bucket)
    for project in (one, other):
        deploy(prefect, project)
    for key in ("a.csv", "b.csv", "c.csv"):
        one.put(key)
        one.send(message(one, key))
    other.put("d.csv")
    one.send(message(other, "d.csv"))
    counts = drained(prefect, one, projects=[one.project, other.project], unfinished=1)
    assert [len(runs_of(prefect, each)) for each in (one, other)] == [1, 1]
    assert counts["deferred"] == 2
    assert one.waiting() == 2


def test_dead_letters_without_a_queue_are_files(prefect: PrefectServer, watched: WatchedBucket) -> None:
    watched.send("nonsense")
    drained(prefect, watched, dead_letters=None)
    files = list((watched.workspace.folder / "dead-letters").glob("*.json"))
    assert [json.loads(path.read_text("utf-8"))["reason"] for path in files] == ["no JSON: Expecting value"]
