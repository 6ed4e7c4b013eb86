"""What the crash tests share, made once for all workers of a run: a fresh project, and its undisturbed story."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.crash.telling import make_fresh, tell_undisturbed
from tests.templates import made_once


@pytest.fixture(scope="session")
def fresh_project() -> Path:
    """A project without an object, its databases made; tests copy it."""
    return made_once("fresh-project", make_fresh) / "project"


@pytest.fixture(scope="session")
def undisturbed(fresh_project: Path, root: Path) -> Any:
    """The story that nothing disturbed: its ``end``, and how many durable ``steps`` of each kind it took."""
    make = partial(tell_undisturbed, template=fresh_project, root=root)
    return json.loads((made_once("undisturbed", make) / "undisturbed.json").read_text("utf-8"))
