"""The IAM policies of deployments/iam, filled in, as Terraform does it: the same files, the same names."""

import json
import re
import sys
import warnings
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

FOLDER: Final = Path(__file__).parents[2] / "deployments" / "iam"
ACCOUNT: Final = "123456789012"
PLACES: Final = {
    "landing_bucket": "tiltyard-landing",
    "files_bucket": "tiltyard-files",
    "bucket": "tiltyard-landing",
    "account": ACCOUNT,
    "queue_arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:tiltyard-landing",
    "unusable_queue_arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:tiltyard-landing-unusable",
}


def names() -> list[str]:
    """Every policy of the folder."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def filled(text: str, places: Mapping[str, str] = PLACES) -> str:
    """A template with its ``${names}`` filled in; KeyError for one that nobody says."""
    return re.sub(r"\$\{(\w+)\}", lambda found: places[found[1]], text)


def policy(name: str, places: Mapping[str, str] = PLACES) -> dict[str, Any]:
    """A policy, filled in."""
    document: dict[str, Any] = json.loads(filled((FOLDER / f"{name}.json").read_text("utf-8"), places))
    return document


def findings(document: Mapping[str, Any]) -> list[str]:
    """What parliament says of a policy, by AWS's own list of actions and resources."""
    text = json.dumps(document)
    return [f"{one.issue}: {one.detail} {one.location}" for one in _parliament().analyze_policy_string(text).findings]


@cache
def _parliament() -> ModuleType:
    """The module, imported.

    It asks setuptools where its data lies, in a way that setuptools dropped; we tell it, and only it: a
    ``pkg_resources`` left behind makes pytest's own ``syspath_prepend`` fail in whatever test comes next.
    """
    told = ModuleType("pkg_resources")
    told.resource_filename = _data_of  # type: ignore[attr-defined]  # a module of our own making
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setitem(sys.modules, "pkg_resources", told)
        # It leaves the files that it reads open.
        warnings.simplefilter("ignore", ResourceWarning)
        return import_module("parliament")


def _data_of(package: str, name: str) -> str:
    """Where a file of an installed package lies."""
    found = find_spec(package)
    assert found is not None
    assert found.submodule_search_locations
    return str(Path(found.submodule_search_locations[0]) / name)
