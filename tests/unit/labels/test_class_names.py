"""One rule says when two spellings name the same class, and every way in asks it."""

import unicodedata
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.projects.voices import voice
from tiltyard.ingest.raw_batch import QUARANTINE_TYPES, RawBatch
from tiltyard.ingest.validation import check_rows
from tiltyard.labels.annotations import check_annotation
from tiltyard.labels.current_classes import resolve_current_labels, split_by_class
from tiltyard.labels.effective_labels import effective_labels
from tiltyard.labels.files.values import match_class_name
from tiltyard.schemas.errors import AnnotationError, ProjectFileError
from tiltyard.schemas.project import Project, parse_project, recorded_project
from tiltyard.schemas.project.class_names import first_same, is_same, misfit, spellings
from tiltyard.schemas.records import NewAnnotation, SampleId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SAME = [
    ("café", "cafe\u0301"),
    ("Spam", "sPAM"),
    ("not  sure", "not\u00a0sure "),
    ("yes", "y\u200bes"),
    ("cat", "\u0441at"),
    ("НЕТ", "нет"),
    ("A", "\u0410"),
    ("O", "\u039f"),
    ("❤", "❤\ufe0f"),
    ("straße", "STRASSE"),
    ("ｆｕｌｌ", "full"),
]
OTHERS = [
    ("µm", "mm"),
    ("да", "нет"),
    ("1", "01"),
    ("1", "1.0"),
    ("👍", "👍🏽"),
    ("é", "e"),
    ("no", "none"),
    ("сад", "cad"),
]


def project(*classes: Any, **more: Any) -> Project:
    columns = {"features": {"x": {"kind": "integer"}}, "label": "truth"}
    return parse_project({"name": "p", "classes": list(classes), "columns": columns, **more}, "project.yaml")


def said(label: str) -> NewAnnotation:
    return NewAnnotation("k", "ada", "label", SampleId("0" * 32), {"x": 1}, NOW, label=label, origin="import")


@pytest.mark.parametrize(("one", "other"), SAME)
def test_names_that_no_eye_tells_apart_are_one_at_every_entrance(one: str, other: str) -> None:
    assert is_same(one, other)
    with pytest.raises(ProjectFileError, match=r"the same but for case, space|holds U\+"):
        project(one, "else", other)
    with pytest.raises(ProjectFileError, match=r"the same but for case, space|holds U\+"):
        project(one, "else", retired=[other])
    mine = project(one, "else")
    assert check_annotation(said(other), mine).label == one  # page, API, label files, Label Studio
    raw = raw_rows({"x": ["1"], "truth": [other]})
    assert check_rows(raw, mine).good["truth"].to_list() == [other]  # a batch


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_names_that_differ_stay_apart(one: str, other: str) -> None:
    assert not is_same(one, other)
    assert project(one, other).class_names == [one, other]
    with pytest.raises(AnnotationError, match="is not a class"):
        check_annotation(said(other), project(one, "something else"))


