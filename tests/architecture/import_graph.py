"""The graph of imports among the product's own modules, lazy imports and those for type checkers included."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from tests.architecture.sources import ROOT, product_sources

Graph = Mapping[str, set[str]]
SCRIPT_IMPORT = re.compile(r"^(?:import|export)\b[^;]*?from \"\./([\w./-]+\.js)\"", re.MULTILINE | re.DOTALL)


def modules() -> Graph:
    """Each module by its dotted name with the modules that it imports."""
    trees = {dotted(source.path): source.tree for source in product_sources()}
    return {name: {one for one in _named(tree, trees) if one != name} for name, tree in trees.items()}


def scripts() -> Graph:
    """Each script of the labeling pages with the scripts that it imports."""
    found = sorted((ROOT / "apps" / "labeling").rglob("*.js"))
    return {path.name: set(SCRIPT_IMPORT.findall(path.read_text("utf-8"))) for path in found}


def circles(graph: Graph) -> list[list[str]]:
    """The groups of nodes that can all be reached from each other, each sorted; none in a graph without circles."""
    names = sorted(graph)
    place = {name: index for index, name in enumerate(names)}
    edges = [(place[name], place[other]) for name in names for other in graph[name] if other in place]
    rows, columns = zip(*edges, strict=True) if edges else ((), ())
    matrix = csr_matrix(([1] * len(edges), (rows, columns)), shape=(len(names), len(names)))
    _, group = connected_components(matrix, connection="strong")
    members: dict[int, list[str]] = {}
    for name, number in zip(names, group, strict=True):
        members.setdefault(int(number), []).append(name)
    return sorted(found for found in members.values() if len(found) > 1)


def dotted(path: Path) -> str:
    """A file's name as imports write it."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return name if name.split(".")[0] == "tiltyard" else f"tiltyard.{name}"


def _named(tree: ast.Module, known: Mapping[str, ast.Module]) -> Iterator[str]:
    """The known modules that a file imports anywhere in it: what is imported from a package may be a module itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in inner if {name, node.module} & known.keys())
