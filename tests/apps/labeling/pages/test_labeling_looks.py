"""What pages look like to eyes, screen readers, phones and intruders, in a real browser against a real server."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.clients.browser import DESK, PHONE, violations
from tests.clients.labeling_desk import PATIENCE_MS, Desk, closing, heading, serving, settled, shown_x
from tests.projects.made_queue import NUMBERS, made_project, numbers, sample_id_of, says
from tests.servers.labeling_server import Server
from tiltyard.schemas.records import Factor, Payload, Suggestion
from tiltyard.workspace.workspace import Workspace, open_workspace

PAGES = ("", "guidelines", "disputes", "lead", "lead/people", "lead/exports", "lead/sample/{sample}")
ATTACK = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>\"'{{7*7}}"
CLASSES = [f"class_{number:02}_{word}" for number, word in enumerate(["top_up", "transfer", "card", "pin"] * 20)][:77]
LONG = "A long letter about a top up that is still pending. " * 100
PIXELS = [0.0, 16.0, None, 8.0]


def png() -> bytes:
    """A picture of one red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")
    )


def table(folder: Path) -> Workspace:
    """Two annotators a sample, of which one sample is in dispute; the model has its word."""
    content = {**NUMBERS, "name": "table", "display": {"groups": {"Place": ["x", "y"]}}}
    return made_project(folder / "table", numbers(12), content, slots=2, suggested=[says("yes", 0.81, "x", "colour")])


def text(folder: Path) -> Workspace:
    """Texts with 77 classes, terms to mark and words that decided."""
    content = {
        "name": "text",
        "columns": {"features": {"message": {"kind": "text"}}, "reference": ["row_id"]},
        "classes": CLASSES,
        "display": {"kind": "text", "columns": ["message"], "terms": ["top up"]},
    }
    said = Suggestion(
        "class_00_top_up", 0.2, {"class_00_top_up": 0.2, "class_02_card": 0.1}, (Factor("message", 1, "card"),)
    )
    messages = ["My card and the top up.", LONG, *(f"Message {number}" for number in range(8))]
    rows: list[Payload] = [{"message": message, "row_id": str(place)} for place, message in enumerate(messages)]
    return made_project(folder / "text", rows, content, slots=2, suggested=[said])


def pictures(folder: Path) -> Workspace:
    """Pictures by their files' names, one of which is not there."""
    content = {
        "name": "pictures",
        "columns": {"features": {"brightness": {"kind": "number"}}, "reference": ["file"]},
        "classes": [{"name": "cat", "key": "c"}, {"name": "dog", "key": "d"}],
        "display": {"kind": "image", "object": "file"},
    }
    made = made_project(
        folder / "pictures", [{"brightness": 1.0, "file": "red.png"}, {"brightness": 2.0, "file": "away.png"}], content
    )
    (folder / "pictures" / "images").mkdir()
    (folder / "pictures" / "images" / "red.png").write_bytes(png())
    return made


def pixels(folder: Path) -> Workspace:
    """Pictures as pixels."""
    content = {
        "name": "pixels",
        "columns": {"features": {"p{0..3}": {"kind": "number"}}},
        "classes": [str(digit) for digit in range(10)],
        "display": {"kind": "image", "columns": ["p{0..3}"], "width": 2, "levels": 16},
    }
    return made_project(folder / "pixels", [{f"p{place}": value for place, value in enumerate(PIXELS)}], content)


def hostile(folder: Path) -> Workspace:
    """Markup wherever a project or a sample has a word to say."""
    content = {
        "name": "hostile",
        "description": ATTACK,
        "guidelines": f"# {ATTACK}\n\n{ATTACK}\n\n[link](javascript:window.hacked=1)",
        "columns": {"features": {ATTACK: {"kind": "text", "unit": ATTACK, "description": ATTACK}}},
        "classes": [{"name": ATTACK, "key": "a", "description": ATTACK}, {"name": "b", "key": "b"}],
        "labeling": {"reveal": "always"},
        "display": {"groups": {ATTACK: [ATTACK]}, "terms": [ATTACK]},
    }
    said = Suggestion(ATTACK, 0.9, {ATTACK: 0.9, "b": 0.1}, (Factor(ATTACK, 1.0, ATTACK),))
    return made_project(
        folder / "hostile", [{ATTACK: f"{ATTACK} {number}"} for number in range(8)], content, slots=2, suggested=[said]
    )


def disputed(folder: Path) -> Workspace:
    """A project in which people will disagree."""
    return made_project(folder / "disputed", numbers(4), {**NUMBERS, "name": "disputed"}, slots=2)


