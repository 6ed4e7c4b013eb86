"""Disputes: samples whose annotators disagree, and when another annotator is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.projects.voices import table, voice
from tiltyard.labels.active_annotations import active_annotations, latest_labels
from tiltyard.labels.adjudication import Dispute, find_disputes, needs_tiebreak
from tiltyard.labels.effective_labels import Rule, effective_labels
from tiltyard.schemas.records import SampleId, Vote

ROWS = {"ada": "aaaa.", "bea": "abab.", "cleo": "..ab."}
RULES: list[Rule] = ["majority", "latest", "adjudicated", "quality_weighted"]


def test_a_dispute_has_each_label_with_its_number_and_who_spoke() -> None:
    assert find_disputes(table(ROWS), "adjudicated") == [
        Dispute(SampleId("00001"), (("a", 1), ("b", 1)), frozenset({"ada", "bea"})),
        Dispute(SampleId("00003"), (("a", 1), ("b", 2)), frozenset({"ada", "bea", "cleo"})),
    ]


@pytest.mark.parametrize(("rule", "samples"), [("majority", ["00001"]), ("adjudicated", ["00001", "00003"]),
                                               ("latest", [])])  # fmt: skip
def test_the_rule_decides_over_what_is_a_dispute(rule: Rule, samples: list[str]) -> None:
    assert [one.sample_id for one in find_disputes(table(ROWS), rule)] == samples


@pytest.mark.parametrize(
    ("story", "more"),
    [
        ("adjudicated", voice(100, "dora", "b", "00001", act="adjudicate")),
        ("one gave way", voice(100, "bea", "a", "00001")),
        ("one withdrew", voice(100, "bea", None, "00001", act="withdraw", supersedes=5)),
        ("a third decided", voice(100, "cleo", "b", "00001")),
    ],
)
def test_a_dispute_ends(story: str, more: Vote) -> None:
    before = table(ROWS)
    assert before[5] == voice(5, "bea", "b", "00001")
    assert find_disputes([*before, more], "majority") == [], story


def test_gold_answers_make_no_dispute() -> None:
    asked = [voice(1, "ada", "a", purpose="gold"), voice(2, "bea", "b", purpose="gold")]
    assert find_disputes(asked, "adjudicated") == []
    assert find_disputes([*asked, voice(3, "cleo", "a")], "adjudicated") == []


def said(labels: str, *more: Vote) -> list[Vote]:
    """One annotator a letter, ``-`` for a skip; ada is the first."""
    names = ["ada", "bea", "cleo", "dora"]
    skip = (None, "skip")
    spoken = [(name, *(skip if label == "-" else (label, "label"))) for name, label in zip(names, labels, strict=False)]
    return [*(voice(n, name, label, act=act) for n, (name, label, act) in enumerate(spoken)), *more]


BEA_GAVE_WAY = voice(10, "bea", "x", supersedes=1)
BEA_WITHDREW = voice(10, "bea", None, act="withdraw", supersedes=1)
CLEO_RULED = voice(10, "cleo", "x", act="adjudicate")


@pytest.mark.parametrize(
    ("story", "history", "slots", "most", "wanted"),
    [
        ("agreed", said("xx"), 2, 3, False),
        ("one to one", said("xy"), 2, 3, True),
        ("no more allowed", said("xy"), 2, 2, False),
        ("a slot is open", said("xy"), 3, 5, False),
        ("a skip answers a slot", said("xy-"), 3, 5, True),
        ("a skip is no label", said("x-"), 2, 3, False),
        ("two to one", said("xyx"), 3, 5, False),
        ("half is not enough", said("xxyz"), 4, 5, True),
        ("all differ", said("xyz"), 3, 5, True),
        ("gave way", said("xy", BEA_GAVE_WAY), 2, 3, False),
        ("withdrawn", said("xy", BEA_WITHDREW), 2, 3, False),
        ("adjudicated", said("xy", CLEO_RULED), 2, 3, False),
        ("nothing said", [], 2, 3, False),
    ],
)
def test_when_another_annotator_is_asked(story: str, history: list[Vote], slots: int, most: int, wanted: bool) -> None:
    assert needs_tiebreak(history, slots, most) is wanted, story


def test_the_current_answers_leave_out_what_does_not_count() -> None:
    withdrawn = [voice(3, "bea", "a"), voice(4, "bea", None, act="withdraw", supersedes=3)]
    others = [voice(5, "cleo", None, act="flag"), voice(6, "dora", "c", act="adjudicate")]
    more = [voice(7, "eve", "a", purpose="gold"), voice(8, "fay", None, act="propose"), voice(9, "gil", "c")]
    history = [voice(1, "ada", "a"), voice(2, "ada", "b"), *withdrawn, *others, *more]
    (active,) = active_annotations(reversed(history)).values()
    assert latest_labels(active) == {"ada": history[1], "gil": history[-1]}


voices = st.builds(
    voice,
    st.integers(0, 99),
    st.sampled_from(["ada", "bea", "cleo"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["s", "t", "u"]),
    act=st.sampled_from(["label", "label", "label", "adjudicate"]),
    purpose=st.sampled_from(["query", "query", "gold"]),
)
histories = st.lists(voices, max_size=15, unique_by=lambda one: one.annotation_id)


@given(histories, st.sampled_from(RULES))
def test_no_sample_is_both_labelled_and_disputed_and_none_with_an_answer_is_neither(
    history: list[Vote], rule: Rule
) -> None:
    labelled = {one.sample_id for one in effective_labels(history, rule)}
    open_ones = {one.sample_id for one in find_disputes(history, rule)}
    assert not labelled & open_ones
    counted = {one.sample_id for one in history if one.act == "adjudicate" or one.purpose != "gold"}
    assert labelled | open_ones == counted


@given(histories, st.sampled_from(RULES))
def test_an_adjudication_ends_any_dispute_by_its_label(history: list[Vote], rule: Rule) -> None:
    ruled = [*history, voice(1000, "dora", "b", "s", act="adjudicate")]
    assert "s" not in {one.sample_id for one in find_disputes(ruled, rule)}
    assert {one.sample_id: one.label for one in effective_labels(ruled, rule)}["s"] == "b"  # type: ignore[index]  # an id is text
