"""The manual's pictures of reports: a verdict's page and a project's, in light and dark, on a desk and on a phone.

``python -m docs.report_pictures`` tells a week of the digits' story, which takes about a minute, and takes the pictures
with Chromium.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from playwright.sync_api import Browser

from docs.pictures import save_picture
from tests.clients.browser import DESK, PHONE, chromium
from tests.projects.example_story import begin
from tiltyard.reports.html.project_page import project_page
from tiltyard.reports.html.verdict_page import verdict_page
from tiltyard.schemas.records import Verdict
from tiltyard.workspace.workspace import Workspace

DAYS: Final = 7
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "desk-light": {"color_scheme": "light", "viewport": {**DESK, "height": 1150}},
    "desk-dark": {"color_scheme": "dark", "viewport": {**DESK, "height": 1150}},
    "phone-light": {"color_scheme": "light", "viewport": PHONE, "is_mobile": True},
    "phone-dark": {"color_scheme": "dark", "viewport": PHONE, "is_mobile": True},
}


def main() -> None:
    """Take all pictures."""
    with TemporaryDirectory() as folder, chromium() as browser:
        workspace = begin("digits", Path(folder), 2000).tell(DAYS).workspace
        pages = {"verdict": verdict_page(workspace, _shown(workspace)), "project": project_page(workspace)}
        for name, html in pages.items():
            file = Path(folder) / f"{name}.html"
            file.write_text(html, "utf-8")
            _take(browser, file, name)


def _shown(workspace: Workspace) -> Verdict:
    """The last verdict that promoted a challenger over a champion, else the last one."""
    verdicts = workspace.ledger.champions.verdicts()
    return next((one for one in reversed(verdicts) if one.champion_id and one.decision == "promote"), verdicts[-1])


def _take(browser: Browser, file: Path, name: str) -> None:
    """One page in all looks: its head, and for a verdict the models side by side."""
    for look, options in LOOKS.items():
        context = browser.new_context(**options)
        page = context.new_page()
        page.goto(file.as_uri())
        save_picture(page, f"report-{name}-{look}")
        if name == "verdict":
            page.evaluate("[...document.querySelectorAll('h2')].find(one => one.textContent == 'Curves and thresholds')"
                          ".scrollIntoView()")  # fmt: skip
            save_picture(page, f"report-curves-{look}")
        context.close()


if __name__ == "__main__":
    main()