KINDS = {one.__name__: one for one in (table, text, pictures, pixels, hostile, disputed)}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A project of each kind."""
    folder = tmp_path_factory.mktemp("looks")
    return {name: make(folder).project_file for name, make in KINDS.items()}


@pytest.fixture(scope="module")
def looks_server(folders: dict[str, Path]) -> Iterator[Server]:
    """One server for all of them."""
    with serving([*folders.values()]) as started:
        yield started


@pytest.fixture
def looks(
    request: pytest.FixtureRequest, folders: dict[str, Path], looks_server: Server, browser: Browser
) -> Iterator[Desk]:
    """The project that the test names."""
    with closing(Desk(open_workspace(folders[request.param]), looks_server.url, browser)) as made:
        yield made


def on(name: str) -> pytest.MarkDecorator:
    """Give a test the project of that name."""
    return pytest.mark.parametrize("looks", [name], indirect=True, ids=[name])


def every_page(desk: Desk, page: Page) -> Iterator[str]:
    """Go to each page of a project, as a lead sees it, and to the two that belong to none."""
    sample = sample_id_of(numbers(1)[0])
    for path in PAGES:
        page.goto(f"{desk.url}{desk.path}{path.format(sample=sample)}")
        if path in {"", "disputes"}:
            expect(page.locator("#sample, #empty").filter(visible=True).first).to_be_visible(timeout=PATIENCE_MS)
            page.wait_for_function(
                "() => document.querySelector('#parts').childElementCount || !document.querySelector('#empty').hidden"
            )
        yield path or "label"
    for path in ("/help?project=table", "/", "/login"):
        page.goto(f"{desk.url}{path}")
        yield path


def disagree(desk: Desk) -> None:
    """Let two people say different things of the first sample, unless they did already."""
    if desk.annotations():
        return
    for annotator, key in (("ben", "n"), ("cleo", "y")):
        page = desk.labeling(annotator)
        page.keyboard.press(key)
        heading(page, 2)
        settled(page)
        page.close()


@on("table")
@pytest.mark.parametrize(("scheme", "size"), [("light", "desk"), ("dark", "phone")])
def test_every_page_is_accessible_and_fits(looks: Desk, scheme: str, size: str) -> None:
    disagree(looks)
    page = looks.page("ada", "lead", color_scheme=scheme, viewport={"desk": DESK, "phone": PHONE}[size])
    found = {name: [*faults(page), *misfits(page)] for name in every_page(looks, page)}
    assert {name: one for name, one in found.items() if one} == {}


def faults(page: Page) -> list[str]:
    """Accessibility faults, and what every page must have."""
    wanted = ("h1", "main", "html[lang]")
    return [*violations(page), *(f"not one {name}" for name in wanted if page.locator(name).count() != 1)]


def misfits(page: Page) -> list[str]:
    """Whether the page scrolls sideways, and which controls are too small for a finger."""
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    small: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("button, nav a, input:not([type=hidden]):not([type=checkbox])")]
          .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 43.5)
          .map((one) => one.outerHTML.slice(0, 80))"""
    )
    return [*(["scrolls sideways"] if wide else []), *small]


@on("table")
def test_dialogs_are_accessible(looks: Desk) -> None:
    page = looks.labeling("dora", color_scheme="dark")
    for key, dialog in (("h", "#settings"), ("f", "#note"), ("g", "#guidelines")):
        page.keyboard.press(key)
        expect(page.locator(dialog)).to_be_visible()
        page.wait_for_timeout(100)
        assert violations(page) == []
        page.keyboard.press("Escape")
        expect(page.locator(dialog)).to_be_hidden()


@on("table")
def test_the_page_works_at_four_times_its_size(looks: Desk) -> None:
    page = looks.labeling("ella", viewport={"width": 320, "height": 256})
    assert misfits(page) == []
    page.get_by_role("button", name="yes").click()
    heading(page, 2)


@on("table")
def test_values_stand_in_groups_with_units_and_what_decided_first(looks: Desk) -> None:
    page = looks.labeling("finn")
    headings = page.locator("#parts h3").all_inner_texts()
    assert [one.lower() for one in headings] == ["most important to the model", "place", "more"]
    first = page.locator(".group.deciding").inner_text()
    assert "x" in first
    assert "colour" in first
    assert "yes" not in first
    assert " cm" in page.locator(".group", has_text="Place").first.inner_text()
    for number in (2, 3, 4):
        if shown_x(page) % 4 != 3:
            page.keyboard.press("s")
            heading(page, number)
    expect(page.locator(".group.more .missing")).to_have_text("missing")


@on("table")
def test_screen_readers_hear_of_a_new_sample_and_of_what_was_kept(looks: Desk) -> None:
    page = looks.labeling("gina")
    assert page.evaluate("document.activeElement.id") == "heading"
    page.get_by_role("button", name="yes").focus()
    page.keyboard.press("Enter")
    heading(page, 2)
    assert page.evaluate("document.activeElement.id") == "heading"
    assert page.evaluate("scrollY") == 0
    live = page.locator("#strip [role=status]")
    expect(live).to_contain_text("yes")
    assert page.get_by_role("button", name="yes").get_attribute("aria-keyshortcuts") == "y"


