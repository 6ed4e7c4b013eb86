"""Each look is paid for: the levels between two promotions sum to what the confidence leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.gate.sequential_design import significance_level
from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.project import Gate


def policy(confidence: float = 0.95, correction: str = "online_fdr") -> Gate:
    return Gate.model_validate({"confidence": confidence, "looks": {"correction": correction}})


@given(confidence=st.floats(0.51, 0.999), looks=st.integers(1, 3000))
def test_all_looks_together_err_at_most_as_the_confidence_says(confidence: float, looks: int) -> None:
    levels = [significance_level(look, policy(confidence)) for look in range(1, looks + 1)]
    assert sum(levels) == pytest.approx((1 - confidence) * looks / (looks + 1))
    assert sum(levels) < 1 - confidence
    assert levels == sorted(levels, reverse=True)


def test_the_first_look_is_a_two_sided_interval_at_the_confidence() -> None:
    assert significance_level(1, policy(0.9)) == pytest.approx(0.05)


def test_without_correction_each_look_is_as_the_first() -> None:
    assert {significance_level(look, policy(correction="none")) for look in (1, 2, 50)} == {
        significance_level(1, policy())
    }


@pytest.mark.parametrize("look", [0, -1])
def test_there_is_no_look_before_the_first(look: int) -> None:
    with pytest.raises(TrainingError, match="must be at least 1"):
        significance_level(look, policy())
