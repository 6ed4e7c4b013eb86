"""The manual's pictures: every page of the labeling queue, in light and dark, on a desk and on a phone.

``python -m docs.pictures`` fills a project by hand, serves it, and takes the pictures with Chromium.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml
from PIL import Image
from playwright.sync_api import Browser, Page
from sklearn.datasets import load_digits

from tests.clients.browser import DESK, PHONE, chromium, logged_in
from tests.clients.labeling_desk import serving
from tests.projects.made_queue import made_project, token_for
from tiltyard.schemas.records import Act, Assignment, Factor, NewAnnotation, Payload, Suggestion
from tiltyard.workspace.workspace import Workspace

PICTURES: Final = Path(__file__).resolve().parent / "pictures"
EXAMPLES: Final = PICTURES.parents[1] / "examples"
COLOURS: Final = 96
MONTHS: Final = ("March", "July", "October")
CHANGES: Final[dict[str, Any]] = {
    "name": "bookings",
    "description": "Will the booking be cancelled?",
    "classes": [{"name": "kept", "key": "k"}, {"name": "cancelled", "key": "c", "description": "or never came"}],
    "positive": "cancelled",
    "labeling": {"reveal": "always"},
}
GROUPS: Final = {
    "Guests": ["adults", "children", "babies", "country"],
    "Stay": ["arrival_date_month", "stays_in_weekend_nights", "stays_in_week_nights", "meal"],
    "Booking": ["hotel", "lead_time", "market_segment", "deposit_type", "customer_type", "adr"],
}
MESSAGES: Final = (
    "I tried to top up with my card at the ATM but it is still pending after two days. What should I do?",
    "Why was I charged a fee for the cash withdrawal abroad?",
    "The transfer to my landlord has not arrived yet, although it left my account on Monday.",
)


def main() -> None:
    """Take all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, chromium() as browser:
        projects = [bookings(Path(folder)), messages(Path(folder)), scans(Path(folder))]
        tokens = [token_for(one, "ada", "lead") for one in projects]
        for annotator in ("ben", "cleo"):
            token_for(projects[0], annotator)
        _discuss(projects[0])
        with serving([one.project_file for one in projects]) as server:
            for scheme in ("light", "dark"):
                for size in ("desk", "phone"):
                    _take(browser, server.url, tokens, f"{size}-{scheme}")


def bookings(folder: Path) -> Workspace:
    """Table rows of which a model has its word."""
    content = yaml.safe_load((EXAMPLES / "hotel" / "project.yaml").read_text("utf-8")) | CHANGES
    del content["pandera"]
    shown = [name for names in GROUPS.values() for name in names]
    content["display"] = {"kind": "table", "groups": GROUPS, "columns": shown}
    rng = random.Random(4)  # noqa: S311 - made samples, no secrets
    factors = tuple(Factor(name, 0.3) for name in ("lead_time", "deposit_type", "market_segment", "adr"))
    said = Suggestion("cancelled", 0.53, {"cancelled": 0.53, "kept": 0.47}, factors)
    rows = [_booking(rng, place) for place in range(60)]
    return made_project(folder / "bookings", rows, content, slots=2, suggested=[said])


def _booking(rng: random.Random, number: int) -> Payload:
    """One booking."""
    return {
        "arrival": f"2016-0{number % 9 + 1}-12T00:00:00.000000Z",
        "hotel": rng.choice(["City Hotel", "Resort Hotel"]),
        "lead_time": rng.randrange(10, 400),
        "arrival_date_month": rng.choice(MONTHS),
        "stays_in_weekend_nights": rng.randrange(3),
        "stays_in_week_nights": rng.randrange(1, 6),
        "adults": rng.randrange(1, 4),
        "children": None if number % 4 == 0 else 0,
        "babies": 0,
        "meal": "BB",
        "country": rng.choice(["PRT", "GBR", "ESP"]),
        "market_segment": rng.choice(["Online TA", "Groups", "Direct"]),
        "deposit_type": rng.choice(["No Deposit", "Non Refund"]),
        "customer_type": "Transient",
        "adr": rng.randrange(4000, 22000) / 100,
        "row_id": str(1000 + number),
    }


def messages(folder: Path) -> Workspace:
    """Texts with 77 classes."""
    content = yaml.safe_load((EXAMPLES / "banking77" / "project.yaml").read_text("utf-8"))
    content["display"] = {"kind": "text", "columns": ["text"], "terms": ["top up", "fee", "transfer"]}
    factors = tuple(Factor("text", 0.3, word) for word in ("pending", "card", "still"))
    said = Suggestion("pending_top_up", 0.31, {"pending_top_up": 0.31, "top_up_failed": 0.29}, factors)
    rows: list[Payload] = [{"text": message, "row_id": str(place)} for place, message in enumerate(MESSAGES * 4)]
    return made_project(folder / "messages", rows, content, suggested=[said])


