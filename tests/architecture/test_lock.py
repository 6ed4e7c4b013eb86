"""requirements.lock: every dependency with its version and hashes, and no address."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture.sources import ROOT

LOCK = (ROOT / "requirements.lock").read_text("utf-8")
ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>[^ ;\\]+)(?P<marker>[^\\\n]*)", re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"].values()
DIRECT = [line for group in (PROJECT["dependencies"], *EXTRAS) for line in group if not line.startswith("tiltyard[")]
"""What is depended on; an extra that takes in others of our own names nothing new."""

FLOORS = {
    "authlib": ("1.6.9", "CVE-2025-68158 and the advisories after it: a foreign log-in, tokens of another algorithm"),
    "jinja2": ("3.1.6", "CVE-2025-27516: out of the sandbox"),
    "pyarrow": ("23.0.1", "CVE-2026-25087: use after free in IPC files"),
    "python-multipart": ("0.0.22", "CVE-2024-53981, CVE-2026-24486: endless parsing, files outside the folder"),
    "skops": ("0.13", "CVE-2025-54412, CVE-2025-54413, CVE-2025-54886: code of untrusted files is run"),
    "starlette": ("0.49.1", "CVE-2025-62727: a header of ranges that takes for ever"),
}
"""The first version without the holes that are known of a package, and which these were."""


def locked() -> dict[str, list[str]]:
    """The versions of each package in the lock (several where markers part them)."""
    versions: dict[str, list[str]] = {}
    for entry in ENTRY.finditer(LOCK):
        versions.setdefault(canonicalize_name(entry["name"]), []).append(entry["version"])
    return versions


@pytest.mark.parametrize("line", DIRECT)
def test_every_direct_dependency_is_locked(line: str) -> None:
    wanted = Requirement(line)
    versions = locked().get(canonicalize_name(wanted.name), [])
    assert versions, f"{wanted.name} is missing; run 'make lock'"
    assert all(wanted.specifier.contains(version) for version in versions), (line, versions)


def test_each_package_has_one_version_on_every_python() -> None:
    """A model must come out the same wherever it is fitted again."""
    assert {name: versions for name, versions in locked().items() if len(versions) > 1} == {}


def test_every_entry_has_a_hash() -> None:
    entries = [block for block in re.split(r"\n(?=[A-Za-z0-9])", LOCK.strip()) if block]
    assert [block.splitlines()[0] for block in entries if "--hash=sha256:" not in block] == []
    assert len(entries) == len(ENTRY.findall(LOCK)), "every entry is pinned with =="


def test_no_address_in_the_lock() -> None:
    assert re.findall(r"^.*(?:://|--index|--find-links|--trusted|file:| @ ).*$", LOCK, re.MULTILINE) == []


@pytest.mark.parametrize("name", FLOORS)
def test_lower_bounds_lie_above_known_holes(name: str) -> None:
    """Who installs without the lock may get the lowest version that we allow."""
    (wanted,) = (one for one in map(Requirement, DIRECT) if canonicalize_name(one.name) == name)
    lowest = next(Version(one.version) for one in wanted.specifier if one.operator in (">=", "=="))
    assert lowest >= Version(FLOORS[name][0]), FLOORS[name][1]
