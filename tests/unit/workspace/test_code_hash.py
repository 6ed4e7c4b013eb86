"""The identity of the code behind models: every source file of the rooms that fit and judge, and nothing else."""

import shutil
from pathlib import Path

import pytest

from tiltyard.workspace.models.provenance import PACKAGE, ROOMS, code_hash, code_version

OTHERS = ("reports/tables.py", "reports/html/page.py", "apps/cli/main.py", "tasks/step.py", "stores/files/local.py")
"""Files that show, move or keep what was learnt; rewording them changes no model."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code") / "tiltyard"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def package(original: Path, tmp_path: Path) -> Path:
    """A copy of the package, to change something in."""
    return Path(shutil.copytree(original, tmp_path / "tiltyard"))


def sources(package: Path, room: str) -> list[Path]:
    return sorted((package / room).rglob("*.py"))


def test_the_version_of_the_code_is_its_hash_here(original: Path) -> None:
    assert code_version().partition("+")[2] == code_hash(original)[:12]


@pytest.mark.parametrize("room", ROOMS)
def test_a_changed_byte_in_any_file_of_a_room_is_other_code(package: Path, room: str) -> None:
    seen = {code_hash(package)}
    for path in sources(package, room):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + b"#")
        seen.add(code_hash(package))
        path.write_bytes(content)
    assert len(seen) == 1 + len(sources(package, room))


def test_folders_inside_a_room_count_too(original: Path) -> None:
    nested = [path for room in ROOMS for path in sources(original, room) if path.parent != original / room]
    assert {path.parent.name for path in nested} >= {"checks", "files", "search", "boosting"}


def test_a_file_elsewhere_in_its_room_is_other_code(package: Path) -> None:
    before = code_hash(package)
    path = sources(package, "gate")[-1]
    path.rename(path.with_name("renamed.py"))
    assert code_hash(package) != before


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_shown_or_kept_is_no_part_of_it(package: Path, name: str) -> None:
    before = code_hash(package)
    with (package / name).open("a", encoding="utf-8") as stream:
        stream.write("# other words\n")
    assert code_hash(package) == before


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_without_sources_is_an_error(package: Path, room: str) -> None:
    for path in sources(package, room):
        path.unlink()
    with pytest.raises(RuntimeError, match=rf"{room} has no source files"):
        code_hash(package)


def test_a_package_that_is_elsewhere_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="samples has no source files"):
        code_hash(tmp_path)
