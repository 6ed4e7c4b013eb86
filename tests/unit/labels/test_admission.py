"""The one door for annotations: what is refused, whoever brings it, and what clocks are worth."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.projects.facts import NOW, an_answer
from tests.projects.voices import voice
from tiltyard.labels.active_annotations import sort_annotations
from tiltyard.labels.adjudication import find_disputes
from tiltyard.labels.admission import INDEXED, LONGEST_NAME, NAMES, PATIENCE, refuse_invalid, trusted_time
from tiltyard.labels.annotations import annotation_id, mark_imported, refuse_changed_content, refuse_reserved_keys
from tiltyard.labels.effective_labels import Rule, effective_labels
from tiltyard.labels.files.strict_json import lone_surrogate
from tiltyard.schemas.errors import AnnotationError
from tiltyard.schemas.records import Annotation, AnnotationId, NewAnnotation, SampleId, Vote

RULES: list[Rule] = ["majority", "latest", "adjudicated", "quality_weighted"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"client_key": ""}, "client_key may not be empty"),
        ({"annotator": " \t"}, "annotator may not be empty"),
        ({"sample_id": SampleId("")}, "sample_id may not be empty"),
        ({"annotator": "a\0b"}, "annotator holds the character NUL"),
        ({"note": "a\0b"}, "note holds the character NUL"),
        ({"note": "\ud83d"}, "note holds half of a character"),
        ({"label": "\udcff"}, "label holds half of a character"),
        ({"annotator": "\ud800"}, "annotator holds half of a character"),
        ({"client_key": "k" * 601}, "client_key has 601 characters"),
        ({"payload": {"x": float("nan")}}, "the payload holds a value"),
        ({"payload": {"x": ["\ud800"]}}, "the payload holds a value"),
        ({"act": "shout"}, "'shout' is not an act"),
        ({"label": None}, "a label needs a label"),
        ({"label": ""}, "a label needs a label"),
        ({"act": "skip"}, "a skip carries no label, got 'yes'"),
        ({"act": "withdraw", "label": None}, "a withdrawal names the annotation"),
        ({"said_at": NOW.replace(tzinfo=None)}, "said_at needs a time zone"),
        ({"said_at": NOW.replace(year=1969)}, "said_at: no clock says 1969"),
        ({"said_at": NOW.replace(year=9999)}, "said_at: no clock says 9999"),
        ({"lead_ms": -1}, "lead_ms must lie between"),
        ({"lead_ms": 2**70}, "lead_ms must lie between"),
    ],
)
def test_what_is_no_annotation_is_refused_by_field(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(AnnotationError, match=why) as refusal:
        refuse_invalid(an_answer(**changes))
    assert lone_surrogate(str(refusal.value)) is None


ODD = st.text(st.sampled_from(["a", " ", "\0", "\ud800", "\u2028", "é", "😀"]), max_size=4)
LONG = st.sampled_from(["a" * LONGEST_NAME, "a" * (LONGEST_NAME + 1)])


@given(st.dictionaries(st.sampled_from(INDEXED), ODD | LONG, min_size=1))
def test_a_text_passes_just_when_it_can_be_kept_and_found(texts: dict[str, Any]) -> None:
    good = {
        name: "\0" not in text and lone_surrogate(text) is None and len(text) <= LONGEST_NAME
        for name, text in texts.items()
    }
    named = all(text.strip() for name, text in texts.items() if name in NAMES)
    try:
        refuse_invalid(an_answer(**texts))
        assert named
        assert all(good.values())
    except AnnotationError:
        assert not (named and all(good.values()))


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)))
def test_no_time_that_is_kept_is_yet_to_come(said_at: datetime) -> None:
    kept, claimed = trusted_time(said_at, NOW)
    assert kept <= NOW + PATIENCE
    assert claimed in (None, said_at)
    assert (claimed is None) == (kept == said_at)


def test_what_was_said_by_a_wrong_clock_is_known_when_it_is_sent_again() -> None:
    new = an_answer(said_at=NOW.replace(year=2199))
    refuse_changed_content(kept(new), new)
    with pytest.raises(AnnotationError, match="another said_at"):
        refuse_changed_content(kept(new), replace(new, said_at=NOW))


def kept(new: NewAnnotation, seq: int = 1) -> Annotation:
    """An answer as the ledger would keep it."""
    said_at, claimed = trusted_time(new.said_at, NOW)
    values = {name: getattr(new, name) for name in NewAnnotation.__dataclass_fields__} | {"said_at": said_at}
    return Annotation(
        **values, seq=seq, annotation_id=annotation_id(new.client_key), purpose="query", strategy="", score=None,
        probability=None, model_id=None, payload_hash="h", contract_hash="c", late=False, recorded_at=NOW,
        claimed_at=claimed,
    )  # fmt: skip


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=8), st.booleans())
def test_an_import_says_who_and_when_and_keeps_the_order(years: list[int], backwards: bool) -> None:
    times = sorted((NOW + timedelta(days=365 * year) for year in years), reverse=backwards)
    facts = [kept(an_answer(f"k{n}", said_at=at, origin="web"), n) for n, at in enumerate(times)]
    facts = [replace(one, said_at=at, claimed_at=None, recorded_at=at) for one, at in zip(facts, times, strict=True)]
    taken = mark_imported(facts, "mallory", NOW)
    assert {(one.origin, one.imported_by, one.recorded_at) for one in taken} == {("import", "mallory", NOW)}
    assert [one.client_key for one in taken] == [one.client_key for one in facts]
    assert all(one.said_at <= NOW + PATIENCE for one in taken)
    unreal = [one.said_at for one in taken if one.claimed_at]
    assert unreal == sorted(set(unreal))


@pytest.mark.parametrize(
    ("new", "refused"),
    [
        (an_answer("mine"), False),
        (an_answer("arrived s1 no"), True),
        (an_answer("arrived s1 yes"), True),
        (an_answer("arrived s1 yes", annotator="producer"), False),
        (an_answer("label-studio a1 7 2026"), True),
        (an_answer("label-studio a1 7 2026", origin="label-studio"), False),
    ],
)
def test_nobody_takes_a_key_that_a_door_of_ours_will_make(new: NewAnnotation, refused: bool) -> None:
    if not refused:
        refuse_reserved_keys(new)
        return
    with pytest.raises(AnnotationError, match="choose another"):
        refuse_reserved_keys(new)


def delivered(number: int, label: str, breath: int) -> Vote:
    """A label of the producer's, in a delivery of so-and-so."""
    one = voice(breath, "producer", label)
    return one._replace(annotation_id=AnnotationId(f"{number:04d}"), seq=number, origin="arrived")