def scans(folder: Path) -> Workspace:
    """Pictures as pixels."""
    content = yaml.safe_load((EXAMPLES / "digits" / "project.yaml").read_text("utf-8"))
    del content["pandera"]
    rows: list[Payload] = [
        {f"pixel_{place}": int(ink) for place, ink in enumerate(scan)} | {"scan_id": str(number)}
        for number, scan in enumerate(load_digits().data[:12])
    ]
    return made_project(folder / "scans", rows, content)


def _discuss(workspace: Workspace) -> None:
    """Two weeks in which two annotators answer, and sometimes disagree."""
    rng = random.Random(5)  # noqa: S311 - made answers, no secrets
    now = datetime.now(UTC)
    for days in range(13, -1, -1):
        for annotator in ("ben", "cleo"):
            when = now - timedelta(days=days)
            for assignment in workspace.ledger.assignments.lease(annotator, when, rng.randrange(1, 4)):
                likely = assignment.payload["lead_time"] > 180
                label = "cancelled" if likely ^ (rng.random() < 0.15) else "kept"
                _say(
                    workspace,
                    _answer(assignment, annotator, when, "label", label=label, lead_ms=rng.randrange(900, 7000)),
                )
    held = workspace.ledger.assignments.lease("ben", now, 1)[0]
    _say(workspace, _answer(held, "ben", now, "flag", note="The rate is that of a whole year."))
    _say(workspace, _answer(held, "ben", now, "propose", note="moved\nTo another date, not cancelled."))
    workspace.ledger.assignments.release("ben")
    workspace.ledger.assignments.release("cleo")


def _answer(assignment: Assignment, annotator: str, when: datetime, act: Act, **said: Any) -> NewAnnotation:
    """What somebody says of an assignment."""
    plain = NewAnnotation(
        client_key=f"{annotator} {act} {assignment.assignment_id}",
        annotator=annotator,
        act=act,
        sample_id=assignment.sample_id,
        payload=assignment.payload,
        said_at=when,
        assignment_id=assignment.assignment_id,
        suggestion=assignment.suggestion.label if assignment.suggestion else None,
    )
    return replace(plain, **said)


def _say(workspace: Workspace, said: NewAnnotation) -> None:
    submit = workspace.ledger.annotations.submit
    submit([said], contract_hash=workspace.contract_hash, now=said.said_at, labeling=workspace.project.labeling)


def _take(browser: Browser, url: str, tokens: list[str], look: str) -> None:
    """All pictures of one look."""
    size, scheme = look.split("-")
    is_phone = size == "phone"
    options: dict[str, Any] = {"color_scheme": scheme, "viewport": PHONE if is_phone else DESK}
    options |= {"has_touch": is_phone, "is_mobile": is_phone}
    for token, shoot in zip(tokens, (_shoot_bookings, _shoot_messages, _shoot_scans), strict=True):
        context = browser.new_context(**options)
        shoot(logged_in(context, url, token), url, lambda page, name: save_picture(page, f"{name}-{look}"))
        context.close()


Save = Callable[[Page, str], None]


def _shoot_bookings(page: Page, url: str, save: Save) -> None:
    """The labeling page, the model's word, the dialogs, and the pages of adjudicators and leads."""
    page.wait_for_selector("#sample:not([hidden])")
    save(page, "table")
    page.keyboard.press("k")
    page.wait_for_selector("#strip.reveal")
    save(page, "reveal")
    with _open(page, "h"):
        save(page, "keys")
    with _open(page, "g"):
        save(page, "guidelines")
    page.keyboard.press("u")
    page.goto(f"{url}/p/bookings/disputes")
    page.wait_for_selector("#sample:not([hidden])")
    save(page, "disputes")
    for name in ("lead", "lead/people"):
        page.goto(f"{url}/p/bookings/{name}")
        save(page, name.replace("lead/", "").replace("lead", "overview"))
    page.goto(f"{url}/p/bookings/lead")
    page.click("table a[href*='/lead/sample/']")
    save(page, "sample")
    page.context.clear_cookies()
    page.goto(f"{url}/login")
    save(page, "login")


def _shoot_messages(page: Page, _url: str, save: Save) -> None:
    """A text, and a class among many."""
    page.wait_for_selector("#sample:not([hidden])")
    page.get_by_role("combobox").fill("top up")
    save(page, "text")


def _shoot_scans(page: Page, _url: str, save: Save) -> None:
    """A picture of pixels."""
    page.wait_for_selector("#sample:not([hidden])")
    save(page, "picture")


@contextmanager
def _open(page: Page, key: str) -> Iterator[None]:
    """A dialog that a key opens, closed at the end."""
    page.keyboard.press(key)
    page.wait_for_selector("dialog[open]")
    page.wait_for_load_state("networkidle")
    yield
    page.keyboard.press("Escape")


def save_picture(page: Page, name: str) -> None:
    """One picture, in few colours: a screen of text has no more."""
    page.wait_for_timeout(120)
    taken = Image.open(BytesIO(page.screenshot())).convert("RGB")
    few = taken.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
