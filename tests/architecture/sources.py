"""The project's own files as the architecture tests look at them: found once, parsed once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("schemas", "tiltyard", "tasks", "flows", "apps", "examples")
PYTHON = (*PACKAGES, "benchmarks", "docs", "tests")
PROSE = ("docs", "deployments", ".ci")
LOOSE = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "mkdocs.yml", "prefect.yaml", "pyproject.toml")
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".css", ".svg", ".html", ".js", ".json", ".mako", ""}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path from the root, as people say it."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """Its content."""
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text, self.name)

    @property
    def is_product(self) -> bool:
        """Whether it is installed; tests and benchmarks are not."""
        return self.name.split("/")[0] in PACKAGES

    def functions(self) -> Iterator[Function]:
        """Every function and method, inner ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def place(self, node: ast.stmt | ast.expr) -> str:
        """Where a piece of code is, as an editor opens it."""
        return f"{self.name}:{node.lineno} {getattr(node, 'name', '')}"


@lru_cache(maxsize=1)
def sources() -> tuple[Source, ...]:
    """Every Python file of the project, sorted by name."""
    found = (path for folder in PYTHON for path in (ROOT / folder).rglob("*.py"))
    return tuple(sorted((Source(path) for path in found), key=lambda source: source.name))


def product_sources() -> list[Source]:
    """The Python files that are installed."""
    return [source for source in sources() if source.is_product]


def texts() -> Iterator[tuple[str, str]]:
    """Name and content of every file that people read: code, documents, configuration."""
    for folder in (*PYTHON, *PROSE):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in TEXT and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
    for name in LOOSE:
        if (ROOT / name).is_file():
            yield name, (ROOT / name).read_text("utf-8")


def pages() -> list[Path]:
    """The Markdown pages that a reader meets, README first."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
