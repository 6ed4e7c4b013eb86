"""The modules that a Python source imports, read from its text and never run."""

import ast
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import resolve_name
from typing import Final

STAR: Final = ".*"
"""How a name ends from which everything is imported."""
BY_CALL: Final = frozenset({"import_module", "__import__"})


@lru_cache(maxsize=1024)
def imported_names(source: bytes, name: str, is_package: bool) -> tuple[str, ...]:
    """The dotted names that a module's source imports, wherever in it the import stands; absolute, sorted.

    ``from a import b`` gives both ``a`` and ``a.b``, for ``b`` may be a module. Calls of ``import_module`` with a text
    count. A source that cannot be parsed imports nothing.

    >>> imported_names(b"import a.b; from .c import d; from e import *", "pack.mod", False)
    ('a.b', 'e.*', 'pack.c', 'pack.c.d')
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    package = name if is_package else name.rpartition(".")[0]
    return tuple(sorted({found for node in ast.walk(tree) for found in _of_node(node, package)}))


def _of_node(node: ast.AST, package: str) -> Iterator[str]:
    """What one statement or call imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from _of_from(node, package)
    elif isinstance(node, ast.Call) and _name_of(node.func) in BY_CALL and node.args:
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield from _absolute(first.value, package)


def _of_from(node: ast.ImportFrom, package: str) -> Iterator[str]:
    """What ``from x import y`` imports: ``x``, and ``x.y`` where that is a module."""
    for base in _absolute("." * node.level + (node.module or ""), package):
        for alias in node.names:
            yield from (base + STAR,) if alias.name == "*" else (base, f"{base}.{alias.name}")


def _absolute(name: str, package: str) -> Iterator[str]:
    """A name without leading dots; nothing where it leaves the package."""
    try:
        found = resolve_name(name, package or None)
    except ImportError:
        return
    if found:
        yield found


def _name_of(function: ast.expr) -> str:
    """The last name of what is called."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
