"""Where Python would find a module, without running anything: its file, and whose it is (own, installed, ours)."""

import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ModuleSpec
from pathlib import Path
from typing import Final, Literal

from tiltyard.stores.user_code.libraries import has_library

Kind = Literal["own", "installed", "ours"]
ROOT: Final = Path(__file__).parents[2]
OURS: Final = "tiltyard"
EXAMPLES: Final = "tiltyard.examples"
"""Our package, whose code is part of our version; the examples in it are projects like a user's own."""
INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True, slots=True)
class ModuleLocation:
    """A module's name, whose it is, its file (none for a package without one), and the folders of a package."""

    name: str
    kind: Kind
    path: Path | None
    folders: tuple[Path, ...] = ()

    @property
    def is_package(self) -> bool:
        """Whether it holds modules."""
        return bool(self.folders)

    def content(self) -> bytes:
        """The file's bytes; none where it cannot be read."""
        try:
            return self.path.read_bytes() if self.path else b""
        except OSError:
            return b""


def locate_module(name: str, parent: ModuleLocation | None = None) -> ModuleLocation | None:
    """Where a module is, None where Python finds none; ``parent`` is its package's place where that is known.

    The standard library is nowhere: it belongs to Python's version.
    """
    if parent is None and "." in name:
        parent = locate_module(name.rpartition(".")[0])
        if parent is None:
            return None
    path, folders = _below(parent, name.rpartition(".")[2]) if parent else _on_the_path(name)
    if path is None and not folders:
        return None
    kinds = [_kind_of(name, one) for one in ([path] if path else folders)]
    # A package without a file may be spread over several places; what is in it is looked at one by one.
    kind = "own" if "own" in kinds else kinds[0]
    return ModuleLocation(name, kind, path, folders) if kind else None


def is_found(name: str) -> bool:
    """Whether Python finds a module here; of what is installed, whether the package at its head is there."""
    top = name.partition(".")[0]
    head = locate_module(top)
    if head is None:
        return top in sys.stdlib_module_names
    return head.kind != "own" or locate_module(name) is not None


def submodules(package: str) -> list[str]:
    """The names of the modules in a package's folders, sorted."""
    place = locate_module(package)
    files = [path for folder in (place.folders if place else ()) for path in _listed(folder)]
    plain = {path.name.partition(".")[0] for path in files if path.name.endswith(tuple(SOURCE_SUFFIXES))}
    packages = {path.name for path in files if (path / "__init__.py").is_file()}
    return sorted(name for name in plain | packages if name.isidentifier() and name != "__init__")


def _listed(folder: Path) -> list[Path]:
    """The content of a folder; empty if it cannot be read."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _below(package: ModuleLocation, name: str) -> tuple[Path | None, tuple[Path, ...]]:
    """A module's file and folders in a package's folders: a package, a module, or a folder without ``__init__``."""
    for folder in package.folders:
        for suffix in (*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES):
            if _is_file(folder / name / f"__init__{suffix}"):
                return folder / name / f"__init__{suffix}", (folder / name,)
        for suffix in (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES):
            if _is_file(folder / f"{name}{suffix}"):
                return folder / f"{name}{suffix}", ()
    return None, tuple(folder / name for folder in package.folders if (folder / name).is_dir())


def _is_file(path: Path) -> bool:
    """Whether there is a file; names that no file can have are none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _on_the_path(name: str) -> tuple[Path | None, tuple[Path, ...]]:
    """The file and folders of a module that no package holds, as Python's finders say."""
    spec = _spec(name)
    if spec is None:
        return _of_loaded(name)
    origin = Path(spec.origin) if spec.has_location and spec.origin else None
    return origin, tuple(_folders(spec))


def _spec(name: str) -> ModuleSpec | None:
    """What Python's finders say of a name; one that fails (some hooks do) is skipped."""
    for finder in list(sys.meta_path):
        # A finder is anybody's code: KeyError, ValueError and ImportError were seen.
        with suppress(Exception):
            if (found := finder.find_spec(name, None, None)) is not None:
                return found
    return None


def _folders(spec: ModuleSpec) -> Iterator[Path]:
    """The folders of a package that a finder found."""
    try:
        yield from (Path(folder) for folder in spec.submodule_search_locations or ())
    except Exception:  # a namespace asks its parents, which may be gone
        return


def _of_loaded(name: str) -> tuple[Path | None, tuple[Path, ...]]:
    """The same for a module that was loaded by other means than a finder."""
    file = getattr(sys.modules.get(name), "__file__", None)
    return (Path(file), ()) if isinstance(file, str) and _is_file(Path(file)) else (None, ())


def _kind_of(name: str, path: Path) -> Kind | None:
    """Whose a file is; None for the standard library."""
    top = name.partition(".")[0]
    if top == OURS and not f"{name}.".startswith(f"{EXAMPLES}.") and path.is_relative_to(ROOT):
        return "ours"
    if INSTALLED & set(path.parts) or _is_below(path, _installed_roots()):
        return "installed" if has_library(top) else "own"
    return None if _is_below(path, _standard_roots()) else "own"


def _is_below(path: Path, roots: Iterable[Path]) -> bool:
    """Whether a path is inside one of the folders."""
    return any(path.is_relative_to(root) for root in roots)


@cache
def _installed_roots() -> tuple[Path, ...]:
    """Where packages are installed."""
    paths = sysconfig.get_paths()
    named = [paths["purelib"], paths["platlib"], *site.getsitepackages(), site.getusersitepackages()]
    return tuple({folder for one in named for folder in (Path(one), Path(one).resolve())})


@cache
def _standard_roots() -> tuple[Path, ...]:
    """Where the standard library is."""
    paths = sysconfig.get_paths()
    named = [Path(paths[one]) for one in ("stdlib", "platstdlib")]
    return tuple({*named, *(folder.resolve() for folder in named)})
