"""What the tests of labeling share: two projects behind one server; a browser, and a server for a module's projects."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.clients.browser import chromium
from tests.clients.labeling_desk import Desk, closing
from tests.clients.labeling_desk import serving as serving_desks
from tests.clients.web import TestClient, serving
from tests.projects.made_queue import NUMBERS, made_project, numbers, says, token_for
from tests.servers.labeling_server import Server
from tiltyard.workspace.workspace import Workspace, open_workspace


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return made_project(tmp_path_factory.mktemp("small"), numbers(40), NUMBERS, slots=2, suggested=[says("yes")])


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return made_project(tmp_path_factory.mktemp("other"), numbers(40, start=100), {**NUMBERS, "name": "other"})


@pytest.fixture(scope="module")
def shared(small: Workspace, other: Workspace) -> Iterator[TestClient]:
    """One server for the tests that leave nothing behind."""
    with serving(small.project_file, other.project_file, login_rate="100000/minute") as client:
        yield client


@pytest.fixture(scope="module")
def tokens(small: Workspace) -> dict[str, str]:
    return {role: token_for(small, f"the {role}", role) for role in ("annotator", "adjudicator", "lead")}


@pytest.fixture
def client(shared: TestClient) -> Iterator[TestClient]:
    """The shared server, without cookies."""
    shared.cookies.clear()
    yield shared
    shared.cookies.clear()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, started once for a file and ended with it: Playwright keeps an event loop running meanwhile."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def queues(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The projects that the module's QUEUES describe, filled: as many numbers as it counts, asked as it says."""
    folder = tmp_path_factory.mktemp("queues")
    for name, described in request.module.QUEUES.items():
        asked = {**described}
        made_project(folder / name, numbers(asked.pop("count")), {**NUMBERS, "name": name}, **asked)
    return {name: folder / name for name in request.module.QUEUES}


@pytest.fixture(scope="module")
def labeling_server(queues: dict[str, Path]) -> Iterator[Server]:
    """One server for the module's projects."""
    with serving_desks([*queues.values()]) as started:
        yield started


@pytest.fixture
def desk(
    request: pytest.FixtureRequest, queues: dict[str, Path], labeling_server: Server, browser: Browser
) -> Iterator[Desk]:
    """The project that the test names."""
    with closing(Desk(open_workspace(queues[request.param]), labeling_server.url, browser)) as made:
        yield made
