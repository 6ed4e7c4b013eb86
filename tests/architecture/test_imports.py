"""Imports point one way, and no file of ours hides a module of somebody else."""

import ast
import importlib.metadata
import subprocess
import sys

import pytest

from tests.architecture.sources import PACKAGES, ROOT, product_sources, sources
from tiltyard.workspace.models.provenance import ROOMS


def test_import_contracts_are_kept() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_flow_files_hide_nothing() -> None:
    """Prefect puts flows/ first on sys.path for a path entry point: flows/select.py broke Python's own select."""
    names = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__"}
    taken = set(sys.stdlib_module_names) | set(importlib.metadata.packages_distributions())
    assert sorted(names & taken) == []
    assert sorted(name for name in names if name.count("_") < 1) == [], "file names in flows/ have two words or more"


def test_top_level_names_belong_to_nobody_else() -> None:
    owners = importlib.metadata.packages_distributions()
    assert {name: owners[name] for name in PACKAGES if set(owners.get(name, [])) - {"tiltyard"}} == {}


def test_our_packages_are_imported_under_our_name() -> None:
    """A user's own schemas.py, tasks.py or flows/ may lie on the path, and is theirs."""
    linked = set(PACKAGES) - {"tiltyard"}
    bare = [
        source.place(node)
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
        if name.split(".")[0] in linked
    ]
    assert bare == []


def test_imports_are_absolute() -> None:
    """Prefect's loader cannot follow relative imports."""
    relative = [
        source.place(node)
        for source in product_sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


@pytest.mark.parametrize("package", ["schemas", "tiltyard.stores", "tiltyard.reports.html", "tasks", "flows", "apps"])
def test_package_says_what_belongs_there(package: str) -> None:
    path = ROOT / package.replace(".", "/") / "__init__.py"
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    assert "Belongs here:" in text
    assert "Does not belong here:" in text


def test_every_package_says_what_it_is() -> None:
    packages = [source for source in product_sources() if source.path.name == "__init__.py"]
    assert [source.name for source in packages if not ast.get_docstring(source.tree)] == []


PURE = ("schemas", *(f"tiltyard/{room}" for room in (*ROOMS, "monitoring")))


def test_pure_rooms_have_no_clock_no_chance_no_files() -> None:
    """Time, rng and seed come in as arguments; reading and writing is for stores."""
    found = [
        f"{source.place(node)} {called}"
        for source in product_sources()
        if source.name.startswith(tuple(f"{room}/" for room in PURE))
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        for called in [ast.unparse(node.func)]
        if _reaches_out(called, node)
    ]
    assert found == []


def _reaches_out(called: str, call: ast.Call) -> bool:
    """Whether a call asks the clock, chance without a seed, a file or the network."""
    clock = called.split("(")[0].endswith((".now", ".utcnow", ".today")) or called in {"time.time", "perf_counter"}
    chance = called.endswith("default_rng") and not call.args
    files = called == "open" or called.endswith((".read_text", ".write_text", ".read_bytes", ".write_bytes", ".open"))
    network = called.split(".")[0] in {"requests", "urllib", "socket", "subprocess", "httpx"}
    return clock or chance or files or network
