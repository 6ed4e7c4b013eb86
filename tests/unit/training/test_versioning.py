"""The version rule: what is major, minor and patch, each with its reason; and what two things differ in."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.projects.small_project import CONTENT
from tiltyard.schemas.project import parse_project
from tiltyard.schemas.records import LabeledSet, Model, ModelId, StoredFile, TrainingId
from tiltyard.training.versioning import ModelInputs, assign_versions, differences

NOW = datetime(2026, 1, 2, tzinfo=UTC)
FILE = StoredFile("f", "0" * 64, 1)
RECIPE = {"candidate": "logistic", "estimator": "LogisticRegression", "parameters": {"C": 1.0}}
Change = Callable[[dict[str, Any]], None]


def made(name: str, change: Change = lambda _: None, rows: int = 40, **model: Any) -> ModelInputs:
    """A model under the small project's file with one change; ``rows`` decides over its training set."""
    content = parse_project(CONTENT, "p.yaml").model_dump(mode="json")
    change(content)
    training = LabeledSet(f"set-{rows}", "training", 9, rows, {}, FILE, NOW)
    told = {"recipe": RECIPE, "code_version": "0.1+aa", "environment": {"numpy": "2.3"}} | model
    record = Model(
        ModelId(name), TrainingId(training.set_id), "h", told["recipe"], 7, told["code_version"],
        told["environment"], {}, None, "run", "1", FILE, "", NOW,
    )  # fmt: skip
    return ModelInputs(record, content, training)


def put(path: str, value: Any) -> Change:
    """A change that sets one key of the project file, by its path."""
    *way, last = path.split("/")

    def change(content: dict[str, Any]) -> None:
        for step in way:
            content = content[int(step) if isinstance(content, list) else step]
        content[last] = value

    return change


def gone(content: dict[str, Any]) -> None:
    del content["columns"]["features"]["y"]


def third_class(content: dict[str, Any]) -> None:
    content["classes"].append({"name": "maybe", "key": None, "description": ""})


COLUMN = "columns/features/x"
NUMBER = {"kind": "number", "min": None, "max": None}


@pytest.mark.parametrize(
    ("change", "number", "why"),
    [
        (put(f"{COLUMN}/min", -50.0), "2.0.0", "columns.features.x.min is -50.0, was -100.0"),
        (put(f"{COLUMN}/kind", "integer"), "2.0.0", "columns.features.x.kind is integer, was number"),
        (put("columns/features/age", NUMBER), "2.0.0", "columns.features.age is new"),
        (put("columns/features/description", NUMBER), "2.0.0", "columns.features.description is new"),
        (gone, "2.0.0", "columns.features.y is gone"),
        (put("columns/extra", "ignore"), "2.0.0", "columns.extra is ignore, was refuse"),
        (put("pandera", "rules:Batch"), "2.0.0", "pandera is rules:Batch, was None"),
        (third_class, "2.0.0", "classes.maybe is new"),
        (put("classes/0/name", "never"), "2.0.0", "classes.no is gone; classes.never is new"),
        (put("tuning/folds", 5), "1.1.0", "tuning.folds is 5, was 2"),
        (put("candidates/0/parameters", {"C": 3}), "1.1.0", "candidates.logistic.parameters.C is new"),
        (put("gate/metric", "macro_f1"), "1.1.0", "gate.metric is macro_f1, was accuracy"),
        (put("costs", {"yes": {"no": 5.0}}), "1.1.0", "costs.yes is new"),
        (put("seed", 8), "1.1.0", "seed is 8, was 7"),
        (put("effective_label", "latest"), "1.1.0", "effective_label is latest, was majority"),
        (put(f"{COLUMN}/description", "how far"), "1.0.1", "columns.features.x.description is how far"),
        (put("gate/confidence", 0.9), "1.0.1", "gate.confidence is 0.9, was 0.95"),
        (put("query/budget", 99), "1.0.1", "query.budget is 99, was 24"),
        (put("classes/0/key", "z"), "1.0.1", "classes.no.key is z, was n"),
    ],
)
def test_a_change_of_the_project_file_is_a_step(change: Change, number: str, why: str) -> None:
    found = assign_versions([made("a"), made("b", change)])[ModelId("b")]
    assert (found.number, found.step) == (
        number,
        {"2": "major"}.get(number[0], "patch" if number[2] == "0" else "minor"),
    )
    assert why in found.why


@pytest.mark.parametrize(
    ("second", "number", "why"),
    [
        (made("b", rows=60), "1.0.1", "other labels: 60 instead of 40"),
        (made("b", code_version="0.2+bb"), "1.1.0", "code is 0.2+bb, was 0.1+aa"),
        (made("b", environment={"numpy": "2.4"}), "1.1.0", "environment.numpy is 2.4, was 2.3"),
        (made("b", recipe=RECIPE | {"parameters": {"C": 9.0}}), "1.1.0", "chosen.parameters.C is 9.0, was 1.0"),
        (made("b", recipe=RECIPE | {"threshold": 0.3}), "1.0.1", "the same 40 labels"),
        (made("b", put("seed", 1), rows=60), "1.1.0", "another recipe: seed is 1, was 7"),
    ],
)
def test_what_changed_beside_the_project_file_is_a_step(second: ModelInputs, number: str, why: str) -> None:
    found = assign_versions([made("a"), second])[ModelId("b")]
    assert found.number == number
    assert why in found.why


def test_steps_follow_each_other() -> None:
    story = [
        made("a"),
        made("b", rows=60),
        made("c", put("seed", 1), rows=60),
        made("d", put("seed", 1), rows=80),
        made("e", third_class, rows=80),
    ]
    versions = assign_versions(story)
    assert [one.number for one in versions.values()] == ["1.0.0", "1.0.1", "1.1.0", "1.1.1", "2.0.0"]
    assert [one.step for one in versions.values()] == ["first", "patch", "minor", "patch", "major"]
    assert versions[ModelId("a")].why == "the first model, from 40 labels"


def test_many_differences_are_counted() -> None:
    everything = {name: put(f"tuning/{name}", value) for name, value in
                  {"folds": 9, "trials": 3, "workers": 2, "start": "warm"}.items()}  # fmt: skip

    def change(content: dict[str, Any]) -> None:
        for one in everything.values():
            one(content)

    assert assign_versions([made("a"), made("b", change)])[ModelId("b")].why.endswith(" and 1 more")


SMALL = st.recursive(
    st.integers(0, 3) | st.sampled_from("xy"),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


@given(SMALL, SMALL)
def test_differences_are_none_only_between_equals_and_the_same_both_ways(one: Any, other: Any) -> None:
    there, back = differences(one, other), differences(other, one)
    assert (there == []) == (one == other)
    assert {(found.item, str(found.before), str(found.after)) for found in there} == {
        (found.item, str(found.after), str(found.before)) for found in back
    }


def test_the_order_of_named_things_is_no_difference() -> None:
    named = [{"name": "a", "key": "1"}, {"name": "b", "key": "2"}]
    assert differences({"classes": named}, {"classes": named[::-1]}) == []
    assert [str(one) for one in differences({"classes": named}, {"classes": named[:1]})] == ["classes.b is gone"]
