"""Effective labels: what several annotations of one sample amount to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Act, Annotation, AnnotationId, EffectiveLabel, SampleId
from tiltyard.rules.effective_labels import Rule, effective_labels

START = datetime(2026, 1, 1, tzinfo=UTC)


def said(
    number: int, annotator: str, label: str | None, act: Act = "label", supersedes: int | None = None
) -> Annotation:
    return Annotation(
        seq=number, annotation_id=AnnotationId(f"{number:04d}"), client_key=f"k{number}", annotator=annotator, act=act,
        sample_id=SampleId("s"), label=label, note="",
        supersedes=AnnotationId(f"{supersedes:04d}") if supersedes is not None else None,
        assignment_id=None, purpose="query", strategy="margin", score=None, probability=None, model_id=None,
        suggestion=None, suggestion_visible=False, payload={"x": 1}, payload_hash="h", contract_hash="c", lead_ms=None,
        origin="queue", late=False, said_at=START + timedelta(minutes=number), recorded_at=START,
    )  # fmt: skip


def label_of(history: Sequence[Annotation], rule: Rule = "majority") -> str | None:
    found = effective_labels(history, rule)
    return found[0].label if found else None


@pytest.mark.parametrize(
    ("story", "history", "majority", "latest"),
    [
        ("nobody answered", [], None, None),
        ("one answer", [said(1, "ada", "yes")], "yes", "yes"),
        ("only skipped", [said(1, "ada", None, "skip")], None, None),
        ("corrected", [said(1, "ada", "yes"), said(2, "ada", "no", supersedes=1)], "no", "no"),
        ("withdrawn", [said(1, "ada", "yes"), said(2, "ada", None, "withdraw", 1)], None, None),
        (
            "withdrawn twice over",
            [said(1, "a", "yes"), said(2, "a", None, "withdraw", 1), said(3, "a", "no")],
            "no",
            "no",
        ),
        ("a tie", [said(1, "ada", "yes"), said(2, "bea", "no")], None, "no"),
        ("two to one", [said(1, "ada", "yes"), said(2, "bea", "no"), said(3, "cleo", "yes")], "yes", "yes"),
        ("one voice each", [said(1, "ada", "yes"), said(2, "ada", "yes"), said(3, "bea", "no")], None, "no"),
        ("adjudicated", [said(1, "ada", "yes"), said(2, "bea", "no"), said(3, "cleo", "no", "adjudicate")], "no", "no"),
        ("a late voice after the ruling", [said(1, "a", "no", "adjudicate"), said(2, "b", "yes")], "no", "no"),
        ("flagged and labelled", [said(1, "ada", "yes"), said(2, "ada", None, "flag")], "yes", "yes"),
    ],
)
def test_the_story_of_one_sample(
    story: str, history: list[Annotation], majority: str | None, latest: str | None
) -> None:
    assert (label_of(history), label_of(history, "latest")) == (majority, latest), story


def test_a_sample_marked_for_evaluation_by_any_annotation_is_an_evaluation_sample() -> None:
    history = [said(1, "ada", "yes"), replace(said(2, "bea", "yes"), purpose="evaluation")]
    (found,) = effective_labels(history)
    assert found == EffectiveLabel(SampleId("s"), "yes", (AnnotationId("0001"), AnnotationId("0002")), True)


@st.composite
def histories(draw: st.DrawFn) -> list[Annotation]:
    acts: list[Act] = ["label", "label", "label", "skip", "flag", "withdraw", "adjudicate"]
    made: list[Annotation] = []
    for number in range(draw(st.integers(0, 12))):
        act = draw(st.sampled_from(acts))
        earlier = draw(st.none() | st.integers(0, number - 1)) if number else None
        if act == "withdraw" and earlier is None:
            act = "skip"
        label = draw(st.sampled_from(["a", "b"])) if act in {"label", "adjudicate"} else None
        one = said(number, draw(st.sampled_from(["ada", "bea", "cleo"])), label, act, earlier)
        made.append(replace(one, sample_id=SampleId(draw(st.sampled_from(["s", "t"])))))
    return made


@given(histories(), st.randoms(use_true_random=False), st.sampled_from(["majority", "latest"]))
def test_the_order_of_arrival_never_matters(history: list[Annotation], random: object, rule: Rule) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert effective_labels(shuffled, rule) == effective_labels(history, rule)


@given(histories())
def test_an_effective_label_was_said_and_not_superseded(history: list[Annotation]) -> None:
    by_id = {annotation.annotation_id: annotation for annotation in history}
    superseded = {annotation.supersedes for annotation in history}
    for found in effective_labels(history):
        assert found.annotations
        for annotation_id in found.annotations:
            assert by_id[annotation_id].label == found.label
            assert by_id[annotation_id].sample_id == found.sample_id
            assert annotation_id not in superseded
