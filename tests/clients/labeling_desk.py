"""One project of the labeling queue as a test sees it: its page in the browser, and its ledger behind the server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.clients.browser import logged_in
from tests.projects.made_queue import token_for
from tests.servers.labeling_server import Server, running
from tiltyard.schemas.records import Annotation, Role
from tiltyard.workspace.workspace import Workspace

PATIENCE_MS = 15_000


@dataclass
class Desk:
    """A project that is served, and the browser windows that look at it."""

    workspace: Workspace
    url: str
    browser: Browser
    tokens: dict[str, str] = field(default_factory=dict)
    contexts: list[BrowserContext] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The address of the labeling page, without the server."""
        return f"/p/{self.workspace.project.name}/"

    def context(self, **options: Any) -> BrowserContext:
        """A window with cookies and storage of its own."""
        context = self.browser.new_context(reduced_motion="reduce", **options)
        context.on("weberror", lambda event: self.faults.append(str(event.error)))
        self.contexts.append(context)
        return context

    def token(self, annotator: str, role: Role = "annotator") -> str:
        """The token of somebody, who gets access with the first one."""
        if annotator not in self.tokens:
            self.tokens[annotator] = token_for(self.workspace, annotator, role)
        return self.tokens[annotator]

    def page(self, annotator: str = "ada", role: Role = "annotator", at: str = "", **options: Any) -> Page:
        """A page of the project in a window of its own, by somebody who has just logged in."""
        return logged_in(self.context(**options), self.url, self.token(annotator, role), f"{self.path}{at}")

    def labeling(self, annotator: str = "ada", **options: Any) -> Page:
        """The labeling page with its first sample on screen."""
        page = self.page(annotator, **options)
        expect(page.locator("#sample")).to_be_visible(timeout=PATIENCE_MS)
        return page

    def annotations(self) -> list[Annotation]:
        """Everything that the ledger has."""
        return self.workspace.ledger.annotations.after(0, 10_000)

    def labels(self) -> list[str | None]:
        """The labels that the ledger has, in its order."""
        return [one.label for one in self.annotations() if one.act == "label"]


@contextmanager
def closing(desk: Desk) -> Iterator[Desk]:
    """A desk whose windows are closed at the end, and whose pages met no internal error."""
    try:
        yield desk
    finally:
        for context in desk.contexts:
            context.close()
    assert desk.faults == []


@contextmanager
def serving(projects: list[Path]) -> Iterator[Server]:
    """The labeling server, which lets one address log in as often as tests do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TILTYARD_LABEL_LOGIN_RATE", "10000/minute")
        with running(projects) as server:
            yield server


def at(name: str) -> pytest.MarkDecorator:
    """Give a test the project of that name, of those that its module's QUEUES describe."""
    return pytest.mark.parametrize("desk", [name], indirect=True, ids=[name])


def standing(annotations: list[Annotation]) -> dict[float, str]:
    """The label that stands for each sample, by its ``x``."""
    over = {one.supersedes for one in annotations}
    mine = [one for one in annotations if one.act == "label" and one.annotation_id not in over]
    return {one.payload["x"]: str(one.label) for one in mine}


def shown_x(page: Page) -> float:
    """The value of ``x`` of the sample on screen."""
    text = page.locator(".group:not(.deciding) dl.values > div", has_text="x").first.locator(".value").inner_text()
    return float(text)


def heading(page: Page, number: int) -> None:
    """Wait until the sample of that number is on screen."""
    expect(page.locator("#heading")).to_have_text(f"Sample {number}", timeout=PATIENCE_MS)


def settled(page: Page) -> None:
    """Wait until nothing waits in the outbox."""
    page.wait_for_function(f"() => !Object.keys(localStorage).some((name) => {OUTBOX})", timeout=PATIENCE_MS)


def waiting(page: Page) -> int:
    """How many answers wait in the outbox."""
    return int(page.evaluate(f"Object.keys(localStorage).filter((name) => {OUTBOX}).length"))


OUTBOX = "name.startsWith('tiltyard.outbox/')"
