"""``tiltyard demo``: run the whole loop on handwritten digits, day by day, with checks at the end."""

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tiltyard.apps.cli.console import AsJson, console, show_json
from tiltyard.schemas.errors import TiltyardError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tiltyard.apps.cli.demo.invariants import Check
    from tiltyard.apps.cli.demo.outcome import DemoRun

MARK: Final = ".made-by-tiltyard-demo"
"""The file that marks a folder as the demo's own, which may be replaced."""

FOREIGN: Final = ("PREFECT_", "TILTYARD_", "MLFLOW_")
"""Prefixes of environment variables that could point the demo to other stores."""

Into = Annotated[
    Path, typer.Option("--into", metavar="DIR", help="The demo's folder; an earlier demo in it is replaced.")
]
Seed = Annotated[int, typer.Option(min=0, help="Random seed: which rows are damaged, and which labels are wrong.")]
Days = Annotated[int | None, typer.Option(min=1, help="Stop after this number of days; the demo has 17.")]


def demo(into: Into = Path("demo-workspace"), seed: Seed = 0, days: Days = None, as_json: AsJson = False) -> None:
    """Run the whole loop on handwritten digits, with the faults of real data deliveries.

    18 days of scans arrive, a simulated expert labels 48 a day, models are trained, judged, promoted, rejected and
    rolled back, all in a separate folder and without a network. At the end it checks Tiltyard's guarantees, and exits
    with 1 if a check fails.
    """
    folder = prepare_folder(into)
    isolate_environment(folder)
    outcome = _run_demo(folder, seed, days, as_json)
    if as_json:
        show_json(outcome.as_data())
    raise typer.Exit(exit_code(outcome.checks))


def exit_code(checks: "Iterable[Check]") -> int:
    """0 if every check holds, else 1."""
    return 0 if all(check.holds for check in checks) else 1


def prepare_folder(into: Path) -> Path:
    """An empty folder for the demo; an earlier demo is removed, anything else is left and refused."""
    folder = into.expanduser().resolve()
    if folder.is_dir() and (folder / MARK).is_file():
        shutil.rmtree(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise TiltyardError(f"{str(into)!r} already exists and is not a demo's folder; name another with --into DIR")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("This folder was made by 'tiltyard demo', which replaces it each time.\n", "utf-8")
    return folder


def isolate_environment(folder: Path) -> None:
    """Point every environment variable into the folder, before the first heavy import."""
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


def _run_demo(folder: Path, seed: int, days: int | None, as_json: bool) -> "DemoRun":
    """Run the demo and show it on the screen (on stderr if stdout is for a program)."""
    from tiltyard.apps.cli.demo.screen import Screen

    began = time.monotonic()
    screen = Screen(console(to_stderr=as_json))
    with screen.working("starting ..."):
        from tiltyard.apps.cli.demo.server import start_server

        with start_server() as server:
            from tiltyard.apps.cli.demo.scenario import DemoOptions, run_scenario

            outcome = run_scenario(DemoOptions(folder, seed, days, began), screen, server)
    screen.end(outcome)
    return outcome
