"""Size and latency, measured only where there is a limit, by a stopwatch that is handed in."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.projects.examined_models import examined, small, truth
from tiltyard.gate.checks.resources import percentile_interval, resources
from tiltyard.gate.inputs import CheckContext


class Ticking:
    """A stopwatch that goes on by a number of seconds with each reading and each prediction of a model."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def slow(self, seconds: float) -> Callable[[Any], Any]:
        """A rule whose predictions take that long."""

        def rule(frame: Any) -> Any:
            self.now += seconds / 2  # predict asks for the probabilities once more
            return truth(frame)

        return rule


def timed(new: float, old: float, **limits: Any) -> tuple[CheckContext, Any]:
    watch, project = Ticking(), small({"resources": limits})
    return examined(watch.slow(new), watch.slow(old), project=project, stopwatch=watch), project


@pytest.mark.parametrize(("size", "outcome"), [(1_000_000, "pass"), (2_500_000, "fail")])
def test_a_model_may_be_as_large_as_the_limit(size: int, outcome: str) -> None:
    project = small({"resources": {"size_mb": 1.0}})
    seen = examined(truth, project=project)
    (check,) = resources(replace(seen, challenger=replace(seen.challenger, size=size)), project).checks
    assert (check.name, check.outcome, check.value) == ("size", outcome, size / 1e6)


@pytest.mark.parametrize(("seconds", "outcome"), [(0.004, "pass"), (0.02, "fail")])
def test_a_slow_model_fails(seconds: float, outcome: str) -> None:
    found = resources(*timed(seconds, 0.001, latency_ms=5))
    assert [(check.name, check.outcome) for check in found.checks] == [("latency", outcome)]
    assert found.checks[0].value == pytest.approx(seconds * 1000)
    assert set(found.evidence["latency"]) == {"challenger"}


@pytest.mark.parametrize(("seconds", "outcome"), [(0.0015, "pass"), (0.005, "fail")])
def test_a_model_slower_than_the_champion_fails(seconds: float, outcome: str) -> None:
    found = resources(*timed(seconds, 0.001, latency_times=2))
    assert [(check.name, check.outcome) for check in found.checks] == [("latency against champion", outcome)]
    assert found.checks[0].value == pytest.approx(seconds / 0.001)


def test_without_limits_nothing_is_measured() -> None:
    watch = Ticking()
    seen = examined(watch.slow(1.0), project=small(), stopwatch=watch)
    before = watch.now
    assert resources(seen, small()) == type(resources(seen, small()))()
    assert watch.now == before


def test_a_limit_without_a_stopwatch_is_undecided() -> None:
    project = small({"resources": {"latency_ms": 1}})
    assert [check.outcome for check in resources(examined(truth, project=project), project).checks] == ["undecided"]


def test_the_percentile_is_covered_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    found = [percentile_interval(rng.exponential(1, 200), 0.025) for _ in range(1000)]
    covered = np.mean([one.low <= -np.log(0.05) <= one.high for one in found])
    assert 0.94 < covered < 0.99
