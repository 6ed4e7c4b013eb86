"""How many decisions change hands: over the population where it was scored, else over the labeled rows."""

import numpy as np
import pytest

from tests.projects.examined_models import examined, small, truth
from tiltyard.gate.checks.churn import churn


def turned(share: float):  # type: ignore[no-untyped-def]  # a rule
    return lambda frame: np.where(np.arange(len(frame)) < share * len(frame), 1 - truth(frame), truth(frame))


def test_churn_is_told_and_not_judged_without_a_limit() -> None:
    found = churn(examined(turned(0.1), project=small()), small())
    assert found.checks == ()
    assert found.evidence["churn"]["share"] == pytest.approx(0.1)
    assert found.evidence["churn"]["low"] < 0.1 < found.evidence["churn"]["high"]
    assert found.evidence["churn"]["rows"] == 400


@pytest.mark.parametrize(("share", "outcome"), [(0.1, "pass"), (0.2, "pass"), (0.4, "fail")])
def test_more_churn_than_allowed_fails_where_it_is_shown(share: float, outcome: str) -> None:
    project = small({"churn": 0.2})
    (check,) = churn(examined(turned(share), project=project), project).checks
    assert check.outcome == outcome
    assert "20% are allowed" in check.why


def test_over_the_population_it_is_exact() -> None:
    seen = examined(turned(0.1), project=small({"churn": 0.2}))
    assert seen.champion
    whole = examined(
        turned(0.1),
        project=small({"churn": 0.2}),
        population=(seen.champion.predictions, examined(turned(0.5), project=small()).challenger.predictions),
    )
    found = churn(whole, small({"churn": 0.2}))
    assert found.evidence["churn"] == {"share": 0.5, "low": 0.5, "high": 0.5, "rows": 400}
    assert found.checks[0].outcome == "fail"


def test_a_first_champion_has_none() -> None:
    assert churn(examined(truth, None, project=small()), small()).evidence == {}


def test_rows_that_stand_for_more_count_more() -> None:
    weights = np.where(np.arange(400) < 40, 9.0, 1.0)
    assert churn(examined(turned(0.1), project=small(), weights=weights), small()).evidence["churn"]["share"] == 0.5
