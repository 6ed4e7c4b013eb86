"""A verdict in plain sentences: who won, by how much, how sure, and what next."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tiltyard.reports.verdict_summary import headline, significance_level
from tiltyard.schemas.records import Approval, Check, Interval, ModelId, Promotion, Verdict, VerdictId

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PASSED = Check("gain", "pass", 0.032, 0.0, "better", 0.004, 0.06)
UNCLEAR = Check("gain", "undecided", 0.01, 0.0, "not clear", -0.02, 0.04)
WORSE = Check("gain", "fail", -0.1, 0.0, "worse", -0.2, -0.01)
SLICE = Check("slices", "fail", -0.2, -0.05, "colour 'red' is worse")
MOVE = Promotion(3, ModelId("new"), ModelId("old"), VerdictId("v" * 32), "promotion", "ada", "better", NOW)
DECLINED = Approval(VerdictId("v" * 32), False, "ben", "too soon", NOW)


def verdict(**changes: Any) -> Verdict:
    """A verdict that says promote, with some things otherwise."""
    told: dict[str, Any] = {
        "verdict_id": VerdictId("v" * 32),
        "challenger_id": ModelId("new"),
        "champion_id": ModelId("old"),
        "evaluation_id": None,
        "decision": "promote",
        "metric": "accuracy",
        "rows": 1200,
        "challenger": Interval(0.912, 0.9, 0.92),
        "champion": Interval(0.88, 0.87, 0.89),
        "gain": Interval(0.032, 0.004, 0.06),
        "checks": (PASSED,),
        "policy": {"confidence": 0.95},
        "decided_by": "gate",
        "reason": "better",
        "recorded_at": NOW,
    }
    return Verdict(**{**told, **changes})


def test_a_promotion_says_by_how_much_and_how_sure() -> None:
    told = headline(verdict())
    assert (told.title, told.tone, told.why) == ("The challenger won", "won", ())
    assert told.by_how_much == (
        "accuracy is 0.912 against the champion's 0.880: 3.2 points better, about 32 of every 1,000 decisions."
    )
    assert told.how_sure == (
        "The true gain lies between +0.4 and +6.0 points, 95 % sure, by 1,200 labeled rows. "
        "A challenger that is no better would pass in at most 2.5 % of such looks."
    )


@pytest.mark.parametrize(
    ("changes", "title", "tone"),
    [
        ({"champion_id": None, "champion": None, "gain": None}, "The first champion", "won"),
        ({"decision": "keep", "checks": (UNCLEAR,)}, "The champion stays: it is not yet clear which is better", "open"),
        ({"decision": "keep", "checks": (WORSE,)}, "The champion stays: the challenger failed 1 check", "stays"),
        ({"decision": "keep", "checks": (SLICE, WORSE)}, "The champion stays: the challenger failed 2 checks", "stays"),
        ({"decision": "keep", "champion_id": None, "checks": ()}, "No champion yet: too few labels to decide", "open"),
        ({"decision": "roll_back", "checks": ()}, "The champion was rolled back", "stays"),
    ],
)
def test_titles(changes: dict[str, Any], title: str, tone: str) -> None:
    told = headline(verdict(**changes))
    assert (told.title, told.tone) == (title, tone)


def test_what_stood_in_the_way_comes_worst_first_and_in_the_units_of_the_headline() -> None:
    told = headline(verdict(decision="keep", checks=(UNCLEAR, SLICE)))
    assert told.why == (
        "colour 'red' is worse",
        "The lower end of the gain is -2.0; it must be above +0.0 to rule out chance.",
    )
    assert headline(verdict(decision="keep", checks=(WORSE,))).why == (
        "Even the upper end of the gain, -1.0, is too low.",
    )


def test_a_rule_that_allows_a_margin_is_told_as_one() -> None:
    told = headline(verdict(policy={"confidence": 0.95, "rule": "not_worse", "margin": 0.01}))
    assert "A challenger that is worse by more than the margin would pass in at most 2.5 %" in told.how_sure


def test_a_loss_is_told_as_one() -> None:
    told = headline(verdict(metric="log_loss", gain=Interval(-0.0321, -0.06, 0.01)))
    assert told.by_how_much == "log loss (lower is better) is 0.912 against the champion's 0.880: 0.0321 worse."
    assert "between -0.06 and +0.01, 95 % sure" in told.how_sure


def test_nothing_to_compare_is_said() -> None:
    assert "no champion to compare with" in headline(verdict(champion_id=None, champion=None, gain=None)).by_how_much
    assert "cannot be computed" in headline(verdict(challenger=None, gain=None)).by_how_much
    assert "no difference" in headline(verdict(gain=Interval(0.0, 0.0, 0.0))).by_how_much


@pytest.mark.parametrize(
    ("changes", "after", "next_step"),
    [
        ({}, {"move": MOVE}, "Done: move 3 of the champion, on 2026-03-01 by ada."),
        ({}, {"approval": DECLINED}, "Declined by ben: too soon. The champion stays."),
        ({"policy": {"approval": True}}, {}, "A person must agree: tiltyard approve vvvvvvvv --reason WHY."),
        ({}, {}, "The challenger becomes champion at the next 'tiltyard promote', or at the next run of the loop."),
        ({}, {"is_last": False}, "It was not acted on, and later verdicts have come since."),
        ({"decision": "keep"}, {"is_last": False}, "Nothing: later verdicts have come since."),
        (
            {"decision": "keep", "evidence": {"labels_wanted": 1400, "wanted_where": "disagreement"}},
            {},
            "Needed: 1,400 more evaluation labels, where the two models disagree; "
            "'tiltyard ask' adds them to the queue.",
        ),
        (
            {"decision": "keep", "evidence": {"labels_wanted": 0, "wanted_where": ""}},
            {},
            "Nothing to do for this challenger. Labeling continues, and the next training makes a new one.",
        ),
    ],
)
def test_what_comes_next(changes: dict[str, Any], after: dict[str, Any], next_step: str) -> None:
    assert headline(verdict(**changes), **after).next_step == next_step


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({"evidence": {"level": 0.004}}, 0.004),
        ({"evidence": None}, 0.025),
        ({"policy": {}}, None),
        ({"evidence": {"level": "much"}, "policy": {"confidence": 0.9}}, 0.05),
    ],
)
def test_the_level_is_the_evidences_else_the_policys(changes: dict[str, Any], level: float | None) -> None:
    assert significance_level(verdict(**changes)) == pytest.approx(level)
