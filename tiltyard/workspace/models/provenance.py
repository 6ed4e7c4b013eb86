"""What code and what environment made a model: enough to make it again, or to say why it cannot be."""

import platform
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tiltyard.schemas.project.project_file import Project
from tiltyard.stores.user_code.own_code import own_code

PACKAGE = Path(__file__).parents[2]
ROOMS = ("samples", "ingest", "labels", "evaluation", "training", "query", "gate")
"""The rooms whose code decides what is learnt, asked and promoted."""
LIBRARIES = ("modAL-python", "numpy", "pandas", "polars", "scikit-learn", "scipy", "skops")
EXTRAS = ("optuna",)
"""Libraries that decide numbers where they are installed."""


@cache
def code_version() -> str:
    """Our version and the first 12 hex digits of the SHA-256 of the rooms' source: what fits and judges models."""
    source = sha256()
    for path in sorted(path for room in ROOMS for path in (PACKAGE / room).rglob("*.py")):
        source.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{version('tiltyard')}+{source.hexdigest()[:12]}"


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
