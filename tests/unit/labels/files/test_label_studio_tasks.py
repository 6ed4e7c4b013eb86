"""What Label Studio is shown, and what its annotations mean: each once, in whatever portions they are pulled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.projects.small_project import CONTENT
from tiltyard.labels.annotations import annotation_id
from tiltyard.labels.effective_labels import effective_labels
from tiltyard.labels.files.label_studio_annotations import (
    LocalState,
    PulledAnnotations,
    parse_task_annotations,
    parse_user_mapping,
)
from tiltyard.labels.files.label_studio_tasks import (
    build_prediction,
    build_task,
    labeling_config,
    new_project_fields,
    project_marker,
)
from tiltyard.schemas.errors import LabelStudioError
from tiltyard.schemas.project import Project, parse_project
from tiltyard.schemas.project.class_names import first_same, misfit
from tiltyard.schemas.records import (
    Annotation,
    Assignment,
    AssignmentId,
    NewAnnotation,
    Purpose,
    QueryId,
    SampleId,
    Suggestion,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAMPLES = 3


def project_with(**changes: object) -> Project:
    return parse_project({**CONTENT, **changes}, "project.yaml")


def assignment(number: int = 0, purpose: Purpose = "query", **changes: Any) -> Assignment:
    """An open assignment with something that the champion says."""
    payload = {"x": 1.5, "y": None, "colour": "red", "row_id": "secret"}
    known = Assignment(
        AssignmentId(f"a{number}"), QueryId("q"), SampleId(f"{number:032x}"), 0, purpose, "margin", 0.1, None, None,
        payload, 1.0, Suggestion("yes", 0.75, {"yes": 0.75, "no": 0.25}),
    )  # fmt: skip
    return replace(known, **changes)


MARKS = st.characters(exclude_categories=["Cc", "Cf", "Cs", "Cn", "Zl", "Zp"])
NAMES = st.text(MARKS, min_size=1).filter(lambda name: not misfit(name))
"""Whatever a class may be called."""


@given(st.lists(NAMES, min_size=2, max_size=20, unique_by=lambda name: name.strip().casefold()), st.text(max_size=3))
def test_any_class_name_is_one_choice(names: list[str], description: str) -> None:
    assume(first_same(names) is None)
    described = description if description.isprintable() else ""
    classes = [{"name": name, "description": described} for name in names]
    view = fromstring(labeling_config(project_with(classes=classes)))
    assert [one.get("value") for one in view.findall("./Choices/Choice")] == names
    assert (view.find("Filter") is not None) == (len(names) > 12)


def test_the_page_has_texts_a_table_and_keys() -> None:
    columns = {
        "id": "case",
        "features": {"report": {"kind": "text"}, "age": {"kind": "integer", "unit": "years"}},
        "context": {"ward": {"kind": "category"}, "letter": {"kind": "text"}},
        "reference": ["name"],
    }
    project = project_with(columns=columns, display={"kind": "text", "columns": ["letter", "age"]})
    view = fromstring(labeling_config(project))
    assert [(one.get("value"), one.get("valueType")) for one in view.findall("Text")] == [
        ("$text_0", "text"),
        ("$text_1", "text"),
    ]
    assert [one.get("value") for one in view.findall("Header")] == ["letter", "report"]
    assert [one.get("hotkey") for one in view.findall("./Choices/Choice")] == ["n", "y"]
    payload = {"case": "7", "report": "=1+1", "age": 40, "ward": None, "letter": "Dear", "name": "Jo"}
    data = build_task(assignment(payload=payload), project)["data"]
    assert data == {
        "assignment_id": "a0",
        "sample_id": "0" * 32,
        "text_0": "Dear",
        "text_1": "=1+1",
        "row": {"age": "40 years", "case": "7", "ward": "(missing)"},
    }


@pytest.mark.parametrize("purpose", ["query", "random", "evaluation", "gold"])
def test_a_suggestion_goes_only_with_what_measures_nothing(purpose: Purpose) -> None:
    asked = assignment(purpose=purpose)
    assert (build_prediction(asked) is not None) == (purpose == "query")
    assert build_prediction(replace(asked, suggestion=None)) is None
    blind, led = build_task(asked, project_with()), build_task(asked, project_with(), with_suggestion=True)
    assert "predictions" not in blind
    assert ("predictions" in led) == (purpose == "query")
    assert "secret" not in str(blind)
    assert purpose not in str(blind)


def test_a_project_is_found_by_the_whole_name() -> None:
    long = "a" * 63
    fields = new_project_fields(project_with(name=long))
    assert project_marker(long) in fields["description"]
    assert project_marker(long[:-1]) not in fields["description"]
    assert 3 <= len(fields["title"]) <= 50
    assert fields["show_collab_predictions"] is False


@pytest.mark.parametrize("wrong", ["ada", "=ada", "ada@example.test=", "a=b,c"])
def test_a_mapping_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(LabelStudioError, match="write EMAIL=ANNOTATOR"):
        parse_user_mapping(wrong)


def body(number: int, minute: int, choices: Any, who: Any = 1, **more: Any) -> dict[str, Any]:
    """An annotation as Label Studio gives it."""
    said_at = (NOON + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")
    part = {"from_name": "label", "to_name": "sample", "type": "choices", "value": {"choices": choices}}
    return {"id": number, "updated_at": said_at, "completed_by": who, "result": [part], **more}


def task(number: int, *bodies: dict[str, Any]) -> dict[str, Any]:
    """A task as Label Studio gives it."""
    return {
        "id": number,
        "data": {"assignment_id": f"a{number}", "sample_id": f"{number:032x}"},
        "annotations": list(bodies),
        "predictions": [],
    }


def take(tasks: list[dict[str, Any]], stored: list[Annotation]) -> PulledAnnotations:
    """What is taken, given what is stored."""
    assignments = {f"a{number}": assignment(number) for number in range(SAMPLES)}
    return parse_task_annotations(tasks, LocalState(project_with(), assignments, {1: "ada", 2: "bea"}, stored))


def kept(new: list[NewAnnotation], stored: list[Annotation]) -> list[Annotation]:
    """The annotations as the ledger would keep them, after what it has."""
    more = [
        Annotation(
            **{name: getattr(one, name) for name in NewAnnotation.__dataclass_fields__},
            seq=len(stored) + place, annotation_id=annotation_id(one.client_key), purpose="query", strategy="margin",
            score=None, probability=None, model_id=None, payload_hash="", contract_hash="", late=False,
            recorded_at=NOON,
        )
        for place, one in enumerate(new)
    ]  # fmt: skip
    return [*stored, *more]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"result": []}, "no classes are chosen where one is wanted, got []"),
        ({"result": None}, "no classes are chosen where one is wanted, got None"),
        ({"result": [{"x": 1}]}, "no classes are chosen where one is wanted, got [{'x': 1}]"),
        ({"result": ["yes"]}, "no classes are chosen where one is wanted, got ['yes']"),
        ({"result": [{"from_name": "label", "value": {"choices": "yes"}}]}, "no classes are chosen"),
        ({"result": [{"from_name": "label", "value": {"choices": ["yes", "no"]}}]}, "2 classes are chosen"),
        ({"result": [{"from_name": "other", "value": {"choices": ["yes"]}}]}, "no classes are chosen"),
        ({"result": [{"from_name": "label", "value": {"choices": ["NOT"]}}]}, "'NOT' is not a class; known: no, yes"),
        ({"result": [{"from_name": "label", "value": {"choices": [None]}}]}, "'None' is not a class"),
        ({"updated_at": "yesterday"}, "'yesterday' is not a time"),
        ({"updated_at": "2026-03-01T12:00:00"}, "said_at needs a time zone"),
    ],
)
def test_what_is_no_label_is_refused_by_name(change: dict[str, Any], why: str) -> None:
    taken = take([task(0, {**body(5, 0, ["yes"], who=2), **change})], [])
    assert taken.annotations == []
    (refused,) = taken.refused
    assert (refused.task, refused.annotation, refused.annotator) == (0, 5, "bea")
    assert refused.why.startswith(why)


@pytest.mark.parametrize(
    ("who", "annotator"),
    [(1, "ada"), ({"id": 2, "email": "x"}, "bea"), (9, "label-studio:user 9"), (None, "label-studio:user None")],
)
def test_whoever_said_it_has_a_name(who: Any, annotator: str) -> None:
    (new,) = take([task(0, body(1, 0, ["yes"], who=who))], []).annotations
    assert new.annotator == annotator


def test_an_answer_that_turns_up_late_takes_nobodys_place() -> None:
    """A submit that failed and was stored may be found after a newer answer of the same person."""
    stored = kept(take([task(0, body(2, 10, ["no"]))], []).annotations, [])
    taken = take([task(0, body(2, 10, ["no"]), body(1, 5, ["yes"]))], stored)
    assert [(one.label, one.supersedes) for one in taken.annotations] == [("yes", None)]
    assert [one.label for one in effective_labels(kept(taken.annotations, stored))] == ["no"]


VERSIONS = st.lists(
    st.tuples(
        st.integers(0, SAMPLES - 1),
        st.integers(1, 4),
        st.sampled_from(["yes", "no", "NOT_A_LABEL"]),
        st.sampled_from([1, 2]),
        st.booleans(),
    ),
    max_size=12,
)


@given(VERSIONS)
def test_the_last_word_there_is_the_label_here_however_it_is_pulled(
    versions: list[tuple[int, int, str, int, bool]],
) -> None:
    """A history of answers and changes, pulled now and then: never twice, and each person's last answer counts."""
    there: dict[int, tuple[int, dict[str, Any]]] = {}
    stored: list[Annotation] = []
    last_words: dict[SampleId, tuple[str, str]] = {}
    for minute, (sample, slot, label, who, is_pulled) in enumerate([*versions, (0, 1, "yes", 1, True)]):
        number = sample * 10 + slot
        there[number] = sample, body(number, minute, [label], who=who)
        if is_pulled:
            stored = kept(take(_tasks(there), stored).annotations, stored)
            last_words = _last_words(there, last_words)
    again = take(_tasks(there), stored)
    assert (again.annotations, len(again.refused) + again.known) == ([], len(there))
    assert len({one.client_key for one in stored}) == len(stored)
    labels = {one.sample_id: one.label for one in effective_labels(stored, "latest")}
    assert labels == {sample: label for sample, (_, label) in last_words.items()}


def _tasks(there: dict[int, tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The state of Label Studio as tasks."""
    bodies = {sample: [own for place, own in there.values() if place == sample] for sample in range(SAMPLES)}
    return [task(sample, *bodies[sample]) for sample in range(SAMPLES)]


def _last_words(
    there: dict[int, tuple[int, dict[str, Any]]], before: dict[SampleId, tuple[str, str]]
) -> dict[SampleId, tuple[str, str]]:
    """When and what was said last of each sample, of all that a pull ever saw and that is a class."""
    words = dict(before)
    for sample, own in there.values():
        label, name = own["result"][0]["value"]["choices"][0], SampleId(f"{sample:032x}")
        if label != "NOT_A_LABEL":
            words[name] = max(words.get(name, ("", "")), (own["updated_at"], label))
    return words
