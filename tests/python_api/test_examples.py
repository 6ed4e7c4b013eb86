"""The examples in the docstrings of the Python API run, and every public method has one.

pytest's own collection finds no example below a decorator, and each of these wants a project of its own.
"""

import doctest
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tiltyard
from tiltyard.project.model import FittedModel

OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
PLACES = (tiltyard.Project, FittedModel)


def documented() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function and method of the Python API by its name."""
    for place in PLACES:
        for name, member in vars(place).items():
            if inspect.isfunction(member) and not name.startswith("_"):
                yield f"{place.__name__}.{name}", member


EXAMPLES = {**dict(documented()), "open": tiltyard.open, "init": tiltyard.init}


def example_of(name: str) -> doctest.DocTest:
    text = inspect.getdoc(EXAMPLES[name]) or ""
    return doctest.DocTestParser().get_doctest(text, {}, name, name, 0)


def test_the_front_door_is_documented() -> None:
    assert {"Project.ingest", "Project.pool", "FittedModel.predict", "open"} <= set(EXAMPLES)
    assert [name for name in EXAMPLES if not example_of(name).examples] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run(name: str, project: "tiltyard.Project") -> None:
    test = example_of(name)
    test.globs = {"project": project, "tiltyard": tiltyard}
    printed: list[str] = []
    result = doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=printed.append)
    assert result.failed == 0, "".join(printed)
