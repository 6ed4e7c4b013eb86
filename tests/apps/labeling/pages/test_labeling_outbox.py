"""The page's outbox, in a real browser: neither lost networks nor killed servers nor ended sessions lose an answer."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from playwright.sync_api import Browser, Page, Route, expect

from tests.clients.browser import logged_in
from tests.clients.labeling_desk import (
    PATIENCE_MS,
    Desk,
    at,
    closing,
    heading,
    serving,
    settled,
    shown_x,
    standing,
    waiting,
)
from tests.projects.made_queue import NUMBERS, made_project, numbers

QUEUES: dict[str, dict[str, Any]] = {
    "offline": {"count": 12},
    "unheard": {"count": 8},
    "proxy": {"count": 12},
    "forgetful": {"count": 6},
    "undone-offline": {"count": 6},
    "leaving": {"count": 12},
    "expired": {"count": 8},
    "tabs": {"count": 8},
    "refused": {"count": 8},
    "lost": {"count": 8},
}
"""A project for each journey, so that none meets what another has left."""


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
    expect(page.locator("#banner")).to_contain_text("3 annotations are not sent yet", timeout=PATIENCE_MS)
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
    expect(page.locator("#empty")).to_contain_text("No connection")
    page.context.set_offline(False)
    expect(page.locator("#sample")).to_be_visible(timeout=PATIENCE_MS)


def test_nothing_is_lost_or_doubled_when_the_server_is_killed(tmp_path: Path, browser: Browser) -> None:
    workspace = made_project(tmp_path / "killed", numbers(20), {**NUMBERS, "name": "killed"})
    with (
        serving([tmp_path / "killed"]) as server,
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
        expect(page.locator("#banner")).to_contain_text("not sent yet", timeout=PATIENCE_MS)
        server.start()
        settled(page)
        heading(page, 5)
        assert sorted(str(label) for label in desk.labels()) == ["no", "no", "yes", "yes"]
        assert len({one.sample_id for one in desk.annotations()}) == 4


PROXIES = [
    (200, "text/html", "<h1>Log in</h1>"),
    (201, "application/json", '{"results": []}'),
    (403, "text/html", ""),
    (429, "application/json", "{}"),
    (500, "text/plain", ""),
    (502, "text/html", ""),
]
"""What may stand between a page and its server, and answer in its place."""


def proxy(status: int, kind: str, body: str) -> Callable[[Route], None]:
    """Something that answers every request by itself."""

    def answer(route: Route) -> None:
        route.fulfill(status=status, content_type=kind, body=body)

    return answer


@at("proxy")
def test_nothing_but_the_server_s_own_word_clears_the_outbox(desk: Desk) -> None:
    page = desk.labeling()
    for number, (status, kind, body) in enumerate(PROXIES, start=1):
        heading(page, number)
        page.route("**/annotations", proxy(status, kind, body))
        with page.expect_response("**/annotations"):
            page.keyboard.press("y")
        expect(page.locator("#banner")).to_contain_text("1 annotation is not sent yet", timeout=PATIENCE_MS)
        assert waiting(page) == 1
        page.unroute("**/annotations")
        page.evaluate("window.dispatchEvent(new Event('online'))")
        settled(page)
        expect(page.locator("#banner")).to_be_hidden()
    assert desk.labels() == ["yes"] * len(PROXIES)


@at("proxy")
def test_what_the_server_cannot_take_does_not_hold_up_the_rest(desk: Desk) -> None:
    page = desk.labeling("ben")
    page.route("**/annotations", lambda route: route.fulfill(status=422, json={"error": "does not fit", "where": None}))
    page.keyboard.press("y")
    expect(page.locator("#refused")).to_contain_text("Does not fit", timeout=PATIENCE_MS)
    page.unroute("**/annotations")
    page.keyboard.press("n")
    settled_but(page, 1)
    page.locator("#refused summary").click()
    page.get_by_role("button", name="Try again").click()
    settled(page)
    assert [one.label for one in desk.annotations() if one.annotator == "ben"] == ["no", "yes"]


@at("forgetful")
def test_a_browser_that_keeps_nothing_says_so_and_sends_all_the_same(desk: Desk) -> None:
    context = desk.context()
    context.add_init_script("Storage.prototype.setItem = () => { throw new Error('full') }")
    page = logged_in(context, desk.url, desk.token("ada"), desk.path)
    heading(page, 1)
    page.route("**/annotations", away)
    page.keyboard.press("y")
    expect(page.locator("#banner")).to_contain_text("This browser cannot store them", timeout=PATIENCE_MS)
    page.unroute("**/annotations")
    page.keyboard.press("n")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator("#banner")).to_be_hidden(timeout=PATIENCE_MS)
    assert desk.labels() == ["yes", "no"]


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


def away(route: Route) -> None:
    """Let a request not reach the server."""
    route.abort()


def heard_but_not_confirmed(route: Route) -> None:
    """Let the server have a request, and the page not have the answer."""
    route.fetch()
    route.abort()


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
    assert standing(desk.annotations()) == {0.0: "no"}


@at("leaving")
def test_logging_out_with_a_full_outbox_keeps_it_for_the_next_log_in(desk: Desk) -> None:
    page = desk.labeling()
    page.route("**/annotations", away)
    for number in (1, 2):
        heading(page, number)
        page.keyboard.press("y")
    heading(page, 3)
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#logout-message")).to_contain_text("2 annotations are not sent yet", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Log out anyway").click()
    page.wait_for_url("**/login*")
    assert desk.labels() == []
    page.unroute("**/annotations")
    page.goto(f"{desk.url}{desk.path}")
    page.fill("#token", desk.token("ada"))
    page.keyboard.press("Enter")
    heading(page, 3)
    settled(page)
    assert desk.labels() == ["yes", "yes"]


@at("leaving")
def test_somebody_else_at_the_same_device_does_not_send_what_is_not_theirs(desk: Desk) -> None:
    page = desk.labeling("cleo")
    page.route("**/annotations", away)
    page.keyboard.press("y")
    page.keyboard.press("y")
    page.context.clear_cookies()
    page.unroute("**/annotations")
    page.goto(f"{desk.url}/login?next={desk.path}")
    page.fill("#token", desk.token("dan"))
    page.keyboard.press("Enter")
    expect(page.locator("#sample")).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_timeout(300)
    assert waiting(page) == 2
    assert {one.annotator for one in desk.annotations()} == {"ada"}


@at("expired")
def test_a_session_that_ended_keeps_the_answers_and_offers_the_log_in(desk: Desk) -> None:
    page = desk.labeling()
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.keyboard.press("n")
    expect(page.locator("#banner")).to_contain_text("1 annotation is not sent yet", timeout=PATIENCE_MS)
    expect(page.locator("#banner")).to_contain_text("You are logged out")
    link = page.get_by_role("link", name="Log in again")
    assert link.get_attribute("href") == f"/login?next={quote(desk.path, safe='')}"
    other = logged_in(page.context, desk.url, desk.token("ada"), f"{desk.path}guidelines")
    other.close()
    assert page.context.cookies() != cookies
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    settled(page)
    expect(page.locator("#banner")).to_be_hidden(timeout=PATIENCE_MS)
    assert desk.labels() == ["no"]


@at("tabs")
def test_of_two_tabs_the_older_one_rests(desk: Desk) -> None:
    older = desk.labeling()
    older.route("**/annotations", away)
    older.keyboard.press("y")
    newer = older.context.new_page()
    newer.goto(f"{desk.url}{desk.path}")
    expect(older.locator("#resting")).to_be_visible(timeout=PATIENCE_MS)
    older.keyboard.press("y")
    heading(newer, 2)
    settled(newer)
    assert desk.labels() == ["yes"]
    newer.keyboard.press("n")
    older.unroute("**/annotations")
    older.get_by_role("button", name="Label here instead").click()
    expect(newer.locator("#resting")).to_be_visible(timeout=PATIENCE_MS)
    heading(older, 3)
    assert desk.labels() == ["yes", "no"]


@at("refused")
def test_a_refused_answer_stays_in_sight_with_its_reason(desk: Desk) -> None:
    page = desk.labeling()
    before = desk.workspace.project_file.read_text("utf-8")
    page.context.set_offline(True)
    page.keyboard.press("y")
    take_up(desk, before.replace("'yes'", "perhaps"), "perhaps")
    page.context.set_offline(False)
    expect(page.locator("#refused summary")).to_have_text("1 annotation was refused", timeout=PATIENCE_MS)
    page.locator("#refused summary").click()
    expect(page.locator("#refused li")).to_contain_text("'yes' is not a class")
    page.keyboard.press("n")
    settled_but(page, 1)
    page.reload()
    expect(page.locator("#refused summary")).to_have_text("1 annotation was refused", timeout=PATIENCE_MS)
    expect(page.locator("#sample")).to_be_visible(timeout=PATIENCE_MS)
    assert shown_x(page) == 2, "a sample whose answer waits for its author is not asked again"
    take_up(desk, before, "yes")
    page.locator("#refused summary").click()
    page.get_by_role("button", name="Try again").click()
    settled(page)
    assert sorted(str(label) for label in desk.labels()) == ["no", "yes"]


def take_up(desk: Desk, content: str, label: str) -> None:
    """Change the project file, and wait until the server knows the class."""
    desk.workspace.project_file.write_text(content, "utf-8")
    address = f"{desk.url}/api/v1/projects/{desk.workspace.project.name}"
    headers = {"Authorization": f"Bearer {desk.token('ada')}"}
    for _ in range(300):
        if label in [one["name"] for one in httpx.get(address, headers=headers).json()["classes"]]:
            return
        time.sleep(0.05)
    raise AssertionError(f"the server did not take up {label!r}")


def settled_but(page: Page, count: int) -> None:
    """Wait until no more than so many answers are left in the outbox."""
    page.wait_for_function(
        "(count) => Object.keys(localStorage).filter((name) => name.startsWith('tiltyard.outbox/')).length === count",
        arg=count,
        timeout=PATIENCE_MS,
    )


@at("lost")
def test_answers_are_sent_with_the_last_breath_of_a_page(desk: Desk) -> None:
    page = desk.labeling()
    page.route("**/annotations", away)
    page.keyboard.press("y")
    expect(page.locator("#banner")).to_be_visible(timeout=PATIENCE_MS)
    page.unroute("**/annotations")
    page.close(run_before_unload=True)
    again = desk.labeling("ben")
    again.wait_for_timeout(500)
    assert desk.labels() == ["yes"]