@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=5), st.lists(st.sampled_from("ab"), max_size=3),
       st.sampled_from(RULES), st.randoms(use_true_random=False))  # fmt: skip
def test_no_coin_decides_between_labels_of_one_delivery(
    before: list[str], after: list[str], rule: Rule, random: object
) -> None:
    breaths = [("a", 0), *((label, 1) for label in before), *((label, 2) for label in after)]
    voices = [delivered(number, label, breath) for number, (label, breath) in enumerate(breaths)]
    random.shuffle(voices)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    newest = after or before
    labels = {one.label for one in effective_labels(voices, rule)}
    assert labels == (set(newest) if len(set(newest)) == 1 else set())
    assert len(find_disputes(voices, rule)) == (len(set(newest)) > 1)


def test_a_ruling_a_later_delivery_or_another_annotator_ends_a_contradiction() -> None:
    twofold = [delivered(1, "a", 1), delivered(2, "b", 1)]
    (dispute,) = find_disputes(twofold, "majority")
    assert (dispute.answers, dispute.annotators) == ((("a", 1), ("b", 1)), frozenset({"producer"}))
    ruled = voice(9, "dora", "b", act="adjudicate")._replace(seq=9)
    for more in (ruled, delivered(3, "b", 2), voice(9, "ada", "b")._replace(seq=9)):
        assert [one.label for one in effective_labels([*twofold, more])] == ["b"]
    assert effective_labels([*twofold, voice(9, "ada", "b")._replace(seq=9)], "adjudicated") == []


@given(st.permutations(range(4)), st.sampled_from(RULES))
def test_the_ledger_s_order_decides_whatever_clocks_say(clocks: list[int], rule: Rule) -> None:
    history = [voice(clock, "ada", "ab"[seq == 3])._replace(seq=seq) for seq, clock in enumerate(clocks)]
    assert [one.label for one in effective_labels(history, rule)] == ["b"]
    rulings = [one._replace(act="adjudicate", annotator=f"r{one.seq}") for one in history]
    assert [one.label for one in effective_labels(rulings, rule)] == ["b"]


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=7))
def test_label_studio_keeps_its_own_order_among_its_answers(said: list[tuple[int, bool]]) -> None:
    voices = [
        voice(clock, "ada", "a")._replace(
            seq=seq, annotation_id=AnnotationId(str(seq)), origin="label-studio" if theirs else "web"
        )
        for seq, (clock, theirs) in enumerate(said)
    ]
    ranked = sort_annotations(reversed(voices))
    assert sorted(ranked) == sorted(voices)
    assert [one.seq for one in ranked if one.origin == "web"] == [one.seq for one in voices if one.origin == "web"]
    theirs = [one for one in ranked if one.origin != "web"]
    assert [one.said_at for one in theirs] == sorted(one.said_at for one in theirs)
