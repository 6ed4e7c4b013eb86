"""The upper bounds of CONTRIBUTING.md for files, functions and folders. Nothing has to be short."""

import ast
import tomllib
from collections import Counter

from tests.architecture.sources import ROOT, Function, Source, product_sources, sources

FILE_LINES = 400
FUNCTION_LINES = 60
COMPLEXITY = 8
FOLDER_MODULES = 12
PARAMETERS = 6
NESTING = 3
BLOCKS = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def length(function: Function) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def parameters(function: Function) -> int:
    """Parameters that a caller gives: self and cls are not counted."""
    names = function.args
    given = [*names.posonlyargs, *names.args, *names.kwonlyargs]
    return sum(argument.arg not in {"self", "cls"} for argument in given)


def depth(node: ast.AST) -> int:
    """How deep blocks are nested; ``elif`` is no deeper than its ``if``."""
    deepest = 0
    for field, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        is_elif = field == "orelse" and len(children) == 1 and isinstance(children[0], ast.If)
        for child in children:
            if isinstance(child, ast.AST) and not isinstance(child, Function | ast.Lambda | ast.ClassDef):
                deepest = max(deepest, depth(child) - (is_elif and isinstance(node, ast.If)))
    return deepest + isinstance(node, BLOCKS)


def is_command(function: Function) -> bool:
    """Whether a function is a command of the command line: there a parameter is an option with its help."""
    return any("command" in ast.unparse(decorator) for decorator in function.decorator_list)


def all_functions() -> list[tuple[Source, Function]]:
    """Every function except those of migrations, which are released DDL and never edited."""
    written = [source for source in sources() if "/migrations/versions/" not in source.name]
    return [(source, function) for source in written for function in source.functions()]


def modules_per_folder() -> Counter[str]:
    """The modules in each folder of the product; ``__init__`` and released migrations do not count."""
    return Counter(
        source.path.parent.relative_to(ROOT).as_posix()
        for source in product_sources()
        if source.path.name != "__init__.py" and "/migrations/versions/" not in source.name
    )


def test_files_have_at_most_400_lines() -> None:
    found = [f"{one.name}: {lines}" for one in sources() if (lines := len(one.text.splitlines())) > FILE_LINES]
    assert found == []


def test_functions_have_at_most_60_lines() -> None:
    found = [f"{source.place(one)}: {length(one)}" for source, one in all_functions() if length(one) > FUNCTION_LINES]
    assert found == []


def test_folders_have_at_most_12_modules() -> None:
    found = modules_per_folder()
    assert {name: count for name, count in found.items() if count > FOLDER_MODULES} == {}


def test_ruff_bounds_the_complexity_of_functions() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    assert "C90" in lint["select"]
    assert lint["mccabe"]["max-complexity"] == COMPLEXITY


def test_functions_take_at_most_6_parameters() -> None:
    found = [
        f"{source.place(one)}: {parameters(one)}"
        for source, one in all_functions()
        if source.is_product and parameters(one) > PARAMETERS and not is_command(one)
    ]
    assert found == []


def test_blocks_are_nested_at_most_3_deep() -> None:
    found = [
        f"{source.place(one)}: {depth(one)}"
        for source, one in all_functions()
        if source.is_product and depth(one) > NESTING
    ]
    assert found == []
