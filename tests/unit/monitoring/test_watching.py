"""After a promotion: fresh labels may send the champion back, and seldom one that is no worse."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tiltyard.evaluation.predictions import Predictions
from tiltyard.monitoring.champion_watch import detect_regression, is_watched, planned_looks
from tiltyard.schemas.project import Gate, Watch
from tiltyard.schemas.records import ModelId, Promotion, VerdictId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = Gate(watch=Watch(labels=20, days=10), resamples=200)
MOVE = Promotion(2, ModelId("new"), ModelId("old"), VerdictId("v"), "promotion", "gate", "", NOW)


def says(right: np.ndarray) -> Predictions:
    """A model that says "yes" where it is right; every label is "yes" or "no" in turn."""
    truth = np.where(np.arange(len(right)) % 2, "yes", "no")
    other = np.where(truth == "yes", "no", "yes")
    decided = np.where(right, truth, other)
    yes = np.where(decided == "yes", 0.9, 0.1)
    return Predictions(np.column_stack([1 - yes, yes]), decided, ("no", "yes"), "yes")


def labels(n: int) -> np.ndarray:
    return np.where(np.arange(n) % 2, "yes", "no")


@pytest.mark.parametrize(
    ("move", "policy", "later", "expected"),
    [
        (MOVE, POLICY, timedelta(days=10), True),
        (MOVE, POLICY, timedelta(days=10, seconds=1), False),
        (None, POLICY, timedelta(), False),
        (replace(MOVE, previous_id=None), POLICY, timedelta(), False),
        (replace(MOVE, kind="roll_back"), POLICY, timedelta(), False),
        (MOVE, Gate(watch=Watch(labels=0)), timedelta(), False),
    ],
)
def test_a_champion_is_watched_for_a_while_after_it_was_promoted_over_another(
    move: Promotion | None, policy: Gate, later: timedelta, expected: bool
) -> None:
    assert is_watched(move, policy, NOW + later) is expected


def test_looks_come_when_more_labels_are_there_and_their_levels_sum_to_what_was_promised() -> None:
    looks = list(planned_looks(20 * 50 + 19, POLICY))
    assert [rows for _, rows, _ in looks] == [20 * number for number in range(1, 51)]
    assert sum(level for *_, level in looks) < 1 - POLICY.confidence
    assert list(planned_looks(19, POLICY)) == list(planned_looks(100, Gate(watch=Watch(labels=0)))) == []


def test_a_champion_that_does_harm_is_regretted_at_the_first_look_that_shows_it() -> None:
    before = says(np.ones(60, dtype=bool))
    worse = np.ones(60, dtype=bool)
    worse[20:40:2] = False
    found = detect_regression(labels(60), says(worse), before, POLICY, 0)
    assert found is not None
    assert (found.look, found.rows) == (2, 40)
    assert found.check.low is not None
    assert found.check.low <= (found.check.value or 0) < 0
    assert "10" not in found.check.name
    assert "on 40 labels" in found.check.why
    # More labels change nothing of a look that was taken.
    assert detect_regression(labels(59), says(worse[:59]), before.rows(np.arange(59)), POLICY, 0) == found


def test_one_that_is_better_or_the_same_is_not() -> None:
    same = says(np.ones(60, dtype=bool))
    worse = says(np.arange(60) % 3 > 0)
    assert detect_regression(labels(60), same, same, POLICY, 0) is None
    assert detect_regression(labels(60), same, worse, POLICY, 0) is None
    assert detect_regression(labels(19), worse.rows(np.arange(19)), same.rows(np.arange(19)), POLICY, 0) is None


def test_of_champions_that_are_no_worse_hardly_any_is_sent_back() -> None:
    rng, regretted, runs = np.random.default_rng(3), 0, 150
    for _ in range(runs):
        today, before = (says(rng.random(200) < 0.8) for _ in range(2))
        regretted += detect_regression(labels(200), today, before, POLICY, 0) is not None
    assert regretted / runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)
