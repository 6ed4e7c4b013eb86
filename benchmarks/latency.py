"""From the put of an object to its batch in the pool and to assignments for experts, beside Prefect's own floor.

usage: python -m benchmarks.latency [--rounds 5]

Everything is real and on loopback: moto's S3 and SQS, a Prefect server with a process worker, ``tiltyard deploy``,
``tiltyard watch``. In each round an empty deployment is run first, from the request to its end: what any run costs on
this machine now. Then an object is put, and the ledger is looked at until its batch is in the pool (one run, started by
the watch) and until assignments wait (a second run, woken by the event that a batch was checked). The ratios are
medians over the rounds.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.deployments.watched_bucket import POOL, WatchedBucket, tell_queue, watched_bucket
from tests.projects.small_project import a_day, answer_queue
from tests.servers.prefect_server import PrefectServer, ended, running_prefect
from tests.servers.s3_server import credentials, running_aws

TILTYARD = (sys.executable, "-c", "from tiltyard.apps.cli.main import main; main()")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EMPTY = "nothing/floor"


def waited_for(holds: Callable[[], bool], seconds: float = 300) -> float:
    """Seconds until something holds."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"it does not hold after {seconds:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - began


def floor(prefect: PrefectServer) -> float:
    """Seconds of a run of the empty deployment."""
    began = time.monotonic()
    prefect.end_of(prefect.run(EMPTY))
    return time.monotonic() - began


def put_to_assignments(watched: WatchedBucket, day: int) -> tuple[float, float]:
    """Seconds from the put of a day's object to its batch in the pool, and to assignments."""
    ledger = watched.workspace.ledger
    answer_queue(watched.workspace, NOW)
    pooled = len(ledger.batches.pooled())
    watched.put(f"day-{day}.csv", a_day(day))
    to_pool = waited_for(lambda: len(ledger.batches.pooled()) > pooled)
    return to_pool, to_pool + waited_for(lambda: ledger.assignments.waiting_count() > 0)


@contextmanager
def installation(folder: Path) -> Iterator[tuple[PrefectServer, WatchedBucket]]:
    """A project deployed and watched, with a worker at work."""
    with running_aws() as aws, running_prefect(folder / "prefect") as prefect:
        os.environ.update(credentials(aws))
        watched = watched_bucket(folder, aws)
        tell_queue(watched)
        prefect.prefect("work-pool", "create", POOL, "--type", "process")
        command = [*TILTYARD, "deploy", "-p", watched.project]
        subprocess.run(command, env=prefect.environment, check=True, capture_output=True)
        prefect.prefect("deploy", "benchmarks/empty_flow.py:nothing", "--name", "floor", "--pool", POOL)
        with watching(prefect, watched, folder), prefect.worker(POOL, 4):
            yield prefect, watched


@contextmanager
def watching(prefect: PrefectServer, watched: WatchedBucket, folder: Path) -> Iterator[None]:
    """``tiltyard watch`` at work."""
    command = [*TILTYARD, "watch", "-p", watched.project, "--queue", watched.queue, "--health-port", "0"]
    with (folder / "watch.log").open("wb") as log:
        process = subprocess.Popen(command, env=prefect.environment, stdout=log, stderr=log, start_new_session=True)
        try:
            yield
        finally:
            ended(process, signal.SIGTERM)


def measured(rounds: int) -> dict[str, object]:
    """The medians, and each round's seconds."""
    with tempfile.TemporaryDirectory() as folder, installation(Path(folder)) as (prefect, watched):
        floor(prefect)  # the first run of a worker imports more
        put_to_assignments(watched, 0)
        lines = [(floor(prefect), *put_to_assignments(watched, number)) for number in range(1, rounds + 1)]
    return {
        "rounds": rounds,
        "empty_run_s": round(statistics.median(line[0] for line in lines), 1),
        "pool_to_empty_run": round(statistics.median(line[1] / line[0] for line in lines), 2),
        "assignments_to_empty_run": round(statistics.median(line[2] / line[0] for line in lines), 2),
        "seconds": [[round(value, 1) for value in line] for line in lines],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    print(json.dumps(measured(parser.parse_args().rounds), indent=2))
