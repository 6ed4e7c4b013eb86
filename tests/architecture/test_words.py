"""One word per thing, and none that says nothing."""

import ast
import re
from collections import Counter

from tests.architecture.plain_english import narrative, plain_files
from tests.architecture.sources import Source, product_sources, sources, texts

EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "base", "misc", "common", "core"}
EMPTY_PARTS = re.compile(r"^Abstract|(Manager|Helper|Util|Utils|Factory|Impl|Mixin)$")

SYNONYMS = {
    r"\bdata ?points?\b": "sample",
    r"\blabell?ers?\b": "annotator",
    r"\braters?\b": "annotator",
    r"\bincumbents?\b": "champion",
    r"\bcontenders?\b": "challenger",
    r"\bhold-?out( set)?\b": "evaluation set",
    r"\bqueue items?\b": "assignment",
}
HERE = "tests/architecture/"
MACHINE = re.compile(r"(?<![\w.}])/(work|root|home|Users|opt|mnt)/\w")
PLEADED = re.compile(r"#\s*(?:noqa(?::\s*[A-Z0-9, ]+)?|type:\s*ignore(?:\[[\w\-, ]+\])?)(?P<rest>.*)$")
BARE = re.compile(r"#\s*(?:noqa(?!:)|type:\s*ignore(?!\[))")


def test_no_module_has_an_empty_name() -> None:
    assert [one.name for one in sources() if one.path.stem in EMPTY_NAMES or one.path.parent.name in EMPTY_NAMES] == []


def test_no_class_has_an_empty_name() -> None:
    assert [source.place(one) for source, one in _classes() if EMPTY_PARTS.search(one.name)] == []


def test_no_class_tree_has_one_child() -> None:
    """A class that exists to be the parent of a single other is two names for one thing."""
    own = {one.name for _, one in _classes()}
    children = Counter(ast.unparse(parent) for _, one in _classes() for parent in one.bases)
    called = {ast.unparse(node.func) for source in product_sources() for node in ast.walk(source.tree)
              if isinstance(node, ast.Call)}  # fmt: skip
    assert sorted(name for name in own if children[name] == 1 and name not in called) == []


def test_one_word_per_thing() -> None:
    found = [
        f"{name}: {match.group()!r}, say {word!r}"
        for name, text in texts()
        if not name.startswith((HERE, "benchmarks/"))
        for pattern, word in SYNONYMS.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]
    assert found == []


def test_prose_is_plain_english() -> None:
    """No narrative word where a search term would do; the folders that are held to it are listed, and grow."""
    assert [found for path in plain_files() for found in narrative(path)] == []


def test_no_path_of_a_machine() -> None:
    found = [
        f"{name}: {match.group()}" for name, text in texts() if not name.startswith(HERE)
        for match in MACHINE.finditer(text)
    ]  # fmt: skip
    assert found == []


def test_every_exception_to_a_check_gives_its_reason() -> None:
    found = [
        f"{source.name}:{number}"
        for source in sources()
        if not source.name.startswith(HERE)
        for number, line in enumerate(source.text.splitlines(), start=1)
        if BARE.search(line) or any(not _is_reason(match["rest"]) for match in PLEADED.finditer(line))
    ]
    assert found == []


def _is_reason(rest: str) -> bool:
    """Whether what follows an exception says something."""
    return re.search(r"[A-Za-z]{4,}", rest) is not None


def test_every_public_function_says_what_the_caller_gets() -> None:
    found = [source.place(one) for source in product_sources() for one in _public(source) if not _docstring(one)]
    assert found == []


def _public(source: Source) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """The functions, methods and classes of a file whose names do not begin with an underscore."""
    if "/migrations/" in source.name:
        return []
    bodies = [source.tree.body, *(node.body for node in source.tree.body if isinstance(node, ast.ClassDef))]
    return [
        node
        for body in bodies
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and "overload" not in map(ast.unparse, node.decorator_list)
    ]


def _docstring(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str | None:
    return ast.get_docstring(node)


def test_no_code_is_commented_out() -> None:
    found = [
        f"{source.name}:{number}"
        for source in product_sources()
        for number, line in enumerate(source.text.splitlines(), start=1)
        if re.match(r"\s*#\s*(def |return |import |from \w+ import|if .*:$|for .*:$|\w+ = .*\)$)", line)
    ]
    assert found == []


def _classes() -> list[tuple[Source, ast.ClassDef]]:
    """Every class of the product, with its file."""
    return [
        (source, node) for source in product_sources() for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
    ]  # fmt: skip
