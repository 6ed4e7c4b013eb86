"""Effective labels: what several annotations of one sample amount to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.projects.voices import planted, voice
from tiltyard.labels.effective_labels import Rule, effective_labels
from tiltyard.schemas.records import Act, Annotation, AnnotationId, EffectiveLabel, Purpose, SampleId

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


RULES: list[Rule] = ["majority", "latest", "adjudicated", "quality_weighted"]


def label_of(history: Sequence[Annotation], rule: Rule = "majority") -> str | None:
    found = effective_labels(history, rule)
    return found[0].label if found else None


@pytest.mark.parametrize(
    ("story", "history", "majority", "latest"),
    [
        ("nobody answered", [], None, None),
        ("proposed a class", [said(1, "ada", "new", "propose")], None, None),
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
    acts: list[Act] = [
        "label",
        "label",
        "label",
        "label",
        "skip",
        "cant_tell",
        "flag",
        "propose",
        "withdraw",
        "adjudicate",
    ]
    made: list[Annotation] = []
    for number in range(draw(st.integers(0, 12))):
        act = draw(st.sampled_from(acts))
        earlier = draw(st.none() | st.integers(0, number - 1)) if number else None
        if act == "withdraw" and earlier is None:
            act = "skip"
        label = draw(st.sampled_from(["a", "b"])) if act in {"label", "adjudicate"} else None
        one = said(number, draw(st.sampled_from(["ada", "bea", "cleo"])), label, act, earlier)
        purposes: list[Purpose] = ["query", "query", "evaluation", "gold"]
        purpose = draw(st.sampled_from(purposes))
        made.append(replace(one, sample_id=SampleId(draw(st.sampled_from(["s", "t"]))), purpose=purpose))
    return made


@given(histories(), st.randoms(use_true_random=False), st.sampled_from(RULES))
def test_the_order_of_arrival_never_matters(history: list[Annotation], random: object, rule: Rule) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert effective_labels(shuffled, rule) == effective_labels(history, rule)


@given(histories(), st.sampled_from(RULES))
def test_an_effective_label_was_said_and_not_superseded(history: list[Annotation], rule: Rule) -> None:
    by_id = {annotation.annotation_id: annotation for annotation in history}
    superseded = {annotation.supersedes for annotation in history}
    for found in effective_labels(history, rule):
        assert found.annotations
        for annotation_id in found.annotations:
            assert by_id[annotation_id].label == found.label
            assert by_id[annotation_id].sample_id == found.sample_id
            assert annotation_id not in superseded


@pytest.mark.parametrize(
    ("story", "history", "label"),
    [
        ("one answer", [said(1, "ada", "yes")], "yes"),
        ("agreed", [said(1, "ada", "yes"), said(2, "bea", "yes")], "yes"),
        ("two to one", [said(1, "ada", "yes"), said(2, "bea", "no"), said(3, "cleo", "yes")], None),
        ("gave way", [said(1, "ada", "yes"), said(2, "bea", "no"), said(3, "bea", "yes")], "yes"),
        ("adjudicated", [said(1, "ada", "yes"), said(2, "bea", "no"), said(3, "cleo", "no", "adjudicate")], "no"),
    ],
)
def test_only_agreement_or_a_ruling_counts_where_disputes_are_adjudicated(
    story: str, history: list[Annotation], label: str | None
) -> None:
    assert label_of(history, "adjudicated") == label, story


@pytest.mark.parametrize("rule", RULES)
def test_an_answer_to_a_gold_sample_never_counts_but_its_adjudication_does(rule: Rule) -> None:
    asked = [replace(said(1, "ada", "yes"), purpose="gold"), replace(said(2, "bea", "yes"), purpose="gold")]
    assert effective_labels(asked, rule) == []
    ruled = [*asked, replace(said(3, "dora", "no", "adjudicate"), purpose="gold")]
    assert [(one.label, one.annotations) for one in effective_labels(ruled, rule)] == [("no", (AnnotationId("0003"),))]
    assert label_of([*asked, said(4, "cleo", "no")], rule) == "no"


def test_two_that_are_often_right_outweigh_three_that_guess() -> None:
    accuracies = {"ada": 0.95, "bea": 0.95, "xan": 0.3, "yves": 0.3, "zoe": 0.3}
    voices, truth = planted(accuracies, 400)
    share = {rule: _share_right(effective_labels(voices, rule), truth) for rule in RULES}
    assert share["quality_weighted"] > share["majority"] + 0.1
    assert share["quality_weighted"] > 0.9
    odd = [voice(9001, "ada", "a", "odd"), voice(9002, "bea", "a", "odd")]
    odd += [voice(9003 + number, name, "b", "odd") for number, name in enumerate(["xan", "yves", "zoe"])]
    labels = {one.sample_id: one.label for one in effective_labels([*voices, *odd], "quality_weighted")}
    assert labels[SampleId("odd")] == "a"


def _share_right(found: list[EffectiveLabel], truth: dict[SampleId, str]) -> float:
    return sum(one.label == truth[one.sample_id] for one in found) / len(truth)


@given(st.integers(0, 2**16), st.floats(0.2, 1), st.integers(1, 300))
def test_two_annotators_with_nobody_else_to_tell_them_apart_settle_nothing(seed: int, right: float, size: int) -> None:
    voices, _ = planted({"ada": right, "bea": 0.8}, size, seed=seed)
    agreed = {one.sample_id for one in effective_labels(voices, "adjudicated")}
    assert {one.sample_id for one in effective_labels(voices, "quality_weighted")} == agreed


@given(histories(), st.sampled_from(RULES), st.data())
def test_a_voice_for_a_unanimous_label_loses_none(history: list[Annotation], rule: Rule, data: st.DataObject) -> None:
    alone = [replace(said(100 + n, who, "a"), sample_id=SampleId("u")) for n, who in enumerate(["ada", "bea"])]
    more = data.draw(st.sampled_from(["ada", "bea", "cleo", "dora"]))
    agreeing = replace(said(200, more, "a"), sample_id=SampleId("u"))
    before = {one.sample_id: one.label for one in effective_labels([*history, *alone], rule)}
    after = {one.sample_id: one.label for one in effective_labels([*history, *alone, agreeing], rule)}
    assert (before["u"], after["u"]) == ("a", "a")  # type: ignore[index]  # an id is text
    if rule != "quality_weighted":  # there a voice moves what other voices weigh
        assert before == after


@given(histories(), st.sampled_from(RULES))
def test_what_is_no_answer_changes_no_label(history: list[Annotation], rule: Rule) -> None:
    quiet: list[Act] = ["skip", "cant_tell", "flag", "propose"]
    more = [said(100 + n, "eve", None, act) for n, act in enumerate(quiet)]
    assert effective_labels([*history, *more], rule) == effective_labels(history, rule)


@given(histories())
def test_where_disputes_are_adjudicated_the_majority_would_have_said_the_same(history: list[Annotation]) -> None:
    majority = {one.sample_id: one.label for one in effective_labels(history)}
    for found in effective_labels(history, "adjudicated"):
        assert majority[found.sample_id] == found.label
