"""requirements.lock: every dependency with its version and hashes, and no address."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.sources import ROOT

LOCK = (ROOT / "requirements.lock").read_text("utf-8")
ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>[^ ;\\]+)(?P<marker>[^\\\n]*)", re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"].values()
DIRECT = [line for group in (PROJECT["dependencies"], *EXTRAS) for line in group if not line.startswith("tiltyard[")]
"""What is depended on; an extra that takes in others of our own names nothing new."""


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