@on("disputed")
def test_a_dispute_is_decided_with_one_key(looks: Desk) -> None:
    disagree(looks)
    page = looks.page("hugo", "adjudicator", at="disputes")
    expect(page.locator("#said")).to_contain_text("no × 1", timeout=PATIENCE_MS)
    expect(page.locator("#said")).to_contain_text("yes × 1")
    assert not {"ben", "cleo"} & set(page.locator("main").inner_text().split())
    page.fill("#note", "n is no key in here")
    page.locator("#heading").focus()
    page.keyboard.press("y")
    expect(page.locator("#empty")).to_contain_text("No disputes")
    settled(page)
    decided = [one for one in looks.annotations() if one.act == "adjudicate"]
    assert [(one.label, one.annotator, one.note) for one in decided] == [("yes", "hugo", "n is no key in here")]
    page.reload()
    expect(page.locator("#empty")).to_be_visible(timeout=PATIENCE_MS)


@on("text")
def test_one_class_of_many_is_found_by_typing(looks: Desk) -> None:
    page = looks.labeling("ada")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "combobox"
    assert page.get_by_role("option").count() == 77
    page.keyboard.type("card")
    first = page.get_by_role("option").first
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]").inner_text()
    assert chosen == CLASSES[6]
    page.keyboard.press("Enter")
    heading(page, 2)
    assert page.evaluate("document.activeElement.value") == ""
    assert page.get_by_role("option").first.inner_text() == chosen
    page.keyboard.press("-")
    heading(page, 3)
    page.keyboard.press("Control+z")
    heading(page, 2)
    page.keyboard.type("pin")
    page.keyboard.press("Enter")
    heading(page, 3)
    assert violations(page) == []
    settled(page)
    assert looks.labels() == [CLASSES[6], CLASSES[3]]


@on("text")
def test_terms_are_marked_and_long_texts_scroll_by_space(looks: Desk) -> None:
    page = looks.labeling("ben", viewport=PHONE, has_touch=True, is_mobile=True)
    assert page.locator("mark").all_inner_texts() == ["top up"]
    assert page.locator(".text u").all_inner_texts() == ["card"]
    while not page.locator(".text.long").count():
        before = page.locator("#heading").inner_text()
        page.get_by_role("button", name="Skip").click()
        expect(page.locator("#heading")).not_to_have_text(before)
    page.locator("#heading").focus()
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('.text.long').scrollTop > 50")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".text.long")).to_have_class("text long open")
    assert misfits(page) == []


@on("pictures")
def test_pictures_are_shown_by_their_files(looks: Desk) -> None:
    page = looks.labeling("ada")
    picture = page.locator("#parts img")
    expect(picture).to_have_attribute("alt", "Picture red.png")
    page.wait_for_function("() => document.querySelector('#parts img').naturalWidth === 1")
    page.keyboard.press("c")
    heading(page, 2)
    expect(page.locator("#parts .picture")).to_contain_text("The picture away.png cannot be loaded")


@on("pixels")
def test_pixels_are_drawn_and_described(looks: Desk) -> None:
    page = looks.labeling("ada")
    canvas = page.get_by_role("img", name="Picture of 2 by 2 pixels, 1 missing")
    inks = canvas.evaluate("(one) => [...one.getContext('2d').getImageData(0, 0, 2, 2).data]")
    assert [inks[place] for place in (0, 4, 12)] == [255, 0, 128]
    assert inks[8:11] == [192, 57, 43]
    assert page.get_by_role("button").filter(has_text="3").first.get_attribute("aria-keyshortcuts") == "3"


@on("hostile")
def test_markup_in_samples_classes_notes_and_guidelines_is_text(looks: Desk) -> None:
    page = looks.page("ada", "lead")
    expect(page.locator("#sample")).to_be_visible(timeout=PATIENCE_MS)
    assert ATTACK in page.locator("#parts").inner_text()
    page.keyboard.press("f")
    page.fill("#note textarea", ATTACK)
    page.keyboard.press("Enter")
    page.keyboard.press("b")
    expect(page.locator("#strip")).to_contain_text(f"The model predicts {ATTACK}", timeout=PATIENCE_MS)
    page.keyboard.press("a")
    page.keyboard.press("g")
    expect(page.locator("#guidelines [data-page]")).to_contain_text("onerror")
    settled(page)
    other = looks.labeling("ben")
    other.keyboard.press("a")
    settled(other)
    sample = looks.annotations()[0].sample_id
    for path in ("guidelines", "disputes", "lead", "lead/people", f"lead/sample/{sample}", "lead/exports"):
        unharmed(page)
        page.goto(f"{looks.url}{looks.path}{path}")
    unharmed(page)


def unharmed(page: Page) -> None:
    """Nothing of the markup became elements, and nothing of it ran."""
    page.wait_for_timeout(100)
    assert page.evaluate(
        "window.hacked === undefined && document.querySelectorAll('main img, main script').length === 0"
    )
    assert page.locator("a[href^='javascript']").count() == 0
