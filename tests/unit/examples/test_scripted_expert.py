"""The scripted expert: right by the key, wrong and silent by chance, the same however often it is asked."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.examples.expert import ScriptedExpert, misled
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import Assignment, AssignmentId, QueryId, SampleId

NOW = datetime(2026, 1, 5, tzinfo=UTC)
KEY = {str(number): "abc"[number % 3] for number in range(300)}


def assignment(number: int, slot: str = "0") -> Assignment:
    return Assignment(
        assignment_id=AssignmentId(f"assignment-{number}-{slot}"),
        query_id=QueryId("query"),
        sample_id=SampleId(f"{number:032x}"),
        slot=0,
        purpose="query",
        strategy="margin",
        score=None,
        probability=None,
        model_id=None,
        payload={"x": 1.0, "scan_id": str(number)},
        priority=0.0,
    )


def test_the_expert_answers_from_the_key() -> None:
    said = ScriptedExpert(KEY, "scan_id").annotate(assignment(7), NOW)
    assert (said.act, said.label, said.annotator) == ("label", "b", "expert-1")
    assert (said.sample_id, said.payload, said.said_at) == (f"{7:032x}", {"x": 1.0, "scan_id": "7"}, NOW)
    assert said.assignment_id == "assignment-7-0"


def test_the_client_key_belongs_to_expert_and_assignment() -> None:
    expert, other = ScriptedExpert(KEY, "scan_id"), ScriptedExpert(KEY, "scan_id", name="expert-2")
    keys = [one.annotate(assignment(3, slot), NOW).client_key for one in (expert, other) for slot in ("0", "1")]
    assert len(set(keys)) == 4
    assert keys[0] == expert.annotate(assignment(3, "0"), datetime(2027, 1, 1, tzinfo=UTC)).client_key


@given(st.permutations(range(20)))
def test_an_answer_depends_on_no_other(order: list[int]) -> None:
    expert = ScriptedExpert(KEY, "scan_id", error_rate=0.5, skip_rate=0.2, seed=1)
    straight = {number: expert.answer(assignment(number)) for number in range(20)}
    assert {number: expert.answer(assignment(number)) for number in order} == straight


@pytest.mark.parametrize(("error_rate", "low", "high"), [(0.0, 0, 0), (0.3, 60, 120), (1.0, 300, 300)])
def test_errors_come_at_their_rate(error_rate: float, low: int, high: int) -> None:
    expert = ScriptedExpert(KEY, "scan_id", error_rate=error_rate)
    said = [expert.answer(assignment(number)) for number in range(300)]
    assert low <= sum(label != KEY[str(number)] for number, label in enumerate(said)) <= high
    assert set(said) == {"a", "b", "c"}


def test_a_skip_has_no_label() -> None:
    said = ScriptedExpert(KEY, "scan_id", skip_rate=1.0).annotate(assignment(1), NOW)
    assert (said.act, said.label) == ("skip", None)


def test_seeds_and_names_err_differently() -> None:
    experts = [ScriptedExpert(KEY, "scan_id", name, 0.5, seed=seed) for name, seed in [("a", 0), ("b", 0), ("a", 1)]]
    assert len({tuple(one.answer(assignment(number)) for number in range(40)) for one in experts}) == 3


def test_a_sample_that_is_not_in_the_key_is_named() -> None:
    with pytest.raises(NotFound, match="no scan_id '999'"):
        ScriptedExpert(KEY, "scan_id").annotate(assignment(999), NOW)


def test_a_misled_key_is_wrong_only_where_told() -> None:
    about = [str(number) for number in range(100)]
    wrong = misled(KEY, about, rate=0.5, seed=0)
    differs = {reference for reference in KEY if wrong[reference] != KEY[reference]}
    assert 30 <= len(differs) <= 70
    assert differs <= set(about)
    assert wrong == misled(KEY, reversed(about), rate=0.5, seed=0)
