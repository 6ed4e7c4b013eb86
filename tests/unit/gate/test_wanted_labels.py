"""How many labels the gate asks for, and where: by chance, or where champion and challenger disagree."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.evaluation.predictions import Predictions
from tiltyard.evaluation.strata import Strata
from tiltyard.gate.decision import Judgement, decide
from tiltyard.gate.inputs import CheckResults, Evidence
from tiltyard.gate.sequential_design import FEWEST_DRAWN, MOST_WANTED
from tiltyard.schemas.project import Gate
from tiltyard.schemas.records import Check

NAMES = ("no", "yes")


def evidence(rows: int = 200, wins: int = 7, losses: int = 3, **changes: Any) -> Evidence:
    """The first rows are won by the challenger, the next lost, the others answered alike and mostly right."""
    labels = np.random.default_rng(0).choice(NAMES, rows)
    other = np.where(labels == "yes", "no", "yes")
    number = np.arange(rows)
    alike = number % 5 == 4
    old = np.where((number < wins) | (alike & (number >= wins + losses)), other, labels)
    new = np.where(((number >= wins) & (number < wins + losses)) | (alike & (number >= wins + losses)), other, labels)
    return Evidence(**{"labels": labels, "champion": said(old), "challenger": said(new), "overlap": 0, **changes})


def said(decisions: Any) -> Predictions:
    told = np.where(decisions == "yes", 0.8, 0.2)
    return Predictions(np.column_stack([1 - told, told]), decisions, NAMES, "yes")


def strata(rows: int, differ: int, sizes: tuple[int, int]) -> Strata:
    return Strata((np.arange(rows) < differ).astype(np.int64), sizes)


def asked(found: Evidence, **policy: Any) -> tuple[int, str]:
    judgement = decide(found, Gate.model_validate({"resamples": 300, **policy}))
    assert (judgement.evidence["labels_wanted"], judgement.evidence["wanted_where"]) == wanted_of(judgement)
    return wanted_of(judgement)


def wanted_of(judgement: Judgement) -> tuple[int, str]:
    return judgement.labels_wanted, judgement.wanted_where


def test_an_open_question_is_asked_where_the_models_disagree() -> None:
    wanted, where = asked(evidence())
    assert where == "disagreement"
    # 7 against 3 is a share of 0.7: at a level of 0.0083 with a power of 0.8 some 62 decisive rows show it.
    assert 40 <= wanted <= 90
    assert "drawn where the two models disagree" in decide(evidence(), Gate()).reason


def test_without_draws_at_the_disagreement_the_same_answer_takes_many_more_by_chance() -> None:
    by_chance, where = asked(evidence(disagreement=False))
    assert where == "chance"
    assert by_chance > 10 * asked(evidence())[0]


@pytest.mark.parametrize(
    ("found", "policy", "expected"),
    [
        (evidence(wins=60, losses=5), {}, (0, "")),
        (evidence(wins=5, losses=60), {}, (0, "")),
        (evidence(overlap=1), {}, (0, "")),
        (evidence(rows=30), {}, (20, "chance")),
        (evidence(champion=None), {"floors": {"accuracy": 0.99}}, (0, "")),
        (evidence(strata=strata(200, 1, (900, 100))), {}, (FEWEST_DRAWN, "disagreement")),
        (evidence(strata=strata(200, 0, (900, 4))), {}, (4, "disagreement")),
        (evidence(strata=strata(200, 199, (900, 300))), {}, (FEWEST_DRAWN, "chance")),
        (evidence(strata=strata(200, 10, (900, 10))), {}, (0, "")),
    ],
)
def test_labels_are_asked_for_where_they_help(
    found: Evidence, policy: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert asked(found, **policy) == expected


def test_once_every_differing_row_is_labeled_only_metrics_of_other_rows_ask_for_more() -> None:
    found = evidence(strata=strata(200, 10, (900, 10)))
    assert asked(found, metric="f1")[1] == "chance"


def test_no_more_is_asked_for_than_rows_disagree() -> None:
    assert asked(evidence(wins=6, losses=4, strata=strata(200, 10, (900, 13)))) == (3, "disagreement")


@pytest.mark.parametrize(("drawable", "expected"), [(3, (3, "disagreement")), (0, (0, "")), (500, None)])
def test_what_cannot_be_drawn_is_not_asked_for(drawable: int, expected: tuple[int, str] | None) -> None:
    assert asked(evidence(drawable=drawable)) == (expected or asked(evidence()))


def test_an_open_question_that_has_nothing_to_ask_says_what_it_waits_for() -> None:
    reason = decide(evidence(drawable=0), Gate()).reason
    assert reason.endswith("every row on which the models disagree has its label, only more data can decide")
    assert "only more data" not in decide(evidence(drawable=0, overlap=1), Gate()).reason


def test_an_open_question_of_another_check_asks_by_chance() -> None:
    undecided = CheckResults((Check("slice age", "undecided", None, None, "too few rows"),))
    assert asked(evidence(wins=60, losses=5, findings=undecided)) == (200, "chance")


@given(wins=st.integers(9, 20), look=st.integers(1, 20))
def test_what_is_asked_for_shows_the_gain_at_the_next_look(wins: int, look: int) -> None:
    wanted, _ = asked(evidence(rows=400, wins=wins, losses=6, look=look))
    times = 1 + wanted / (wins + 6)
    if not wanted or wanted >= MOST_WANTED * wins:
        return
    later = evidence(rows=2000, wins=round(times * wins), losses=round(times * 6), look=look + 1)
    gain = decide(later, Gate(resamples=300)).gain
    assert gain is not None
    assert gain.low > 0


@given(wins=st.integers(0, 30), losses=st.integers(0, 30), look=st.integers(1, 300))
def test_what_is_asked_for_is_bounded(wins: int, losses: int, look: int) -> None:
    judgement = decide(evidence(wins=wins, losses=losses, look=look), Gate(resamples=100))
    assert 0 <= judgement.labels_wanted <= MOST_WANTED * max(60, FEWEST_DRAWN)
    assert (judgement.labels_wanted == 0) == (judgement.wanted_where == "")
