"""The user's own code that a project reaches: modules by any kind of import, nothing that is installed, no crash."""

import importlib
import sys
import textwrap
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiltyard.schemas.project import Project
from tiltyard.stores.user_code.imported_names import imported_names
from tiltyard.stores.user_code.own_code import code_behind, missing_modules, own_code, refresh

BASE = {"name": "p", "classes": ["a", "b"], "columns": {"features": {"x": {"kind": "number"}}}}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on Python's path; what is loaded from it is gone afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("own_"):
            del sys.modules[name]


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    importlib.invalidate_caches()


@pytest.mark.parametrize(
    ("files", "reached"),
    [
        ({"own_a.py": "import json, numpy, sklearn.svm"}, {"own_a"}),
        ({"own_a.py": "import own_b", "own_b.py": "import own_c", "own_c.py": ""}, {"own_a", "own_b", "own_c"}),
        ({"own_a.py": "import own_b", "own_b.py": "import own_a"}, {"own_a", "own_b"}),
        ({"own_a.py": "def f():\n    from own_b import g", "own_b.py": ""}, {"own_a", "own_b"}),
        (
            {"own_a.py": "try:\n    import own_b\nexcept ImportError:\n    pass", "own_b.py": ""},
            {"own_a", "own_b"},
        ),
        ({"own_a.py": "import importlib; importlib.import_module('own_b')", "own_b.py": ""}, {"own_a", "own_b"}),
        ({"own_a.py": "__import__('own_b')", "own_b.py": ""}, {"own_a", "own_b"}),
        (
            {
                "own_a/__init__.py": "from .inner import x",
                "own_a/inner.py": "from . import other",
                "own_a/other.py": "",
            },
            {"own_a", "own_a.inner", "own_a.other"},
        ),
        ({"own_a.py": "import own_n.deep.mod", "own_n/deep/mod.py": ""}, {"own_a", "own_n.deep.mod"}),
        ({"own_a.py": "from own_n import mod", "own_n/mod.py": "", "own_n/rest.py": ""}, {"own_a", "own_n.mod"}),
        (
            {"own_a.py": "from own_p import *", "own_p/__init__.py": "__all__ = ['m']", "own_p/m.py": ""},
            {"own_a", "own_p", "own_p.m"},
        ),
        ({"own_a.py": "import own_b", "own_b.pyi": "x: int"}, {"own_a"}),
        ({"own_a.py": "this is no Python("}, {"own_a"}),
        ({"own_a.py": "import own_b\x00"}, {"own_a"}),
        ({"own_a.py": "from .... import x\nfrom . import y\nimport own_gone.x"}, {"own_a"}),
        ({}, set()),
    ],
)
def test_what_a_module_reaches(place: Path, files: dict[str, str], reached: set[str]) -> None:
    write(place, files)
    loaded = set(sys.modules)
    assert set(code_behind(["own_a.Model"]).modules) == reached
    assert set(code_behind(["own_a:metric"]).modules) == reached
    assert not any(name.startswith("own_") for name in set(sys.modules) - loaded)  # read, not run


NAMES = [f"own_{letter}" for letter in "abcdef"]
IMPORTS = [
    "import {}",
    "from {} import x",
    "import {} as z",
    "def f():\n    import {}",
    "from {} import *",
    "if 1:\n import {}",
]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(IMPORTS)), min_size=1, max_size=12
    ),
    st.sampled_from(NAMES),
)
def test_a_change_is_seen_exactly_where_it_is_reached(
    place: Path, edges: list[tuple[str, str, str]], edited: str
) -> None:
    texts = {name: "" for name in NAMES}
    for importer, imported, form in edges:
        texts[importer] += form.format(imported) + "\n"
    write(place, {f"{name}.py": text for name, text in texts.items()})
    before = code_behind(["own_a.Model"])
    assert set(before.modules) == _reachable("own_a", edges)
    write(place, {f"{edited}.py": texts[edited] + "# other\n"})
    assert (code_behind(["own_a.Model"]) != before) == (edited in before.modules)


def _reachable(name: str, edges: list[tuple[str, str, str]]) -> set[str]:
    found, waiting = {name}, [name]
    while waiting:
        one = waiting.pop()
        fresh = {imported for importer, imported, _ in edges if importer == one} - found
        found |= fresh
        waiting += fresh
    return found


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.booleans())
def test_any_text_is_read_without_an_exception(text: str, is_package: bool) -> None:
    imported_names(text.encode("utf-8", "replace"), "own_a.b", is_package)
    code_behind([text, f"{text}:x", f"own_gone.{text}"])


class OddFinder:
    """A finder as some environments have one."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def find_spec(self, _name: str, _path: Any, _target: Any = None) -> ModuleSpec | None:
        raise self.error


@pytest.mark.parametrize("error", [KeyError("setuptools"), ValueError("__spec__ is None"), ImportError(), OSError()])
def test_an_odd_finder_hides_nothing(place: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    write(place, {"own_a.py": "import own_b", "own_b.py": ""})
    monkeypatch.setattr(sys, "meta_path", [OddFinder(error), *sys.meta_path])
    assert set(code_behind(["own_a.X"]).modules) == {"own_a", "own_b"}


def test_libraries_count_with_what_they_need_and_the_usual_ones_are_left_out(place: Path) -> None:
    write(place, {"own_a.py": "import pydantic, numpy, pandas, json"})
    libraries = code_behind(["own_a.X"]).libraries
    assert {"pydantic", "pydantic-core"} <= set(libraries)
    assert not {"numpy", "pandas"} & set(libraries)
    assert code_behind(["sklearn.linear_model.LogisticRegression"]).written() == {}


def test_what_a_project_names(place: Path) -> None:
    write(place, {f"own_{name}.py": f"# {name}" for name in ("model", "inner", "metric", "rows", "other")})
    inner = {"estimator": "own_inner.Step"}
    project = Project.model_validate(
        {
            **BASE,
            "candidates": [{"name": "own", "estimator": "own_model.Model", "parameters": {"base": inner}}],
            "gate": {"metric": "own_metric:value"},
            "pandera": "own_rows:Rows",
        }
    )
    assert set(own_code(project).modules) == {"own_model", "own_inner", "own_metric", "own_rows"}
    assert own_code(Project.model_validate(BASE)).written() == {}


def test_line_ends_are_no_change(place: Path) -> None:
    write(place, {"own_a.py": "x = 1\ny = 2\n"})
    before = code_behind(["own_a.X"])
    (place / "own_a.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    assert code_behind(["own_a.X"]) == before


def test_a_changed_module_is_imported_anew_with_what_imports_it(place: Path) -> None:
    write(
        place,
        {"own_a.py": "from own_pack.part import VALUE", "own_pack/__init__.py": "", "own_pack/part.py": "VALUE = 1"},
    )
    project = Project.model_validate({**BASE, "gate": {"metric": "own_a:metric"}})
    refresh(project)
    assert importlib.import_module("own_a").VALUE == 1
    kept = sys.modules["own_a"]
    refresh(project)
    assert sys.modules["own_a"] is kept  # nothing changed
    write(place, {"own_pack/part.py": "VALUE = 2"})  # within one second, and as many bytes
    refresh(project)
    assert importlib.import_module("own_a").VALUE == 2


def test_modules_that_are_not_found_are_named(place: Path) -> None:
    write(place, {"own_a.py": ""})
    assert missing_modules(["own_a.X", "own_gone.X", "own_lost.part:metric", "json.x", "sklearn.svm.SVC"]) == [
        "own_gone",
        "own_lost.part",
    ]
