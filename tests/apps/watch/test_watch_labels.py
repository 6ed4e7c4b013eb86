"""The watch tells Prefect of labels, from the ledger alone: the labeling server needs no key to Prefect."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.projects.answered_project import with_queue
from tests.projects.small_project import answer_queue, make_project
from tiltyard.apps.labeling.service import ServedProject
from tiltyard.apps.watch.projects import WatchedProject
from tiltyard.apps.watch.training_events import AGAIN_AFTER, LOOK_EVERY, LabelTeller
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


def teller(workspace: Workspace, clock: Clock) -> LabelTeller:
    return LabelTeller([WatchedProject(workspace.project_file, Settings(), "ingest-batch/{project}")], clock)


def test_labels_enough_are_told_once(workspace: Workspace, told: list[Event]) -> None:
    clock = Clock()
    tells = teller(workspace, clock)
    assert tells.tell() == 0
    answered = answer_queue(workspace, clock())
    assert tells.tell() == 0, "a ledger is not asked more often than agreed"
    clock.pass_by(LOOK_EVERY)
    assert tells.tell() == 1
    clock.pass_by(LOOK_EVERY)
    assert tells.tell() == 0
    ((event, said),) = told
    assert event == "tiltyard.labels.ready"
    assert said["occurred"] == START + LOOK_EVERY
    assert said["payload"]["project"] == "small"
    assert said["payload"]["annotations"] == answered
    assert "annotations" in said["payload"]["why"]


def test_what_came_to_nothing_is_told_again(workspace: Workspace, told: list[Event]) -> None:
    """An event may be lost, and so may the run that it woke."""
    clock = Clock()
    tells = teller(workspace, clock)
    answer_queue(workspace, clock())
    assert tells.tell() == 1
    clock.pass_by(AGAIN_AFTER - timedelta(seconds=1))
    assert tells.tell() == 0
    clock.pass_by(timedelta(seconds=11))
    assert tells.tell() == 1
    assert len(told) == 2


def test_who_starts_again_tells_again(workspace: Workspace, told: list[Event]) -> None:
    clock = Clock()
    answer_queue(workspace, clock())
    assert teller(workspace, clock).tell() == teller(workspace, clock).tell() == 1
    assert len(told) == 2


@pytest.mark.parametrize("seals", [True, False])
def test_a_server_that_does_not_seal_leaves_it_to_the_flows(workspace: Workspace, seals: bool) -> None:
    answer_queue(workspace, START)
    before = len(list((workspace.folder / "segments").glob("*")))
    served = ServedProject(workspace.project_file, Clock(), seals=seals)
    served.seal()
    served.close()
    assert (len(list((workspace.folder / "segments").glob("*"))) > before) is seals
