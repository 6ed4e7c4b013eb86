"""Experts at the labeling page, in a real browser against a real server: nothing is lost, nothing is doubled."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from schemas.records import Annotation
from tests.browser import LabelingServer, serving
from tests.labeling_desk import PATIENCE_MS, Desk, closing, heading, settled, shown_x, waiting
from tests.made_queue import NUMBERS, made_project, numbers, says
from tiltyard.stores.workspace import open_workspace

QUEUES: dict[str, dict[str, Any]] = {
    "twenty": {"count": 24, "suggested": [None]},
    "fast": {"count": 60, "suggested": [None]},
    "offline": {"count": 12, "suggested": [None]},
    "unheard": {"count": 8, "suggested": [None]},
    "pair": {"count": 20, "suggested": [None]},
    "undone": {"count": 12, "suggested": [None]},
    "undone-offline": {"count": 6, "suggested": [None]},
    "told": {"count": 8, "suggested": [says("yes", 0.81, "x", "colour")]},
    "chance": {"count": 4, "suggested": [says("yes")], "purpose": "random"},
    "noted": {"count": 4, "suggested": [None]},
    "keys": {"count": 12, "suggested": [None]},
    "leaving": {"count": 8, "suggested": [None]},
    "expired": {"count": 8, "suggested": [None]},
    "empty": {"count": 3, "suggested": [None]},
    "closed": {"count": 4, "suggested": [None]},
    "tabs": {"count": 8, "suggested": [None]},
    "refused": {"count": 8, "suggested": [None]},
    "lost": {"count": 8, "suggested": [None]},
}
"""A project for each journey, so that none meets what another has left."""


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The projects of all journeys, with their queues filled."""
    folder = tmp_path_factory.mktemp("queues")
    for name, asked in QUEUES.items():
        how = {key: value for key, value in asked.items() if key != "count"}
        made_project(folder / name, numbers(asked["count"]), {**NUMBERS, "name": name}, **how)
    return {name: folder / name for name in QUEUES}


@pytest.fixture(scope="module")
def server(projects: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelingServer]:
    """One server for all of them."""
    with serving([*projects.values()], tmp_path_factory.mktemp("log") / "server.log") as started:
        yield started


@pytest.fixture
def desk(
    request: pytest.FixtureRequest, projects: dict[str, Path], server: LabelingServer, browser: Browser
) -> Iterator[Desk]:
    """The project that the test's mark names."""
    mark = request.node.get_closest_marker("parametrize")
    assert mark is not None
    workspace = open_workspace(projects[request.param])
    with closing(Desk(workspace, server.url, browser)) as made:
        yield made


def at(name: str) -> pytest.MarkDecorator:
    """Give a test the project of that name."""
    return pytest.mark.parametrize("desk", [name], indirect=True, ids=[name])


@at("twenty")
def test_twenty_samples_by_keyboard_alone(desk: Desk) -> None:
    page = desk.context().new_page()
    page.goto(f"{desk.url}{desk.path}")
    page.keyboard.type(desk.token("ada"))
    page.keyboard.press("Enter")
    heading(page, 1)
    for number in range(1, 21):
        heading(page, number)
        page.keyboard.press("y" if shown_x(page) >= 10 else "n")
    heading(page, 21)
    settled(page)
    assert desk.labels() == ["no"] * 10 + ["yes"] * 10
    kept = desk.annotations()
    assert [one.payload["x"] for one in kept] == list(range(20))
    assert {(one.annotator, one.origin, one.late, one.suggestion_visible) for one in kept} == {
        ("ada", "web", False, False)
    }
    assert all(one.lead_ms is not None and 0 <= one.lead_ms < 60_000 for one in kept)
    assert all(one.guidelines_hash == desk.workspace.project.guidelines_hash for one in kept)


STOPWATCH = """() => {
  window.took = [];
  addEventListener("keydown", (event) => {
    const began = event.timeStamp;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => window.took.push(performance.now() - began);
      channel.port2.postMessage(0);
    });
  }, true);
}"""
"""From a key press to the end of the frame that it painted."""


@at("fast")
def test_a_key_paints_the_next_sample_at_once(desk: Desk) -> None:
    page = desk.labeling()
    page.evaluate(STOPWATCH)
    for number in range(1, 51):
        heading(page, number)
        page.keyboard.press("n")
    heading(page, 51)
    took = sorted(page.evaluate("window.took"))
    assert len(took) == 50
    assert took[47] < 100, took
    settled(page)
    assert len(desk.annotations()) == 50


