"""Every command in a ``console`` block of the documents runs, in the page's order, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, pages
from tests.architecture.written_commands import Block, blocks
from tests.servers.preloaded import LIBRARIES, put_command, shared

LONG = ("make ",)
"""Commands that another test runs in its own way: the demo end to end, and this very suite."""

PAGES = [page for page in pages() if any(block.language == "console" for block in blocks(page))]


def script_of(page: Path) -> list[str]:
    """The page as lines of a shell script: files are saved, commands run."""
    lines: list[str] = []
    for block in blocks(page):
        if block.title:
            lines += saved(block)
        if block.language == "console":
            lines += [command for command in block.commands if not command.startswith(LONG)]
    return lines


def saved(block: Block) -> list[str]:
    """The lines that save a block under its title, as the page asks the reader to."""
    return [f"cat > {block.title} <<'END_OF_BLOCK'\n{block.text}END_OF_BLOCK"]


def run_lines(lines: list[str], folder: Path, commands: Path) -> subprocess.CompletedProcess[str]:
    """Run a script that stops at the first failure; a folder's commands come first on the path, then ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TILTYARD_", "COV_", "COVERAGE"))}
    path = f"{commands}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**kept, "PATH": path, "PREFECT_HOME": str(folder / ".prefect"), "HOME": str(folder)}
    return subprocess.run(
        ["sh", "-eux"], input="\n".join(lines), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def preloaded_commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ``tiltyard`` finds its imports done: the pages start it some forty times."""
    folder = tmp_path_factory.mktemp("commands") / "bin"
    return put_command(shared(LIBRARIES), folder, "tiltyard", "tiltyard.apps.cli.main:main")


def test_some_pages_have_commands() -> None:
    assert ROOT / "README.md" in PAGES
    assert ROOT / "docs" / "tutorial.md" in PAGES


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_run(page: Path, tmp_path: Path, preloaded_commands: Path) -> None:
    lines = script_of(page)
    if page.name == "tutorial.md":
        lines += ["cd ../my-digits", *python_of(ROOT / "docs" / "how-to" / "use-from-python.md")]
    if page.name == "README.md":
        lines += python_of(page)
    # The README's start as they do for its readers.
    run = run_lines(lines, tmp_path, Path(sys.executable).parent if page.name == "README.md" else preloaded_commands)
    assert run.returncode == 0, f"{run.stderr[-3000:]}\n{run.stdout[-3000:]}"


def python_of(page: Path) -> list[str]:
    """The Python examples of a page as one script, run in the project that the commands before it have made."""
    text = "".join(block.text for block in blocks(page) if block.language == "python")
    return [f"cat > page.py <<'END_OF_BLOCK'\n{text}\nEND_OF_BLOCK", "python page.py"]
