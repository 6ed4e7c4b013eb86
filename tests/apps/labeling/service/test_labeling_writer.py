"""The writer: many stored with one commit, one refusal that stops no other, and a thread that survives anything."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from tests.projects.made_queue import NUMBERS, made_project, numbers
from tiltyard.apps.labeling.service.writer import Writer
from tiltyard.schemas.errors import AnnotationError, NotFound, Unavailable
from tiltyard.schemas.records import Annotation, Assignment, NewAnnotation, SampleId

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def said(key: str, label: str = "yes") -> NewAnnotation:
    return NewAnnotation(key, "ada", "label", SampleId("0" * 32), {"x": 1.0}, NOW, label)


class Ledger:
    """A real ledger that notes what it is asked together, and can be made to fail."""

    def __init__(self, folder: Path) -> None:
        self.workspace = made_project(folder, numbers(4), NUMBERS)
        self.calls: list[list[str]] = []
        self.leases: list[dict[str, int]] = []
        self.problem: Exception | None = None

    def store(self, annotations: Sequence[NewAnnotation]) -> list[Annotation]:
        self.calls.append([one.client_key for one in annotations])
        if self.problem is not None:
            raise self.problem
        if any(one.label == "bad" for one in annotations):
            raise AnnotationError("'bad' is not a class")
        return self.workspace.ledger.annotations.submit(annotations, contract_hash="c", now=NOW)

    def lease(self, counts: Mapping[str, int]) -> Mapping[str, list[Assignment]]:
        self.leases.append(dict(counts))
        return self.workspace.ledger.assignments.lease_all(counts, NOW)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


@pytest.fixture
def writer(ledger: Ledger) -> Iterator[Writer]:
    started = Writer("tests", ledger.store, ledger.lease, ledger.workspace.ledger.position())
    yield started
    started.close()


@contextmanager
def busy(writer: Writer) -> Iterator[None]:
    """The writer held up by an act, so that what comes meanwhile waits together."""
    begun, go_on = Event(), Event()

    def hold_up() -> bool:
        begun.set()
        return go_on.wait(10)

    held_up = writer.run(hold_up)
    assert begun.wait(10)
    yield
    go_on.set()
    held_up.result(10)


def test_what_waits_is_stored_with_one_commit_in_its_order(writer: Writer, ledger: Ledger) -> None:
    with busy(writer):
        futures = [writer.submit([said(f"{number} a"), said(f"{number} b")]) for number in range(5)]
    written = [future.result(10) for future in futures]
    assert ledger.calls == [[f"{number} {part}" for number in range(5) for part in "ab"]]
    for number, one in enumerate(written):
        kept = [stored.kept for stored in one.stored]
        assert [isinstance(each, Annotation) and each.client_key for each in kept] == [f"{number} a", f"{number} b"]
        assert all(stored.is_new for stored in one.stored)


def test_a_refused_answer_is_refused_alone(writer: Writer, ledger: Ledger) -> None:
    with busy(writer):
        futures = [writer.submit([said("a"), said("b", "bad")]), writer.submit([said("c")])]
    first, second = (future.result(10).stored for future in futures)
    assert [isinstance(one.kept, AnnotationError) for one in (*first, *second)] == [False, True, False]
    assert [one.client_key for one in ledger.workspace.ledger.annotations.until()] == ["a", "c"]


def test_known_answers_are_told_from_new_ones(writer: Writer) -> None:
    assert [one.is_new for one in writer.submit([said("a")]).result(10).stored] == [True]
    assert [one.is_new for one in writer.submit([said("a"), said("b")]).result(10).stored] == [False, True]


def test_leases_follow_the_answers_and_are_taken_together(writer: Writer, ledger: Ledger) -> None:
    with busy(writer):
        ada = writer.submit([said("a")], ("ada", 2))
        again = writer.submit([], ("ada", 1))
        bea = writer.submit([], ("bea", 5))
        silent = writer.submit([said("b")])
    held = [future.result(10).held for future in (ada, again, bea, silent)]
    assert ledger.leases == [{"ada": 2, "bea": 5}]
    assert [None if one is None else len(one) for one in held] == [2, 2, 2, None]


def test_a_database_that_fails_is_told_to_everybody_and_ends_nothing(
    writer: Writer, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.problem = RuntimeError("the disk is full")
    with busy(writer):
        futures = [writer.submit([said("a")]), writer.submit([said("b")], ("ada", 1))]
        act = writer.run(lambda: "done")
    wait(futures, 10)
    assert [type(future.exception()) for future in futures] == [Unavailable, Unavailable]
    assert "disk" not in str(futures[0].exception()), "what a database says is for the log"
    assert "the disk is full" in caplog.text
    assert act.result(10) == "done"
    ledger.problem = None
    assert writer.submit([said("a")]).result(10).stored[0].is_new


def test_an_acts_own_mistake_is_its_answer(writer: Writer) -> None:
    def lost() -> None:
        raise NotFound("no sample")

    with pytest.raises(NotFound, match="no sample"):
        writer.run(lost).result(10)
    assert writer.run(lambda: 1).result(10) == 1


def test_a_client_that_hangs_up_ends_nothing(writer: Writer, ledger: Ledger) -> None:
    with busy(writer):
        gone = writer.submit([said("gone")])
        assert gone.cancel()
        stays = writer.submit([said("stays")])
    assert stays.result(10).stored[0].is_new
    assert [one.client_key for one in ledger.workspace.ledger.annotations.until()] == ["stays"]


def test_the_end_stores_what_waits_and_takes_no_more(ledger: Ledger) -> None:
    writer = Writer("tests", ledger.store, ledger.lease)
    with busy(writer):
        last = writer.submit([said("last")])
    writer.close()
    assert last.result(0).stored[0].is_new
    with pytest.raises(Unavailable, match="shutting down"):
        writer.submit([said("late")])


def test_a_line_that_is_too_long_is_said_at_once(
    writer: Writer, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tiltyard.apps.labeling.service.writer.MAX_PENDING", 3)
    short = Writer("short", ledger.store, ledger.lease)
    with busy(short):
        futures = [short.submit([said(str(number))]) for number in range(3)]
        with pytest.raises(Unavailable, match="busy"):
            short.submit([said("one too many")])
    wait(futures, 10)
    short.close()
