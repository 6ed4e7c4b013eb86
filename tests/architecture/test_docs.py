"""Documents that cannot rot: generated pages are current, and what is named exists."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.architecture.sources import PROSE, ROOT, pages, product_sources
from tests.architecture.written_commands import blocks, commands_of
from tiltyard.schemas.labeling_settings import LabelingSettings
from tiltyard.schemas.settings import Settings
from tiltyard.schemas.watch_settings import WatchSettings

REFERENCE = ROOT / "docs" / "reference"
PYTHON_FILE = re.compile(
    r"`((?:schemas|tiltyard|tasks|flows|apps|examples|tests|benchmarks|docs|deployments)/[\w./-]*)`"
)
TEST_NAME = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
VARIABLE = re.compile(r"\bTILTYARD_[A-Z_]*[A-Z]\b")


def test_generated_pages_are_current() -> None:
    """A process of its own, because help texts depend on the width of the terminal that Typer saw first."""
    code = "from docs.generate import pages; import json; print(json.dumps(pages()))"
    environment = {**os.environ, "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    wanted = yaml.safe_load(run.stdout)
    stale = [name for name, text in wanted.items() if _content(REFERENCE / name) != text]
    assert stale == [], "run 'make reference'"


def test_every_setting_is_documented() -> None:
    page = _content(REFERENCE / "settings.md")
    ours = {f"TILTYARD_{name.upper()}" for name in Settings.model_fields}
    ours |= {f"TILTYARD_LABEL_{name.upper()}" for name in LabelingSettings.model_fields}
    ours |= {f"TILTYARD_WATCH_{name.upper()}" for name in WatchSettings.model_fields}
    used = {name for source in product_sources() for name in VARIABLE.findall(source.text)}
    assert sorted(name for name in ours | used if f"`{name}`" not in page) == []


def test_every_page_is_in_the_navigation() -> None:
    text = _content(ROOT / "mkdocs.yml")
    names = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(name for name in names if name not in text) == []


def test_the_first_page_finds_every_page() -> None:
    index = _content(ROOT / "docs" / "index.md")
    pages_there = [path for folder in ("how-to", "reference") for path in (ROOT / "docs" / folder).glob("*.md")]
    wanted = [path.relative_to(ROOT / "docs").as_posix() for path in pages_there]
    assert sorted(name for name in wanted if f"({name})" not in index) == []


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    index = _content(folder / "index.md")
    pages_there = sorted(path.name for path in folder.glob("0*.md"))
    assert [name for name in pages_there if f"({name})" not in index] == []
    for name in pages_there:
        text = _content(folder / name)
        assert all(f"**{part}.**" in text for part in ("Context", "Choice", "Price")), name


def test_every_file_that_is_named_exists() -> None:
    """Code is quoted by its path; names in capitals or braces are placeholders."""
    prose = [*pages(), *(path for folder in PROSE for path in (ROOT / folder).rglob("*.md")), ROOT / "CONTRIBUTING.md"]
    named = {(path.name, name) for path in prose for name in PYTHON_FILE.findall(_content(path))}
    assert sorted(f"{page}: {name}" for page, name in named if not (ROOT / name).exists()) == []


def test_every_test_that_is_named_exists() -> None:
    named = [found for path in pages() for found in TEST_NAME.findall(_content(path))]
    assert named
    assert [f"{file}::{name}" for file, name in named if name not in _functions(ROOT / file)] == []


def test_every_law_names_a_test() -> None:
    sections = re.split(r"^## ", _content(REFERENCE / "laws.md"), flags=re.MULTILINE)[1:]
    assert [section.splitlines()[0] for section in sections if not TEST_NAME.search(section)] == []


@pytest.mark.parametrize("page", pages(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_python_blocks_are_python(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python":
            ast.parse(block.text)


def test_every_command_in_the_documents_is_one() -> None:
    """Words and options of ``tiltyard`` commands, wherever they stand in a block; nothing is run here."""
    page = _content(REFERENCE / "cli.md")
    known = {title: set(re.findall(r"--[a-z-]+", body)) for title, body in _command_sections(page)}
    wrong = [
        f"{path.name}: {command}"
        for path in pages()
        for command in commands_of(path)
        if command.startswith("tiltyard ") and not _is_known(command, known)
    ]
    assert wrong == []


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", _content(ROOT / "Makefile"), flags=re.MULTILINE))
    named = {name for path in [*pages(), ROOT / "CONTRIBUTING.md"] for name in _make_targets(_content(path))}
    assert {"demo", "test"} <= named
    assert sorted(named - targets) == []


def _make_targets(text: str) -> list[str]:
    """The targets that a page tells people to make."""
    return re.findall(r"(?:^\$ |`)make ([a-z-]+)", text, flags=re.MULTILINE)


def _command_sections(page: str) -> list[tuple[str, str]]:
    """Each command of the generated page with the text of its section."""
    parts = re.split(r"^## `tiltyard ([^`]+)`$", page, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def _is_known(command: str, known: dict[str, set[str]]) -> bool:
    """Whether a command line begins with a command that exists and uses options that it has."""
    words = command.split()[1:]
    name = next((" ".join(words[:count]) for count in (2, 1) if " ".join(words[:count]) in known), None)
    if name is None:
        return set(words) <= {"--help", "--version"}
    options = {word.split("=")[0] for word in words if word.startswith("--")}
    return options <= known[name] | {"--help"}


def _content(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""


def _functions(path: Path) -> set[str]:
    """The names of a file's functions; none when there is no such file."""
    return {node.name for node in ast.walk(ast.parse(_content(path))) if isinstance(node, ast.FunctionDef)}
