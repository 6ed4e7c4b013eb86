"""Experts answering at once: our labeling server against a bare prototype, a bare insert and Label Studio, in one run.

usage: python -m benchmarks.labeling [--experts 1,8,32] [--samples 600] [--rounds 3] [--databases sqlite,postgresql]
                                     [--waiting 0] [--label-studio 0]

A cycle is "get the next sample, submit its label": with ours that is one POST, with the prototype a GET and a POST,
each with one durable commit. The prototype is what one would write in an hour: a table of items with a lease on
the row, a table of annotations, no log-in, no checks, no journal. Each round runs every side once, in turn; the
figures are medians over the rounds. ``--waiting`` puts so many samples more into our queue beforehand;
``--label-studio 96`` answers so many tasks of a real Label Studio in each round too (on SQLite, its default).
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from uuid import uuid4

from sqlalchemy import create_engine, text

from benchmarks.labeling_label_studio import answer_label_studio, running_label_studio
from benchmarks.labeling_prototype import PROTOTYPE_SCHEMA, prototype_expert, running_prototype
from tests.projects.made_queue import NUMBERS, made_project, numbers, token_for
from tests.servers.databases import database_of, running_postgresql
from tests.servers.labeling_server import Expert, running


@dataclass
class Figures:
    """What one side did in one round."""

    answers: int
    seconds: float
    submit_ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answers that were acknowledged, per second."""
        return self.answers / self.seconds

    def quantile(self, share: float) -> float:
        """A quantile of the time of one submission, in milliseconds."""
        ordered = sorted(self.submit_ms)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


def ours(folder: Path, experts: int, samples: int, waiting: int) -> Figures:
    """Our server with so many experts at once; every answer is looked for in the ledger afterwards."""
    # Four more for each, so that nobody runs dry while others hold the rest.
    workspace = made_project(folder, numbers(samples + waiting + 4 * experts), NUMBERS)
    tokens = [token_for(workspace, f"expert-{i}") for i in range(experts)]
    with running([workspace.project_file]) as server:
        people = [Expert(server.url, "small", token) for token in tokens]
        seconds = at_once([partial(one.work, Event(), samples // experts) for one in people])
    told = {key: said for one in people for key, said in one.acknowledged.items()}
    kept = {one.client_key: (one.sample_id, one.label) for one in workspace.ledger.annotations.until()}
    failures = [failure for one in people for failure in one.failures]
    failures += [f"answer {key} was lost" for key in told if kept.get(key) != told[key]]
    failures += ["a sample was answered twice"] * (len(kept) - len({sample for sample, _ in kept.values()}))
    workspace.ledger.close()
    return Figures(len(told), seconds, [1e3 * each for one in people for each in one.submit_seconds], failures)


def prototype(url: str, experts: int, samples: int) -> Figures:
    """The prototype with so many experts at once."""
    with running_prototype(url, samples) as address:
        times: list[list[float]] = [[] for _ in range(experts)]
        work = [partial(prototype_expert, address, f"e{i}", samples // experts, own) for i, own in enumerate(times)]
        seconds = at_once(work)
    found = [1e3 * each for own in times for each in own]
    return Figures(len(found), seconds, found)


def label_studio(experts: int, tasks: int) -> Figures:
    """Label Studio on SQLite with so many experts at once."""
    with running_label_studio(tasks + experts) as (server, project):
        took, failures, seconds = answer_label_studio(server, project, experts, tasks)
    return Figures(len(took), seconds, took, failures)


def bare_inserts(url: str, count: int) -> Figures:
    """One durable INSERT after the other, without any server."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in PROTOTYPE_SCHEMA:
            connection.execute(text(statement))
    insert = text("INSERT INTO answer VALUES (:key, :item, 'e', 'yes', '2026-01-01')")
    began = time.perf_counter()
    with engine.connect() as connection:
        if url.startswith("sqlite"):
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("PRAGMA synchronous=FULL")
            connection.commit()
        for number in range(count):
            connection.execute(insert, {"key": uuid4().hex, "item": number})
            connection.commit()
    engine.dispose()
    return Figures(count, time.perf_counter() - began)


def at_once(work: Sequence[Callable[[], object]]) -> float:
    """How many seconds it took to do all of the work, each piece in a thread of its own."""
    began = time.perf_counter()
    with ThreadPoolExecutor(len(work)) as threads:
        for done in [threads.submit(piece) for piece in work]:
            done.result()
    return time.perf_counter() - began


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Callable[[], str]]:
    """Gives the URL of a fresh database each time it is asked."""
    if kind == "sqlite":
        yield lambda: f"sqlite:///{folder / uuid4().hex}.db"
        return
    with running_postgresql() as server:
        yield lambda: database_of(server)


def compare(kind: str, experts: int, options: argparse.Namespace) -> dict[str, object]:
    """Every side on one database with so many experts, over the rounds."""
    sides: dict[str, list[Figures]] = {"tiltyard": [], "prototype": [], "bare inserts": []}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, database(kind, Path(name)) as fresh:
        for number in range(options.rounds):
            os.environ["TILTYARD_LEDGER_URL"] = fresh()
            folder = Path(name) / f"project-{number}"
            sides["tiltyard"].append(ours(folder, experts, options.samples, options.waiting))
            sides["prototype"].append(prototype(fresh(), experts, options.samples))
            sides["bare inserts"].append(bare_inserts(fresh(), options.samples))
            if options.label_studio and kind == "sqlite":
                sides.setdefault("label studio", []).append(label_studio(experts, options.label_studio))
    return {side: summary(rounds) for side, rounds in sides.items()} | {
        "ratio to prototype": round(
            statistics.median(
                a.per_second / b.per_second for a, b in zip(sides["tiltyard"], sides["prototype"], strict=True)
            ),
            2,
        )
    }


def summary(rounds: list[Figures]) -> dict[str, object]:
    """Medians over the rounds, and every failure."""
    failures = [failure for one in rounds for failure in one.failures]
    return {
        "answers": sum(one.answers for one in rounds),
        "per_second": round(statistics.median(one.per_second for one in rounds), 1),
        "submit_p50_ms": round(statistics.median(one.quantile(0.5) for one in rounds), 1),
        "submit_p99_ms": round(statistics.median(one.quantile(0.99) for one in rounds), 1),
        "failures": failures[:5],
    }


def main() -> None:
    """Run every combination that was asked for and print one JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experts", default="1,8,32")
    parser.add_argument("--samples", type=int, default=640)
    parser.add_argument("--waiting", type=int, default=0)
    parser.add_argument("--label-studio", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--databases", default="sqlite,postgresql")
    options = parser.parse_args()
    for kind in options.databases.split(","):
        for experts in map(int, options.experts.split(",")):
            found = compare(kind, experts, options)
            sys.stdout.write(json.dumps({"database": kind, "experts": experts, **found}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
