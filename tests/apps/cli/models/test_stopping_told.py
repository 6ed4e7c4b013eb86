"""Whoever asks for labels, or gives them, is told when more are unlikely to help, and by which method that is known."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.clients.browser import DESK, PHONE, violations
from tests.clients.commands import done
from tests.clients.labeling_desk import PATIENCE_MS, Desk, closing, serving
from tests.projects.made_queue import NUMBERS, made_project, numbers
from tests.projects.made_verdicts import judged_by_hand
from tiltyard.workspace.workspace import Workspace

FLAT, RISING = [0.9] * 6, [0.70, 0.76, 0.80, 0.83, 0.85, 0.865]
AGREED, RESTLESS = [None, 0.97, 0.99, 0.993, 0.995, 0.994], [None, 0.7, 0.8, 0.85, 0.86, 0.9]


def project(folder: Path, name: str, scores: list[float], kappas: list[Any]) -> Workspace:
    workspace = made_project(folder / name, numbers(12), {**NUMBERS, "name": name})
    judged_by_hand(workspace, scores, kappas)
    return workspace


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workspace]:
    folder = tmp_path_factory.mktemp("stopping")
    return {
        "settled": project(folder, "settled", FLAT, AGREED),
        "learning": project(folder, "learning", RISING, RESTLESS),
        "fresh": project(folder, "fresh", [0.8], [None]),
    }


@pytest.fixture(scope="module")
def url(workspaces: dict[str, Workspace]) -> Iterator[str]:
    with serving([one.project_file for one in workspaces.values()]) as server:
        yield server.url


@pytest.fixture
def desk(
    request: pytest.FixtureRequest, workspaces: dict[str, Workspace], url: str, browser: Browser
) -> Iterator[Desk]:
    with closing(Desk(workspaces[request.param], url, browser)) as made:
        yield made


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        ("settled", "more labels are unlikely to improve the model"),
        ("learning", "labels still pay"),
        ("fresh", "too early to say"),
    ],
)
def test_status_tells_the_advice_with_its_methods(workspaces: dict[str, Workspace], name: str, headline: str) -> None:
    where = workspaces[name].project_file
    stopping = done("status", "--project", where, "--json").data["stopping"]
    assert stopping["headline"] == headline
    assert stopping["enough"] is (name == "settled")
    agreeing, gaining = stopping["methods"]
    assert agreeing.startswith("stabilizing predictions")
    assert gaining.startswith("predicted gain")
    shown = " ".join(done("status", "--project", where).out.split())
    assert headline in shown
    assert "kappa 0.994" in shown or name != "settled"


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("desk", ["settled"], indirect=True)
def test_the_queue_says_that_more_labels_hardly_pay(desk: Desk, scheme: str, size: str) -> None:
    page = desk.labeling(color_scheme=scheme, viewport=DESK if size == "desk" else PHONE)
    advice = page.locator("#progress [data-advice]")
    expect(advice).to_contain_text("More labels are unlikely to improve the model", timeout=PATIENCE_MS)
    expect(advice).to_contain_text("stabilizing predictions: successive models are stable (kappa 0.994")
    expect(advice).to_contain_text("predicted gain: 300 labels more would add +0.0 points of accuracy")
    assert violations(page) == []
    width = page.viewport_size
    assert width
    assert page.evaluate("document.documentElement.scrollWidth") <= width["width"]


@pytest.mark.parametrize("desk", ["settled"], indirect=True)
def test_the_overview_says_it_to_leads(desk: Desk) -> None:
    page = desk.page("ben", "lead", at="lead", viewport=PHONE)
    said = page.locator("main p", has_text="More labels are unlikely to improve the model. stabilizing predictions")
    expect(said).to_be_visible(timeout=PATIENCE_MS)
    assert violations(page) == []


@pytest.mark.parametrize("desk", ["learning"], indirect=True)
def test_the_queue_says_that_labels_still_pay(desk: Desk) -> None:
    page = desk.labeling()
    expect(page.locator("#progress [data-advice]")).to_contain_text("Labels still pay", timeout=PATIENCE_MS)


@pytest.mark.parametrize("desk", ["fresh"], indirect=True)
def test_the_queue_says_nothing_while_it_is_too_early(desk: Desk) -> None:
    page = desk.labeling()
    expect(page.locator("#progress [data-today]")).to_have_text("0", timeout=PATIENCE_MS)
    expect(page.locator("#progress [data-stopping]")).to_be_hidden()


@pytest.mark.parametrize("desk", ["settled"], indirect=True)
def test_asking_goes_on_whatever_is_advised(desk: Desk) -> None:
    page = desk.labeling()
    expect(page.locator("#progress [data-stopping]")).to_be_visible(timeout=PATIENCE_MS)
    page.keyboard.press("y")
    expect(page.locator("#heading")).not_to_have_text("Sample 1", timeout=PATIENCE_MS)
