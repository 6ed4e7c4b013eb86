"""What code and what environment made a model: enough to make it again, or to say why it cannot be."""

import platform
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tiltyard.schemas.project import Project
from tiltyard.stores.user_code.own_code import own_code

PACKAGE = Path(__file__).parents[2]
ROOMS = ("samples", "ingest", "labels", "evaluation", "training", "query", "gate")
"""The rooms whose code decides what is learnt, asked and promoted."""
LIBRARIES = ("modAL-python", "numpy", "pandas", "polars", "scikit-learn", "scipy", "skops")
EXTRAS = ("optuna",)
"""Libraries that decide numbers where they are installed."""


@cache
def code_version() -> str:
    """The version of Tiltyard and the first 12 hex digits of :func:`code_hash`."""
    return f"{version('tiltyard')}+{code_hash(PACKAGE)[:12]}"


def code_hash(package: Path) -> str:
    """The SHA-256 of every source file in the rooms of a package, by its path there; 64 hex digits.

    A room without a source file is a RuntimeError: a hash of nothing would be the same for all code.
    """
    source = sha256()
    for room in ROOMS:
        files = sorted((package / room).rglob("*.py"))
        if not files:
            raise RuntimeError(f"{package / room} has no source files, so the code behind models has no identity")
        for path in files:
            source.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return source.hexdigest()


@cache
def environment() -> dict[str, str]:
    """The versions of Python and of the libraries that a model's numbers depend on, and the machine's kind."""
    libraries = {name: version(name) for name in LIBRARIES}
    libraries |= {name: found for name in EXTRAS if (found := _installed(name))}
    return {"python": platform.python_version(), "machine": platform.machine(), **libraries}


def environment_of(project: Project) -> dict[str, str]:
    """What else decides over a project's models beside ours: the environment, the libraries that its recipes use, and
    the source of each module of the user's own that they, its metrics or its Pandera model reach."""
    return {**environment(), **own_code(project).written()}


def _installed(name: str) -> str:
    """The version of a library, empty where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
