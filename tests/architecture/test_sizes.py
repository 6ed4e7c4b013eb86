"""Sizes: code reads like a page. The limits are those of CONTRIBUTING.md."""

import ast
from statistics import median, quantiles

from tests.architecture.sources import Function, Source, product_sources, sources

FILE_LINES = 400
FUNCTION_LINES = 60
MEDIAN_LINES = 8
P90_LINES = 30
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
    """How deep blocks stand in each other; ``elif`` is no deeper than its ``if``."""
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


def too_long() -> list[str]:
    return [f"{one.name}: {lines}" for one in sources() if (lines := len(one.text.splitlines())) > FILE_LINES]


def all_functions() -> list[tuple[Source, Function]]:
    """Every function but those of migrations: these are DDL that was released and is never edited."""
    written = [source for source in sources() if "/migrations/versions/" not in source.name]
    return [(source, function) for source in written for function in source.functions()]


def test_files_are_short() -> None:
    assert too_long() == []


def test_functions_are_short() -> None:
    found = [f"{source.place(one)}: {length(one)}" for source, one in all_functions() if length(one) > FUNCTION_LINES]
    assert found == []


def test_most_functions_are_a_few_lines() -> None:
    lengths = [length(one) for source in product_sources() for one in source.functions()]
    assert median(lengths) <= MEDIAN_LINES
    assert quantiles(lengths, n=10)[-1] <= P90_LINES


def test_functions_take_few_parameters() -> None:
    found = [
        f"{source.place(one)}: {parameters(one)}"
        for source, one in all_functions()
        if source.is_product and parameters(one) > PARAMETERS and not is_command(one)
    ]
    assert found == []


def test_blocks_are_not_nested_deeply() -> None:
    found = [
        f"{source.place(one)}: {depth(one)}"
        for source, one in all_functions()
        if source.is_product and depth(one) > NESTING
    ]
    assert found == []
