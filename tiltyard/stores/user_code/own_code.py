"""The user's own code behind a project: every module outside installed packages that its recipes, metrics or Pandera
model reach by import, and the libraries that they use. It decides over a model as the recipe does.

Modules are found as Python finds them, and read, not run: what an ``import`` names is looked up in the source. What a
module reads beside its source (a table, an environment variable) is not seen here.
"""

import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import cache_from_source
from pathlib import Path
from threading import RLock
from typing import Any, Final

from tiltyard.schemas.project import Project
from tiltyard.stores.user_code.imported_names import STAR, imported_names
from tiltyard.stores.user_code.libraries import BASE, library_versions
from tiltyard.stores.user_code.module_locations import ModuleLocation, is_found, locate_module, submodules

PREFIX: Final = "own module "
"""How an item of a model's environment begins that is a module's source."""
HASH_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class OwnCode:
    """Each own module that is reached, by name, with a hash of its source; and each library that is used beside the
    ones that always count, with its version."""

    modules: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)

    def written(self) -> dict[str, str]:
        """The same as a part of a model's environment."""
        return {**self.libraries, **{PREFIX + name: source for name, source in self.modules.items()}}


def own_code(project: Project) -> OwnCode:
    """The project's own code as it is on disk now; empty if everything comes from known libraries.

    It never raises: a module that is missing or not valid Python has no imports; using it gives the reason.
    """
    return code_behind(named_paths(project))


def named_paths(project: Project) -> list[str]:
    """The import paths that a project file names: of estimators, of metrics and of the Pandera model."""
    described = [(one.estimator, one.parameters, one.grid) for one in project.candidates]
    named = [path for path in (project.gate.metric, project.pandera) if path and ":" in path]
    return sorted({*_paths(described), *named})


def code_behind(paths: Iterable[str]) -> OwnCode:
    """The own modules and the libraries that import paths (``module.Class``, ``module:name``) reach."""
    modules: dict[str, str] = {}
    libraries: set[str] = set()
    waiting = [path.replace(":", ".") for path in paths]
    seen = set(waiting)
    while waiting:
        for place in _on_the_way(waiting.pop(), libraries):
            if place.name in modules:
                continue
            source = place.content()
            modules[place.name] = sha256(source.replace(b"\r\n", b"\n")).hexdigest()[:HASH_LENGTH]
            fresh = {name for found in imported_names(source, place.name, place.is_package) for name in _whole(found)}
            waiting += sorted(fresh - seen)
            seen |= fresh
    return OwnCode(dict(sorted(modules.items())), library_versions(libraries))


_lock: Final = RLock()
_loaded: Final[dict[str, str]] = {}
"""The source of each own module, as a hash, when this process first read it or reloaded it."""


def refresh(project: Project) -> OwnCode:
    """The project's own code; modules that changed since this process read them are imported again from now on.

    Each step asks before it imports anything: a process that lives for days fits with the code on disk.
    """
    with _lock:
        found = own_code(project)
        if any(_loaded.get(name, source) != source for name, source in found.modules.items()):
            _forget(found.modules)
        _loaded.update(found.modules)
    return found


def missing_modules(paths: Iterable[str]) -> list[str]:
    """The modules of import paths that Python does not find here, where this process looks for modules."""
    names = {path.partition(":")[0] if ":" in path else path.rpartition(".")[0] for path in paths}
    return sorted(name for name in names if name and not is_found(name))


def import_paths(recipe: Mapping[str, Any]) -> list[str]:
    """The import paths in a recorded recipe."""
    return sorted(set(_paths([recipe.get("estimator", ""), recipe.get("parameters", {})])))


def _paths(value: Any) -> Iterator[str]:
    """Every text below a value that may be an import path; what is none is not found, and reaches nothing."""
    if isinstance(value, str):
        if all(part.isidentifier() for part in value.split(".")) and "." in value:
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _paths(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _paths(part)


def _on_the_way(name: str, libraries: set[str]) -> Iterator[ModuleLocation]:
    """The own modules that an import of a dotted name runs, packages first; a library is added to the libraries."""
    parts = name.split(".")
    if parts[0] in BASE:
        return
    parent = None
    for end in range(1, len(parts) + 1):
        place = locate_module(".".join(parts[:end]), parent)
        if place is None or place.kind == "ours":
            return
        if place.kind == "installed":
            libraries.add(parts[0])
            return
        if place.path is not None:
            yield place
        parent = place


def _whole(name: str) -> list[str]:
    """An imported name; with the modules of a package from which all is taken."""
    if not name.endswith(STAR):
        return [name]
    package = name.removesuffix(STAR)
    return [package, *(f"{package}.{inner}" for inner in submodules(package))]


def _forget(names: Iterable[str]) -> None:
    """Make Python import own modules again from source: all of them, because they share classes."""
    for name in names:
        module = sys.modules.pop(name, None)
        parent, _, own = name.rpartition(".")
        if parent in sys.modules and getattr(sys.modules[parent], own, None) is module:
            vars(sys.modules[parent]).pop(own, None)
        # Python takes compiled code for current by whole seconds; an edit within one would go unseen.
        if source := getattr(module, "__file__", None):
            _drop_compiled(source)
    importlib.invalidate_caches()
    _forget_what_is_theirs()


def _drop_compiled(source: str) -> None:
    """Remove the compiled code of a source file."""
    try:
        Path(cache_from_source(source)).unlink(missing_ok=True)
    except (NotImplementedError, OSError):  # it is compiled nowhere, or the folder is not ours to write
        return


def _forget_what_is_theirs() -> None:
    """Drop what was made of the old source, where it was: metrics, models in memory, processes that fit trials."""
    if "tiltyard.evaluation.custom_metrics" in sys.modules:
        from tiltyard.evaluation.custom_metrics import load_metric

        load_metric.cache_clear()
    if "tiltyard.stores.registry.serialization" in sys.modules:
        from tiltyard.stores.registry.serialization import forget

        forget()
    if "joblib.externals.loky.reusable_executor" in sys.modules:
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True, kill_workers=True)
