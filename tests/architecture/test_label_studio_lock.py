"""tests/label-studio.lock: what the connector is tested against, with versions and hashes, and no address."""

import re

from tests.architecture.sources import ROOT

LOCK = (ROOT / "tests" / "label-studio.lock").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def test_every_entry_has_a_version_and_a_hash() -> None:
    entries = [block for block in re.split(r"\n(?=[A-Za-z0-9])", LOCK.strip()) if block]
    assert len(entries) > 100
    assert [one.splitlines()[0] for one in entries if "==" not in one or "--hash=sha256:" not in one] == []


def test_no_address_in_the_lock() -> None:
    assert re.findall(r"^.*(?:://|--index|--find-links|--trusted|file:| @ ).*$", LOCK, re.MULTILINE) == []


def test_the_lock_is_of_the_version_that_the_makefile_names() -> None:
    (version,) = re.findall(r"^LABEL_STUDIO = (\S+)$", MAKEFILE, re.MULTILINE)
    assert f"\nlabel-studio=={version} " in LOCK
