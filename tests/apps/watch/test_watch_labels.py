"""The watch tells Prefect of labels, from the ledger alone: the labeling server needs no key to Prefect."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.projects.answered_project import with_queue
from tests.projects.small_project import answer_queue, make_project
from tiltyard.apps.labeling.service import ServedProject
from tiltyard.apps.watch.projects import WatchedProject
from tiltyard.apps.watch.training_events import CHECK_EVERY, REPEAT_AFTER, LabelsReadyNotifier
from tiltyard.schemas.records import Due, NewAnnotation
from tiltyard.schemas.settings import Settings
from tiltyard.workspace.workspace import Workspace

START = datetime(2026, 1, 2, tzinfo=UTC)
Event = tuple[str, dict[str, Any]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What is handed to Prefect's client, which sends it in a thread of its own."""
    seen: list[Event] = []
    monkeypatch.setattr("prefect.events.emit_event", lambda event, _resource, **more: seen.append((event, more)))
    return seen


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, time: timedelta) -> None:
        self.now += time


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A project with a queue."""
    return with_queue(make_project(tmp_path, triggers={"labels": 4}))


def make_notifier(workspace: Workspace, clock: Clock) -> LabelsReadyNotifier:
    return LabelsReadyNotifier([WatchedProject(workspace.project_file, Settings(), "ingest-batch/{project}")], clock)


def test_labels_enough_are_told_once(workspace: Workspace, told: list[Event]) -> None:
    clock = Clock()
    notifier = make_notifier(workspace, clock)
    assert notifier.notify() == 0
    answered = answer_queue(workspace, clock())
    assert notifier.notify() == 0, "a ledger is not asked more often than agreed"
    clock.pass_by(CHECK_EVERY)
    assert notifier.notify() == 1
    clock.pass_by(CHECK_EVERY)
    assert notifier.notify() == 0
    ((event, said),) = told
    assert event == "tiltyard.labels.ready"
    assert said["occurred"] == START + CHECK_EVERY
    assert said["payload"]["project"] == "small"
    assert said["payload"]["annotations"] == answered
    assert "annotations" in said["payload"]["why"]


def test_what_came_to_nothing_is_told_again(workspace: Workspace, told: list[Event]) -> None:
    """An event may be lost, and so may the run that it woke."""
    clock = Clock()
    notifier = make_notifier(workspace, clock)
    answer_queue(workspace, clock())
    assert notifier.notify() == 1
    clock.pass_by(REPEAT_AFTER - timedelta(seconds=1))
    assert notifier.notify() == 0
    clock.pass_by(timedelta(seconds=11))
    assert notifier.notify() == 1
    assert len(told) == 2


def test_who_starts_again_tells_again(workspace: Workspace, told: list[Event]) -> None:
    clock = Clock()
    answer_queue(workspace, clock())
    assert make_notifier(workspace, clock).notify() == make_notifier(workspace, clock).notify() == 1
    assert len(told) == 2


@pytest.mark.parametrize("seals", [True, False])
def test_a_server_that_does_not_seal_leaves_it_to_the_flows(workspace: Workspace, seals: bool) -> None:
    answer_queue(workspace, START)
    before = len(list((workspace.folder / "segments").glob("*")))
    served = ServedProject(workspace.project_file, Clock(), seals=seals)
    served.seal()
    served.close()
    assert (len(list((workspace.folder / "segments").glob("*"))) > before) is seals


def test_labels_that_teach_nothing_are_read_once(
    workspace: Workspace, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough annotations that make no training due are read again only after another annotation arrives."""
    reads: list[Path] = []

    def not_due(opened: Workspace) -> Due:
        reads.append(opened.folder)
        return Due(False, "these labels make a known model")

    monkeypatch.setattr("tiltyard.apps.watch.training_events.check_training_due", not_due)
    clock = Clock()
    notifier = make_notifier(workspace, clock)
    answer_queue(workspace, clock())
    for _ in range(3):
        assert notifier.notify() == 0
        clock.pass_by(CHECK_EVERY)
    assert len(reads) == 1
    first = workspace.ledger.annotations.until()[0]
    flag = NewAnnotation("flagged", "ada", "flag", first.sample_id, first.payload, clock(), note="torn")
    workspace.ledger.annotations.submit([flag], contract_hash=workspace.contract_hash, now=clock())
    assert notifier.notify() == 0
    assert len(reads) == 2
    assert told == []
