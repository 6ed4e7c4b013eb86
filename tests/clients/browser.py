"""A real browser for the tests of pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium as the system has it, else as Playwright brings it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def logged_in(context: BrowserContext, url: str, token: str, path: str = "/") -> Page:
    """A page of somebody who has just logged in."""
    page = context.new_page()
    page.goto(f"{url}/login?next={path}")
    page.fill("#token", token)
    page.click("main button")
    page.wait_for_url(lambda address: "/login" not in address)
    return page


def violations(page: Page) -> list[str]:
    """What axe-core holds to be a serious or critical fault of a page."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # ships no types

    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    grave = [one for one in found if one["impact"] in {"serious", "critical"}]
    return [f"{one['id']}: {node['html'][:200]}" for one in grave for node in one["nodes"]]
