"""What the tests of pages share: one browser for all of them, one server for the projects of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.labeling_desk import Desk, closing, serving
from tests.labeling_server import Server
from tests.made_queue import NUMBERS, made_project, numbers
from tiltyard.stores.workspace import open_workspace


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
    with serving([*queues.values()]) as started:
        yield started


@pytest.fixture
def desk(
    request: pytest.FixtureRequest, queues: dict[str, Path], labeling_server: Server, browser: Browser
) -> Iterator[Desk]:
    """The project that the test names."""
    with closing(Desk(open_workspace(queues[request.param]), labeling_server.url, browser)) as made:
        yield made
