"""Experts at the labeling page, in a real browser against a real server: one key, one answer, next sample."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.clients.labeling_desk import PATIENCE_MS, Desk, at, closing, heading, serving, settled, shown_x, standing
from tests.projects.made_queue import NUMBERS, fill, made_project, numbers, says

QUEUES: dict[str, dict[str, Any]] = {
    "fast": {"count": 60},
    "pair": {"count": 20},
    "undone": {"count": 12},
    "far": {"count": 30},
    "told": {"count": 8, "suggested": [says("yes", 0.81, "x", "colour")]},
    "chance": {"count": 4, "suggested": [says("yes")], "purpose": "random"},
    "noted": {"count": 4},
    "keys": {"count": 12},
    "empty": {"count": 3},
    "renewed": {"count": 6},
    "closed": {"count": 4},
}
"""A project for each journey, so that none meets what another has left."""


@pytest.mark.usefixtures("each_database")
def test_twenty_samples_by_keyboard_alone(tmp_path: Path, browser: Browser) -> None:
    workspace = made_project(tmp_path / "twenty", numbers(24), {**NUMBERS, "name": "twenty"})
    with serving([tmp_path / "twenty"]) as server, closing(Desk(workspace, server.url, browser)) as desk:
        label_twenty(desk)


def label_twenty(desk: Desk) -> None:
    page = desk.context().new_page()
    page.goto(f"{desk.url}{desk.path}")
    expect(page.get_by_label("Token")).to_be_focused(timeout=PATIENCE_MS)
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


@at("fast")
def test_fifty_keys_are_fifty_answers(desk: Desk) -> None:
    """How fast that is, benchmarks/labeling_page.py measures."""
    page = desk.labeling()
    for number in range(1, 51):
        heading(page, number)
        page.keyboard.press("n")
    heading(page, 51)
    settled(page)
    assert len(desk.annotations()) == 50


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
    assert standing(desk.annotations()) == {0.0: "yes", 1.0: "no", 2.0: "no"}
    assert [one.act for one in desk.annotations()].count("withdraw") == 2
    assert len(desk.annotations()) == 7


@at("far")
def test_undo_goes_back_further_than_a_lease_tells(desk: Desk) -> None:
    page = desk.labeling()
    for number in range(1, 26):
        heading(page, number)
        page.keyboard.press("n")
    heading(page, 26)
    for x in range(24, -1, -1):
        page.keyboard.press("u")
        assert shown_x(page) == x
    for x in range(25):
        assert shown_x(page) == x
        page.keyboard.press("y")
    settled(page)
    expect(page.locator("#refused")).to_be_hidden()
    assert standing(desk.annotations()) == {float(x): "yes" for x in range(25)}


@at("told")
def test_the_model_speaks_after_the_answer_and_both_words_are_kept(desk: Desk) -> None:
    page = desk.labeling()
    assert "yes" not in page.locator("#sample").inner_text().lower().replace("between no and yes", "")
    expect(page.locator("#strip [data-offer]")).to_be_hidden()
    page.keyboard.press("n")
    expect(page.locator("#strip")).to_contain_text("Your label: no. The model predicts yes, 0.81", timeout=PATIENCE_MS)
    assert page.evaluate("document.activeElement.id") == "heading"
    page.keyboard.press("Enter")
    expect(page.locator("#strip")).to_contain_text("Kept: no")
    page.keyboard.press("n")
    expect(page.locator("#strip")).to_contain_text("The model predicts yes", timeout=PATIENCE_MS)
    page.keyboard.press("c")
    expect(page.locator("#heading")).to_have_text("Label again")
    expect(page.locator("#seen")).to_contain_text("The model predicts yes, 0.81")
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
    expect(page.locator("#strip")).to_contain_text("The model predicts yes", timeout=PATIENCE_MS)
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    expect(page.locator("#strip")).to_contain_text("Your first label is kept")
    page.keyboard.press("y")
    expect(page.locator("#strip")).to_contain_text("The model agrees", timeout=PATIENCE_MS)
    page.keyboard.press("Enter")
    settled(page)
    assert [one.supersedes for one in desk.annotations() if one.annotator == "ben"] == [None, None]


@at("chance")
def test_the_model_is_silent_on_samples_drawn_by_chance(desk: Desk) -> None:
    page = desk.labeling()
    page.keyboard.press("n")
    settled(page)
    page.wait_for_timeout(200)
    expect(page.locator("#strip")).not_to_contain_text("model")
    expect(page.locator("#why")).to_have_text("drawn at random")
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
    expect(page.locator("#settings [data-message]")).to_contain_text("no had this key before")
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
    page.get_by_label("Use single keys").uncheck()
    page.get_by_role("button", name="Done").click()
    page.keyboard.press("j")
    page.get_by_role("button", name="yes").click()
    heading(page, 5)
    settled(page)
    mine = [(one.act, one.label) for one in desk.annotations() if one.annotator == "ben"]
    assert mine == [("label", "yes"), ("skip", None), ("label", "yes"), ("label", "yes")]


@at("empty")
def test_an_empty_queue_says_why_and_who_holds_the_rest_and_looks_again(desk: Desk) -> None:
    desk.labeling("ben")
    page = desk.page("ada")
    page.clock.install()
    page.reload()
    expect(page.locator("#empty")).to_contain_text("Held by others: ben (3)", timeout=PATIENCE_MS)
    expect(page.locator("#empty")).to_contain_text("No samples to label")
    fill(desk.workspace, numbers(2, start=50))
    page.clock.fast_forward(21_000)
    expect(page.locator("#sample")).to_be_visible(timeout=PATIENCE_MS)
    assert shown_x(page) == 50


@at("renewed")
def test_leases_are_renewed_while_somebody_looks(desk: Desk) -> None:
    page = desk.page("ada")
    page.clock.install()
    page.reload()
    heading(page, 1)
    with page.expect_response("**/lease") as renewed:
        page.clock.fast_forward(desk.workspace.project.labeling.lease_minutes * 20_000 + 1000)
    told = renewed.value.json()
    assert '"have":["' in (renewed.value.request.post_data or "")
    assert (told["assignments"], told["gone"]) == ([], [])
    heading(page, 1)


@at("closed")
def test_closing_the_page_gives_its_samples_to_others(desk: Desk) -> None:
    first = desk.labeling("ada")
    second = desk.page("ben")
    expect(second.locator("#empty")).to_contain_text("ada (4)", timeout=PATIENCE_MS)
    first.close(run_before_unload=True)
    second.wait_for_timeout(300)
    second.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(second.locator("#sample")).to_be_visible(timeout=PATIENCE_MS)
