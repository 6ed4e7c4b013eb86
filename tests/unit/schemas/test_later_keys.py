"""A project file means what it meant: a key that came later changes no hash where it is not used."""

from typing import Any

import pytest

from tiltyard.schemas.project import Project
from tiltyard.schemas.project.later_keys import LATER

FEATURES = {
    "x": {"kind": "number", "min": 0},
    "words": {"kind": "text"},
    "c": {"kind": "category", "allowed": ["u", "v"]},
}
PLAIN = {"name": "p", "classes": ["a", "b"], "columns": {"features": {"x": {"kind": "number"}}}}
FULL = {
    "name": "full",
    "classes": [{"name": "no", "key": "n"}, {"name": "yes", "key": "y"}],
    "columns": {
        "id": "key",
        "features": FEATURES,
        "context": {"i": {"kind": "integer"}},
        "label": "answer",
        "entity": "i",
    },
    "source": {"format": "csv", "csv": {"delimiter": ";"}},
    "candidates": [{"name": "lin", "estimator": "sklearn.linear_model.LogisticRegression", "grid": {"C": [1, 2]}}],
    "gate": {"metric": "roc_auc"},
    "costs": {"yes": {"no": 5}},
    "seed": 3,
}
USED = [
    {"models": {"keep_rejected": 3}},
    {"retired": ["c"]},
    {"trusted": ["shop.models"]},
    {"classes": [{"name": "a", "aliases": ["A1"]}, "b"]},
    {"limits": {"max_line_bytes": 1_000_000}},
]


@pytest.mark.parametrize(
    ("content", "project_hash", "contract_hash"),
    [
        (
            PLAIN,
            "0b77f84eaff05a316921027584e0917fe64314fcf33b860d79888f594262ea62",
            "ef2cbf4e544dc51a3a4c30450bc54e43a33007d5ba7ae45e5075415e07d46515",
        ),
        (
            FULL,
            "813eb84d3388813171cdbe577d6df33a8ff42d1ac435777953d20473d48be24b",
            "c95f2bc6dae5e4ea69c057d191b9cc5f17264529bd713fe9f78f72305fc6c002",
        ),
    ],
)
def test_a_file_of_the_first_release_keeps_its_hashes(
    content: dict[str, Any], project_hash: str, contract_hash: str
) -> None:
    """Should this fail after a key was added: name the key in ``tiltyard.schemas.project.later_keys``,
    never change what stands here.

    The contract of a project whose labels arrive with the rows changed once, when its classes became part of it: rows
    of a class that was unknown are looked at again once it is known. Models do not depend on it.
    """
    project = Project.model_validate(content)
    assert (project.project_hash, project.contract_hash) == (project_hash, contract_hash)


@pytest.mark.parametrize("used", USED)
def test_a_later_key_that_is_used_counts(used: dict[str, Any]) -> None:
    plain, other = Project.model_validate(PLAIN), Project.model_validate({**PLAIN, **used})
    assert plain.project_hash != other.project_hash


def test_each_later_key_is_there_with_what_it_says_when_it_is_not_written() -> None:
    body = Project.model_validate(FULL).model_dump(mode="json")
    for place, default in LATER.items():
        node: Any = body
        for step in place.split("."):
            node = (next(iter(node.values())) if isinstance(node, dict) else node[0]) if step == "*" else node[step]
        assert node == default, place
