"""``tiltyard demo``: the whole loop on handwritten digits, told day by day, with its own checks at the end."""

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tiltyard.apps.cli.console.options import AsJson
from tiltyard.apps.cli.console.output import console, show_json
from tiltyard.schemas.errors import TiltyardError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tiltyard.apps.cli.demo.invariants import Check
    from tiltyard.apps.cli.demo.outcome import DemoRun

MARK: Final = ".made-by-tiltyard-demo"
"""A file that says that a folder is the demo's own and may be made anew."""

FOREIGN: Final = ("PREFECT_", "TILTYARD_", "MLFLOW_")
"""Environment variables that could lead the demo into stores that are not its own."""

Into = Annotated[
    Path, typer.Option("--into", metavar="DIR", help="The demo's folder; an earlier demo there is replaced.")
]
Seed = Annotated[int, typer.Option(min=0, help="The source of chance: which rows are damaged, who errs where.")]
Days = Annotated[int | None, typer.Option(min=1, help="Stop the story after so many days; it has 17.")]


def demo(into: Into = Path("demo-workspace"), seed: Seed = 0, days: Days = None, as_json: AsJson = False) -> None:
    """Watch the whole loop on handwritten digits, with everything that goes wrong in a real intake.

    18 days of scans arrive, an expert who knows the answers labels 48 a day, models are trained, judged, promoted,
    rejected and rolled back, all in a folder of its own and without a network. It ends with what was checked, and
    exits with 1 if a check fails.
    """
    folder = own_folder(into)
    keep_to(folder)
    story = _told(folder, seed, days, as_json)
    if as_json:
        show_json(story.as_data())
    raise typer.Exit(exit_code(story.checks))


def exit_code(checks: "Iterable[Check]") -> int:
    """0 if every check holds, else 1."""
    return 0 if all(check.holds for check in checks) else 1


def own_folder(into: Path) -> Path:
    """An empty folder for the demo; an earlier demo is removed, anything else is left and refused."""
    folder = into.expanduser().resolve()
    if folder.is_dir() and (folder / MARK).is_file():
        shutil.rmtree(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise TiltyardError(f"{str(into)!r} is there already and is no demo of ours; name another with --into DIR")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("This folder was made by 'tiltyard demo', which makes it anew each time.\n", "utf-8")
    return folder


def keep_to(folder: Path) -> None:
    """Point everything that reads the environment into the folder, before the first heavy import."""
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
    os.environ |= {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
        "MPLCONFIGDIR": str(folder / "matplotlib"),
    }


def _told(folder: Path, seed: int, days: int | None, as_json: bool) -> "DemoRun":
    """The story, told on the screen (on stderr where stdout is for a program)."""
    from tiltyard.apps.cli.demo.screen import Screen

    began = time.monotonic()
    screen = Screen(console(to_stderr=as_json))
    with screen.working("starting ..."):
        from tiltyard.apps.cli.demo.server import starting_server

        with starting_server() as server:
            from tiltyard.apps.cli.demo.scenario import DemoOptions, run_scenario

            story = run_scenario(DemoOptions(folder, seed, days, began), screen, server)
    screen.end(story)
    return story
