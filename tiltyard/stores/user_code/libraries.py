"""Installed libraries by the names that they are imported under, with their versions and what they need."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from typing import Final

BASE: Final = frozenset({"modAL", "numpy", "optuna", "pandas", "polars", "scipy", "sklearn", "skops"})
"""What libraries are imported as whose versions are part of every model's environment."""
BASE_LIBRARIES: Final = frozenset(
    {"modal-python", "numpy", "optuna", "pandas", "polars", "scikit-learn", "scipy", "skops", "tiltyard"}
)
"""What they are installed as, spelt as package names are compared."""
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def has_library(name: str) -> bool:
    """Whether an installed library is known that brings a module of this name."""
    return name in BASE or bool(_libraries_of(name))


def library_versions(modules: Iterable[str]) -> dict[str, str]:
    """The versions of the libraries that bring these modules, and of all that they need and is installed, by name.

    Those that are part of every model's environment are left out.
    """
    waiting = [library for module in modules for library in _libraries_of(module)]
    found: dict[str, str] = {}
    while waiting:
        name = _spelt(waiting.pop())
        if name in found or name in BASE_LIBRARIES or not (installed := _version(name)):
            continue
        found[name] = installed
        waiting += _needs(name)
    return dict(sorted(found.items()))


@cache
def _libraries_of(module: str) -> list[str]:
    """The libraries that bring a module: mostly one of its name, which spares reading every library's record."""
    return [module] if _version(module) else list(_by_module().get(module, []))


@cache
def _by_module() -> Mapping[str, list[str]]:
    """The libraries that bring each module, by the module's name; nothing where their records cannot be read."""
    try:
        return packages_distributions()
    except Exception:  # a record is a file that anybody may have damaged
        return {}


def _needs(name: str) -> list[str]:
    """The libraries that one needs, those of its extras left out."""
    try:
        named = requires(name) or []
    except Exception:  # likewise
        return []
    plain = [one for one in named if "extra ==" not in one]
    return [match.group() for one in plain if (match := NAME.match(one))]


def _version(name: str) -> str:
    """The version of a library, empty where it is not installed."""
    try:
        return version(name) or ""
    except (PackageNotFoundError, ValueError, KeyError):
        return ""


def _spelt(name: str) -> str:
    """A library's name as names are compared.

    >>> _spelt("Scikit_Learn")
    'scikit-learn'
    """
    return re.sub(r"[-_.]+", "-", name).lower()
