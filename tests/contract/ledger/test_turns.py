"""Turns: one process at a time does a thing for a project, and a process that dies gives its turn back."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.servers.databases import Place
from tiltyard.schemas.errors import Unavailable
from tiltyard.stores.ledger.database.locks import advisory_lock
from tiltyard.stores.ledger.ledger import Ledger

FORKS = multiprocessing.get_context("forkserver")
TIMES = 10


@pytest.fixture
def ledger(place: Place) -> Ledger:
    return place.open()


def count_up(place: Place, counter: Path) -> None:
    """Read a number and write the next one: two at once would lose some."""
    ledger = place.open()
    for _ in range(TIMES):
        with ledger.turn("count"):
            counter.write_text(str(int(counter.read_text()) + 1))


def hold(place: Place, told: Connection) -> None:
    """Take a turn and keep it until somebody kills us."""
    with place.open().turn("train"):
        told.send("held")
        signal.pause()


@pytest.mark.parametrize("workers", [3])
def test_processes_take_turns(ledger: Ledger, place: Place, tmp_path: Path, workers: int) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    processes = [FORKS.Process(target=count_up, args=(place, counter)) for _ in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * workers
    assert counter.read_text() == str(workers * TIMES)


def test_a_dead_process_holds_no_turn(ledger: Ledger, place: Place) -> None:
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(target=hold, args=(place, theirs))
    process.start()
    assert ours.recv() == "held"
    with (
        pytest.raises(Unavailable, match="another run is at 'train'"),
        advisory_lock(ledger.database.engine, "train", 0.2),
    ):
        pass
    with ledger.turn("ask"):  # another thing does not wait
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    with advisory_lock(ledger.database.engine, "train", 10):
        assert not process.is_alive()


def test_threads_of_one_process_take_turns_too(ledger: Ledger) -> None:
    inside: list[int] = []
    most = 0

    def work() -> None:
        nonlocal most
        for _ in range(TIMES):
            with ledger.turn("count"):
                inside.append(1)
                most = max(most, len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_turn_ends_with_its_context_even_when_it_fails(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError), ledger.turn("train"):
        raise RuntimeError
    with advisory_lock(ledger.database.engine, "train", 0):
        pass
