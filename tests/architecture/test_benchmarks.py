"""Every benchmark stands in the manual with its command, and starts."""

import re
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT

MANUAL = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
SCRIPTS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text("utf-8"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_benchmark_stands_in_the_manual_with_its_command(name: str) -> None:
    assert re.search(rf"^(nice -n 10 )?python -m benchmarks\.{name}\b", MANUAL, re.MULTILINE)


def test_make_bench_names_those_that_are_there() -> None:
    named = re.search(r"^BENCHMARKS = (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert named
    assert set(named[1].split()) <= set(SCRIPTS)


def test_every_benchmark_starts() -> None:
    """In one process, because each imports what takes seconds; none of them works when it is imported."""
    command = f"import importlib\nfor name in {SCRIPTS}: importlib.import_module('benchmarks.' + name)"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
