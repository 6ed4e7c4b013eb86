"""The watch under load: what a burst of objects costs in runs, and its memory over a hundred thousand messages.

usage: python -m benchmarks.watching [--objects 1000] [--messages 100000] [--unfinished 4] [--landing-only]

Nearly everything is real and on loopback: moto's S3 and SQS, a Prefect server, the command ``tiltyard watch`` in a
process of its own, and a process worker that runs the whole flow (with ``--landing-only`` this very process, which
lands the objects and leaves out the checks). First so many objects are put at once, and each is told of twice. Then,
from a queue that stands in for SQS, so many messages are settled: about objects that are known, about forged ones,
events that need nothing, and nonsense; the watch's resident memory is read as each tenth is done.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from benchmarks.endless_queue import endless_queue
from tests.deployments.bucket_messages import HOSTILE, s3_message, s3_record, set_up_event
from tests.deployments.watched_bucket import POOL, WatchedBucket, deploy, played_worker, watched_bucket
from tests.servers.ports import free_port
from tests.servers.prefect_server import ENDED, PrefectServer, ended, running_prefect
from tests.servers.s3_server import credentials, running_aws

COMMAND = (sys.executable, "-c", "from tiltyard.apps.cli.main import main; main()", "watch")
NONSENSE = [body for body, _ in HOSTILE.values() if 0 < len(body) < 10_000 and body.isprintable()]


@contextmanager
def command(prefect: PrefectServer, watched: WatchedBucket, unfinished: int) -> Iterator[tuple[int, str]]:
    """The command at work: its process id, and where it tells its health."""
    port = free_port()
    said = {
        "TILTYARD_WATCH_PROJECTS": watched.project,
        "TILTYARD_WATCH_QUEUE": watched.queue,
        "TILTYARD_WATCH_DEAD_LETTERS": watched.dead,
        "TILTYARD_WATCH_HEALTH_PORT": str(port),
        "TILTYARD_WATCH_UNFINISHED": str(unfinished),
    }
    log = (watched.workspace.folder / "watch.log").open("wb")
    process = subprocess.Popen(
        COMMAND, env={**prefect.environment, **said}, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield process.pid, f"http://127.0.0.1:{port}/health"
    finally:
        ended(process, signal.SIGTERM)
        log.close()


def send(watched: WatchedBucket, bodies: list[str]) -> None:
    """Put messages into the queue, ten a call."""
    for first in range(0, len(bodies), 10):
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies[first : first + 10])]
        watched.sqs.send_message_batch(QueueUrl=watched.queue, Entries=entries)


def body_for(watched: WatchedBucket, key: str) -> str:
    """What S3 would say of an object."""
    return s3_message(s3_record(watched.bucket, watched.prefix + key))


def burst(prefect: PrefectServer, watched: WatchedBucket, chosen: argparse.Namespace) -> dict[str, Any]:
    """Put objects at once, tell of each twice, and wait until nothing waits and nothing runs."""
    objects = chosen.objects
    keys = [f"{number:05}.csv" for number in range(objects)]
    for number, key in enumerate(keys):
        watched.put(key, f"x,y,colour,row_id\n1,2,red,{number}\n")
    send(watched, [body_for(watched, key) for key in keys * 2])
    began = time.monotonic()
    with command(prefect, watched, chosen.unfinished):
        if chosen.landing_only:
            with played_worker(prefect, watched) as worker:
                worker.run_until(lambda: is_over(prefect, watched), seconds=3600)
        else:
            with prefect.worker(POOL):
                while not is_over(prefect, watched):
                    time.sleep(1)
    batches = watched.workspace.ledger.batches
    landed = [one.key for one in batches.objects()]
    return {
        "objects": objects,
        "messages": 2 * objects,
        "runs": len(runs_of(prefect, watched)),
        "objects_landed": len(set(landed)),
        "landed_twice": len(landed) - len(set(landed)),
        "batches_per_object": len(batches.all()) / max(len(landed), 1),
        "dead_letters": len(watched.dead_letters()),
        "seconds": round(time.monotonic() - began, 1),
    }


def runs_of(prefect: PrefectServer, watched: WatchedBucket) -> list[dict[str, Any]]:
    """The runs that were created."""
    return prefect.runs_of(f"ingest-batch/{watched.name}")


def is_over(prefect: PrefectServer, watched: WatchedBucket) -> bool:
    """Whether no message waits and every run has ended."""
    return watched.waiting() == 0 and all(run["state_type"] in ENDED for run in runs_of(prefect, watched))


def memory(prefect: PrefectServer, watched: WatchedBucket, messages: int) -> dict[str, Any]:
    """Settle messages of every kind; the watch's resident memory in MB as it goes."""
    resident: dict[int, float] = {}
    began = time.monotonic()
    with endless_queue(lambda number: mixed(watched, number), messages) as queue:
        told = replace(watched, queue=queue.url, dead=queue.url)
        with command(prefect, told, unfinished=4) as (process, health):
            while queue.deleted < messages:
                time.sleep(0.5)
                passed = queue.deleted * 10 // messages
                if passed and passed not in resident:
                    resident[passed] = round(resident_mb(process), 1)
                    print(f"{queue.deleted} messages: {resident[passed]} MB", file=sys.stderr, flush=True)
            counted = httpx.get(health, timeout=30).json()["counts"]
    return {
        "messages": messages,
        "seconds": round(time.monotonic() - began, 1),
        "counts": counted,
        "dead_letters_kept": queue.dead,
        "resident_mb_by_tenth": resident,
        "growth_mb_from_first_to_last_tenth": round(resident[max(resident)] - resident[min(resident)], 1),
    }


def mixed(watched: WatchedBucket, number: int) -> str:
    """One of the messages: of 120 one is about a known object, three are no good, the rest need nothing."""
    kind = number % 120
    if kind == 0:
        return body_for(watched, f"{number // 120 % 50:05}.csv")
    if kind == 1:
        return body_for(watched, f"forged-{number}.csv")
    if kind == 2:
        return s3_message(s3_record("somebody-elses", f"{number}.csv"))
    if kind == 3:
        return NONSENSE[number // 120 % len(NONSENSE)]
    if kind < 60:
        return set_up_event(watched.bucket)
    return s3_message(s3_record(watched.bucket, f"{watched.prefix}{number}.csv", "ObjectRemoved:Delete"))


def resident_mb(process: int) -> float:
    """The resident memory of a process."""
    pages = int(Path(f"/proc/{process}/statm").read_text("utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Run both and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--objects", type=int, default=1_000)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--unfinished", type=int, default=4)
    parser.add_argument("--landing-only", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, running_aws() as aws:
        os.environ.update(credentials(aws))
        with running_prefect(Path(name) / "prefect") as prefect:
            measure(prefect, watched_bucket(Path(name), aws), chosen)


def measure(prefect: PrefectServer, watched: WatchedBucket, chosen: argparse.Namespace) -> None:
    """Print the figures of both parts."""
    prefect.post("/work_pools/", {"name": POOL, "type": "process"})
    deploy(prefect, watched)
    print(json.dumps({"burst": burst(prefect, watched, chosen)}, indent=2), flush=True)
    if chosen.messages:
        print(json.dumps({"memory": memory(prefect, watched, chosen.messages)}, indent=2), flush=True)


if __name__ == "__main__":
    main()
