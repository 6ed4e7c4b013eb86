"""Old evaluation labels: undecided until fresh ones come."""

from datetime import timedelta

import pytest

from tests.projects.examined_models import NOW, examined, small, truth
from tiltyard.gate.checks.freshness import freshness


@pytest.mark.parametrize(("age", "outcome"), [(0.0, "pass"), (7.0, "pass"), (7.5, "undecided"), (400.0, "undecided")])
def test_the_newest_label_must_be_young_enough(age: float, outcome: str) -> None:
    project = small({"freshness_days": 7})
    found = freshness(examined(truth, project=project, labeled_at=NOW - timedelta(days=age)), project)
    assert [check.outcome for check in found.checks] == [outcome]
    assert found.checks[0].value == age
    assert found.evidence == {"freshness": {"days": age}}


def test_an_unknown_age_is_undecided() -> None:
    project = small({"freshness_days": 7})
    (check,) = freshness(examined(truth, project=project), project).checks
    assert (check.outcome, check.value) == ("undecided", None)


def test_without_a_limit_no_clock_is_read() -> None:
    found = freshness(examined(truth, project=small(), labeled_at=NOW), small())
    assert (found.checks, dict(found.evidence)) == ((), {})
