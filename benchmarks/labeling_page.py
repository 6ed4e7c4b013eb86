"""From a key to the next sample on the screen, in Chromium, with a long queue waiting.

usage: python -m benchmarks.labeling_page [--waiting 50000] [--keys 200] [--rounds 3]

The real server on loopback, the real page, keys pressed one after the other as soon as the next sample stands
there. The time runs from the browser's own stamp of the key press to the end of the frame that it painted.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.clients.browser import chromium, logged_in
from tests.projects.made_queue import NUMBERS, made_project, numbers, token_for
from tests.servers.labeling_server import running

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


def press(page: Page, keys: int) -> list[float]:
    """Answer so many samples; the milliseconds from each key to its frame."""
    page.evaluate(STOPWATCH)
    sample = page.locator("#heading")
    for _ in range(keys):
        before = sample.inner_text()
        page.keyboard.press("n")
        expect(sample).not_to_have_text(before)
    took: list[float] = page.evaluate("window.took")
    return sorted(took)


def measure(waiting: int, keys: int) -> dict[str, float]:
    """One round: a fresh queue, a fresh server, a fresh browser."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["TILTYARD_LEDGER_URL"] = f"sqlite:///{name}/ledger.db"
        content = {**NUMBERS, "labeling": {"reveal": "never"}}
        workspace = made_project(Path(name) / "project", numbers(waiting), content)
        token = token_for(workspace, "ada")
        with running([workspace.project_file]) as server, chromium() as browser:
            page = logged_in(browser.new_context(), server.url, token, "/p/small/")
            expect(page.locator("#sample")).to_be_visible()
            took = press(page, keys)
        workspace.ledger.close()
    return {"p50": took[len(took) // 2], "p95": took[int(0.95 * len(took))], "most": took[-1]}


def main() -> None:
    """Print the medians over the rounds as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=50_000)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rounds = [measure(options.waiting, options.keys) for _ in range(options.rounds)]
    medians = {name: round(statistics.median(one[name] for one in rounds), 1) for name in rounds[0]}
    sys.stdout.write(json.dumps({"waiting": options.waiting, "keys": options.keys, "milliseconds": medians}) + "\n")


if __name__ == "__main__":
    main()