@at("offline")
def test_nothing_is_lost_while_the_network_is_away(desk: Desk) -> None:
    page = desk.labeling()
    page.keyboard.press("y")
    heading(page, 2)
    settled(page)
    page.context.set_offline(True)
    for number in (2, 3, 4):
        heading(page, number)
        page.keyboard.press("n")
    expect(page.locator("#banner")).to_contain_text("3 answers wait for the server", timeout=PATIENCE_MS)
    assert waiting(page) == 3
    assert desk.labels() == ["yes"]
    page.context.set_offline(False)
    expect(page.locator("#banner")).to_be_hidden(timeout=PATIENCE_MS)
    settled(page)
    assert desk.labels() == ["yes", "no", "no", "no"]
    assert len({one.sample_id for one in desk.annotations()}) == 4


@at("offline")
def test_a_page_out_of_samples_says_that_the_network_is_away(desk: Desk) -> None:
    page = desk.labeling("ben")
    page.context.set_offline(True)
    while page.locator("#sample").is_visible():
        page.keyboard.press("s")
        page.wait_for_timeout(30)
    expect(page.locator("#empty")).to_contain_text("no connection")
    page.context.set_offline(False)
    expect(page.locator("#sample")).to_be_visible(timeout=PATIENCE_MS)


def test_nothing_is_lost_or_doubled_when_the_server_is_killed(tmp_path: Path, browser: Browser) -> None:
    workspace = made_project(tmp_path / "killed", numbers(20), {**NUMBERS, "name": "killed"})
    with (
        serving([tmp_path / "killed"], tmp_path / "server.log") as server,
        closing(Desk(workspace, server.url, browser)) as desk,
    ):
        page = desk.labeling()
        page.keyboard.press("y")
        heading(page, 2)
        page.keyboard.press("y")
        server.kill()
        for number in (3, 4):
            heading(page, number)
            page.keyboard.press("n")
        expect(page.locator("#banner")).to_contain_text("wait for the server", timeout=PATIENCE_MS)
        server.start()
        settled(page)
        heading(page, 5)
        assert sorted(str(label) for label in desk.labels()) == ["no", "no", "yes", "yes"]
        assert len({one.sample_id for one in desk.annotations()}) == 4


@at("unheard")
def test_an_answer_whose_confirmation_was_lost_is_sent_again_and_kept_once(desk: Desk) -> None:
    page = desk.labeling()
    page.route("**/annotations", heard_but_not_confirmed)
    page.keyboard.press("y")
    heading(page, 2)
    page.wait_for_timeout(300)
    assert desk.labels() == ["yes"]
    assert waiting(page) == 1
    page.unroute("**/annotations")
    page.reload()
    settled(page)
    assert desk.labels() == ["yes"]
    heading(page, 2)


def heard_but_not_confirmed(route: Route) -> None:
    """Let the server have a request, and the page not have the answer."""
    route.fetch()
    route.abort()


@at("pair")
def test_two_experts_never_get_one_sample(desk: Desk) -> None:
    pages = [desk.labeling("ada"), desk.labeling("ben")]
    seen: list[float] = []
    for _ in range(8):
        for page in pages:
            before = page.locator("#heading").inner_text()
            seen.append(shown_x(page))
            page.keyboard.press("y")
            expect(page.locator("#heading")).not_to_have_text(before)
    for page in pages:
        settled(page)
    assert len(set(seen)) == 16
    assert len({one.sample_id for one in desk.annotations()}) == 16
    assert {one.annotator for one in desk.annotations()} == {"ada", "ben"}


@at("undone")
def test_undo_takes_answers_back_one_by_one(desk: Desk) -> None:
    page = desk.labeling()
    for number in (1, 2, 3):
        heading(page, number)
        page.keyboard.press("y")
    heading(page, 4)
    page.keyboard.press("u")
    expect(page.locator("#strip")).to_contain_text("Undone: yes")
    assert shown_x(page) == 2
    page.keyboard.press("Control+z")
    assert shown_x(page) == 1
    for _ in range(2):
        page.keyboard.press("n")
    assert shown_x(page) == 3
    settled(page)
    assert effective(desk.annotations()) == {0.0: "yes", 1.0: "no", 2.0: "no"}
    assert [one.act for one in desk.annotations()].count("withdraw") == 2
    assert len(desk.annotations()) == 7


def effective(annotations: list[Annotation]) -> dict[float, str]:
    """The label that stands for each sample, by its ``x``."""
    over = {one.supersedes for one in annotations}
    return {
        one.payload["x"]: str(one.label) for one in annotations if one.act == "label" and one.annotation_id not in over
    }


@at("undone-offline")
def test_undo_works_without_the_server(desk: Desk) -> None:
    page = desk.labeling()
    page.context.set_offline(True)
    page.keyboard.press("y")
    page.keyboard.press("Backspace")
    assert shown_x(page) == 0
    page.keyboard.press("n")
    assert shown_x(page) == 1
    page.context.set_offline(False)
    settled(page)
    assert effective(desk.annotations()) == {0.0: "no"}


