"""The image: what it copies exists and is let in, what it installs is locked by hash, nothing in it runs as root."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.deployments.dockerfiles import Instruction, Stage, is_ignored, stages_of
from tests.architecture.sources import PACKAGES, ROOT
from tests.deployments.deployed_commands import problems_of

FOLDER = ROOT / "deployments" / "docker"
FILE = FOLDER / "Dockerfile"
STAGES = stages_of(FILE.read_text("utf-8"))
IGNORED = [
    line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and not line.startswith("#")
]
ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>[^ ;\\]+)", re.MULTILINE)
LOCKS = sorted(path.name for path in FOLDER.glob("*.lock"))
NOT_IN_IMAGES = {"pytest", "mypy", "ruff", "moto", "playwright", "hypothesis", "parliament", "setuptools", "mkdocs"}
SECRET = (".git/config", ".venv/pyvenv.cfg", "deployments/compose/.env", "apps/.env", "tests/conftest.py", "data.csv")


def stage(name: str) -> Stage:
    """A stage by its name."""
    return next(one for one in STAGES if one.name == name)


def locked(path: Path) -> dict[str, str]:
    """The version of each package in a lock."""
    return {canonicalize_name(one["name"]): one["version"] for one in ENTRY.finditer(path.read_text("utf-8"))}


def test_hadolint_finds_nothing() -> None:
    checked = subprocess.run(
        [Path(sys.executable).parent / "hadolint", FILE], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_what_is_copied_exists_and_is_let_in() -> None:
    copied = [name for one in STAGES for instruction in one.instructions for name in instruction.copied]
    assert copied
    for name in copied:
        files = [path for path in _files(ROOT / name) if "__pycache__" not in path.parts]
        assert files, f"{name} does not exist"
        assert [path for path in files if is_ignored(path.relative_to(ROOT).as_posix(), IGNORED)] == []


def _files(path: Path) -> list[Path]:
    """A file, or the files of a folder."""
    return [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path] if path.is_file() else []


@pytest.mark.parametrize("name", SECRET)
def test_the_rest_stays_outside(name: str) -> None:
    assert is_ignored(name, IGNORED)


def test_every_package_is_in_the_wheel() -> None:
    copied = {name for instruction in stage("wheel").instructions for name in instruction.copied}
    assert set(PACKAGES) <= copied


@pytest.mark.parametrize("name", ["tiltyard", "aws"])
def test_nothing_runs_as_root(name: str) -> None:
    """By number: Kubernetes cannot tell whether a named user is root."""
    users = [one.rest for one in stage(name).of("USER")]
    assert users
    assert all(re.fullmatch(r"[1-9]\d+:[1-9]\d+", user) for user in users)
    after = [one.word for one in stage(name).instructions]
    assert "RUN" not in after[after.index("USER") :]


def test_the_image_of_the_parts_is_what_is_built_without_a_target() -> None:
    assert STAGES[-1].name == "tiltyard"


@pytest.mark.parametrize("one", [run for part in STAGES for run in part.of("RUN")], ids=lambda run: str(run.rest[:60]))
def test_what_is_installed_is_locked(one: Instruction) -> None:
    """By hash, or our own wheel; nothing that a lock does not name, however new."""
    for command in (part for part in one.rest.split("&&") if re.search(r"\bpip\b.* install\b", part)):
        assert "--no-deps --require-hashes -r " in command or "--no-deps --no-index" in command
        assert "--no-cache-dir" in command
        assert "--compile" in command or "/build/" in command


def test_the_parts_keep_to_themselves() -> None:
    """No telemetry, one thread a fit, no server of its own in a run that cannot find the right one."""
    said = " ".join(one.rest for one in stage("tiltyard").of("ENV"))
    for wanted in (
        "DO_NOT_TRACK=1", "MLFLOW_DISABLE_TELEMETRY=true", "PREFECT_SERVER_ANALYTICS_ENABLED=false",
        "PREFECT_SERVER_EPHEMERAL_ENABLED=false", "OMP_NUM_THREADS=1", "HOME=/tmp", "PREFECT_HOME=/tmp/",
    ):  # fmt: skip
        assert wanted in said


@pytest.mark.parametrize("command", [one.words for part in STAGES for one in part.of("CMD")], ids=" ".join)
def test_commands_exist(command: list[str]) -> None:
    assert problems_of(command) == []


def test_a_command_that_does_not_exist_is_found() -> None:
    assert problems_of(["tiltyard", "wach"])
    assert problems_of(["prefect", "server", "begin"])
    assert problems_of(["sh", "-ec", "tiltyard doctor; prefect worker start --pool tiltyard --limits 2"])


@pytest.mark.parametrize("name", LOCKS)
def test_locks_have_hashes_and_no_address(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    entries = [block for block in re.split(r"\n(?=[A-Za-z0-9])", text.strip()) if block]
    assert [block.splitlines()[0] for block in entries if "==" not in block or "--hash=sha256:" not in block] == []
    assert re.findall(r"^.*(?:://|--index|--find-links|--trusted|file:| @ ).*$", text, re.MULTILINE) == []


@pytest.mark.parametrize("name", LOCKS)
def test_locks_have_the_versions_of_the_project(name: str) -> None:
    """A model must come out the same in the image as anywhere else."""
    project = locked(ROOT / "requirements.lock")
    assert {
        package: version for package, version in locked(FOLDER / name).items() if project.get(package) != version
    } == {}


def test_the_lock_of_the_parts_is_what_runs_and_no_more() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    wanted |= {canonicalize_name(Requirement(line).name) for name in ("postgresql", "oidc") for line in extras[name]}
    there = set(locked(FOLDER / "requirements.lock"))
    assert wanted - there == set()
    assert there & NOT_IN_IMAGES == set()