@given(st.text(max_size=12), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
@settings(max_examples=200, deadline=None)
def test_no_form_of_unicode_makes_another_name(name: str, form: str) -> None:
    written = unicodedata.normalize(form, name)  # type: ignore[arg-type]  # the four forms
    assert not any(spellings(name)) or is_same(name, written)
    assert first_same([name, name]) is not None or not any(spellings(name)) or name == ""


@pytest.mark.parametrize("name", ["", " ", "\u200b", "a\nb", "a\x1b[2J", "a\u202eb", "\ud800", "a\u2028b", "\x7f"])
def test_a_name_that_cannot_be_read_is_refused_by_its_code_point(name: str) -> None:
    assert misfit(name)
    with pytest.raises(ProjectFileError, match=r"class|at least 1"):
        project(name, "b", "c")


@pytest.mark.parametrize(
    "name", ["نمی\u200cدانم", "👨\u200d👩\u200d👧", "naïve", "très bien", "a:b", "'", '"', "{x}", "#1", "%s"]
)
def test_names_of_every_script_are_taken(name: str) -> None:
    assert misfit(name) == ""
    assert project(name, "b c").class_names == [name, "b c"]


def test_a_former_name_counts_as_the_class_and_a_retired_one_for_nothing() -> None:
    mine = project({"name": "sea", "aliases": ["c", "ocean"]}, "land", retired=["air"])
    assert [mine.class_of(name) for name in ("sea", "C", "Ocean ", "air", "fire")] == ["sea", "sea", "sea", None, None]
    assert [mine.said(name) for name in ("sea", "C", "Ocean ", "AIR", "fire")] == ["sea", "c", "ocean", "air", None]
    assert check_annotation(said("AIR"), mine).label == "air"


def test_a_former_name_is_met_through_other_types_too() -> None:
    mine = project({"name": "one", "aliases": ["1"]}, "two", retired=["3"])
    assert [match_class_name(value, mine) for value in (1, 1.0, "1.0", 3.0, " ONE", 4)] == [
        "1",
        "1",
        "1",
        "3",
        "one",
        None,
    ]


def test_labels_of_no_class_are_counted_never_an_error() -> None:
    mine = project({"name": "sea", "aliases": ["c"]}, "land", retired=["air"])
    told = ["c", "sea", "air", "air", "fire", "land"]
    voices = [voice(number, "ada", label, f"s{number}") for number, label in enumerate(told)]
    found = resolve_current_labels(voices, mine)
    assert [one.label for one in found.labels] == ["sea", "sea", "land"]
    assert (found.retired, found.unknown) == ({"air": 2}, {"fire": 1})
    assert "1 label ('fire': 1)" in found.told
    assert "alias" in found.told
    assert split_by_class(effective_labels(voices[:1]), project("c", "d")).told == ""


def test_two_who_say_a_class_by_its_two_names_agree() -> None:
    mine = project({"name": "sea", "aliases": ["c"]}, "land")
    voices = [voice(1, "ada", "c"), voice(2, "bea", "sea")]
    assert [one.label for one in resolve_current_labels(voices, mine).labels] == ["sea"]


def test_new_keys_change_no_hash_where_they_are_not_used() -> None:
    with_alias = project({"name": "a", "aliases": ["z"]}, "b")
    assert project("a", "b").project_hash == project({"name": "a", "aliases": []}, "b", retired=[]).project_hash
    assert with_alias.project_hash != project("a", "b").project_hash != project("a", "b", retired=["z"]).project_hash


def test_a_project_of_before_is_read_from_the_ledger_as_it_was() -> None:
    body = project("us", "them").model_dump(mode="json")
    body["classes"] = [{"name": "us"}, {"name": "US"}]
    assert recorded_project(body).class_names == ["us", "US"]
    with pytest.raises(ProjectFileError, match="the same"):
        parse_project(body, "project.yaml")


@pytest.mark.parametrize(
    ("classes", "more"),
    [
        (["a", "b", "a"], {}),
        ([{"name": "a", "aliases": ["b"]}, "b"], {}),
        ([{"name": "a", "aliases": ["c"]}, {"name": "b", "aliases": ["c"]}], {}),
        (["a", "b"], {"retired": ["b"]}),
        ([{"name": "a", "aliases": ["c"]}, "b"], {"retired": ["c"]}),
        ([True, "b"], {}),
    ],
)
def test_a_name_stands_for_one_thing(classes: list[Any], more: dict[str, Any]) -> None:
    with pytest.raises(ProjectFileError):
        project(*classes, **more)


def raw_rows(cells: dict[str, list[str]]) -> RawBatch:
    frame = pl.DataFrame(cells)
    numbers = pl.int_range(frame.height, eager=True)
    return RawBatch(tuple(cells), frame, numbers, numbers + 2, pl.DataFrame(schema=QUARANTINE_TYPES), "text")