@at("told")
def test_the_model_speaks_after_the_answer_and_both_words_are_kept(desk: Desk) -> None:
    page = desk.labeling()
    assert "yes" not in page.locator("#sample").inner_text().lower().replace("between no and yes", "")
    expect(page.locator("#strip [data-offer]")).to_be_hidden()
    page.keyboard.press("n")
    expect(page.locator("#strip")).to_contain_text("You said no. The model said yes, 0.81", timeout=PATIENCE_MS)
    assert page.evaluate("document.activeElement.id") == "heading"
    page.keyboard.press("Enter")
    expect(page.locator("#strip")).to_contain_text("Kept: no")
    page.keyboard.press("n")
    expect(page.locator("#strip")).to_contain_text("The model said yes", timeout=PATIENCE_MS)
    page.keyboard.press("c")
    expect(page.locator("#heading")).to_have_text("Once more")
    expect(page.locator("#seen")).to_contain_text("The model said yes, 0.81")
    page.keyboard.press("y")
    assert shown_x(page) == 2
    settled(page)
    first, kept, second, changed = desk.annotations()
    assert (kept.label, kept.supersedes, kept.suggestion_visible) == ("no", first.annotation_id, True)
    assert (changed.label, changed.supersedes, changed.suggestion_visible) == ("yes", second.annotation_id, True)
    assert not first.suggestion_visible
    assert {one.suggestion for one in desk.annotations()} == {"yes"}


@at("told")
def test_going_on_says_nothing_to_the_model(desk: Desk) -> None:
    page = desk.labeling("ben")
    page.keyboard.press("n")
    expect(page.locator("#strip")).to_contain_text("The model said yes", timeout=PATIENCE_MS)
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    expect(page.locator("#strip")).to_contain_text("Left as it was")
    page.keyboard.press("n")
    settled(page)
    assert [one.supersedes for one in desk.annotations() if one.annotator == "ben"] == [None, None]


@at("chance")
def test_the_model_is_silent_on_samples_drawn_by_chance(desk: Desk) -> None:
    page = desk.labeling()
    page.keyboard.press("n")
    settled(page)
    page.wait_for_timeout(200)
    expect(page.locator("#strip")).not_to_contain_text("model")
    expect(page.locator("#why")).to_have_text("drawn by chance")
    assert page.locator(".deciding").count() == 0


@at("noted")
def test_a_flag_and_a_proposal_bear_a_note_and_leave_the_question_open(desk: Desk) -> None:
    page = desk.labeling()
    page.keyboard.press("f")
    page.keyboard.type("torn page, y and n are keys")
    page.keyboard.press("Enter")
    expect(page.locator("#strip")).to_contain_text("Flagged")
    page.keyboard.press("p")
    page.keyboard.type("perhaps")
    page.keyboard.press("Enter")
    expect(page.locator("#strip")).to_contain_text("Proposed")
    assert shown_x(page) == 0
    page.keyboard.press("x")
    heading(page, 2)
    settled(page)
    said = [(one.act, one.note) for one in desk.annotations()]
    assert said == [("flag", "torn page, y and n are keys"), ("propose", "perhaps"), ("cant_tell", "")]


@at("keys")
def test_keys_that_are_held_or_come_with_others_say_nothing(desk: Desk) -> None:
    page = desk.labeling()
    for key in ("Control+y", "Alt+n", "Meta+y"):
        page.keyboard.press(key)
    page.keyboard.down("y")
    for _ in range(5):
        page.keyboard.down("y")
    page.keyboard.up("y")
    heading(page, 2)
    settled(page)
    assert desk.labels() == ["yes"]


@at("keys")
def test_keys_are_chosen_and_switched_off(desk: Desk) -> None:
    page = desk.labeling("ben")
    page.keyboard.press("h")
    page.get_by_label("Key for yes").press("j")
    page.get_by_label("Key for Skip").press("n")
    expect(page.locator("#settings [data-told]")).to_contain_text("It was the key of no")
    page.get_by_role("button", name="Done").click()
    page.keyboard.press("j")
    heading(page, 2)
    page.keyboard.press("n")
    heading(page, 3)
    page.reload()
    heading(page, 3)
    page.keyboard.press("j")
    heading(page, 4)
    page.keyboard.press("h")
    page.get_by_label("Single keys answer").uncheck()
    page.get_by_role("button", name="Done").click()
    page.keyboard.press("j")
    page.get_by_role("button", name="yes").click()
    heading(page, 5)
    settled(page)
    mine = [(one.act, one.label) for one in desk.annotations() if one.annotator == "ben"]
    assert mine == [("label", "yes"), ("skip", None), ("label", "yes"), ("label", "yes")]
