"""What a model costs to run: the time of one prediction and its size, measured only where there is a limit.

Times differ from run to run and from machine to machine, so they enter a verdict only where the project file asks.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from tiltyard.evaluation.predictions import predict_rows
from tiltyard.evaluation.proportions import interval_to_json, rounded_interval
from tiltyard.gate.inputs import CheckContext, CheckResults, ModelUnderTest, harm_level
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.project import Project, Resources
from tiltyard.schemas.records import Check, Interval, Outcome

PREDICTIONS: Final = 200
"""One-row predictions that are timed, after ``WARM`` that are not."""
WARM: Final = 5
QUANTILE: Final = 0.95
MEGABYTE: Final = 1_000_000
Floats = NDArray[np.float64]


def resources(examined: CheckContext, project: Project) -> CheckResults:
    """Size and latency against the project file's limits; nothing is measured where there is none."""
    limits = project.gate.resources
    checks = [_size(examined.challenger, limits.size_mb)] if limits.size_mb is not None else []
    timed, times = _latency(examined, project)
    return CheckResults((*checks, *timed), times)


def _size(side: ModelUnderTest, limit: float) -> Check:
    """Whether the stored model is small enough."""
    assert side.size is not None, "the size is known where it is limited"
    size = round(side.size / MEGABYTE, 6)
    outcome: Outcome = "pass" if size <= limit else "fail"
    return Check("size", outcome, size, limit, f"the stored model has {size:.3g} MB, {limit:g} are allowed")


def _latency(examined: CheckContext, project: Project) -> tuple[list[Check], dict[str, Any]]:
    """The latency checks that the project file asks for, and the times behind them."""
    limits = project.gate.resources
    if limits.latency_ms is None and limits.latency_times is None:
        return [], {}
    if examined.stopwatch is None:
        return [Check("latency", "undecided", None, limits.latency_ms, "nothing measured the time")], {}
    level, new = harm_level(project.gate), _times(examined, examined.challenger, project, examined.stopwatch)
    times = {"challenger": percentile_interval(new, level)}
    if limits.latency_times is not None and examined.champion is not None:
        times["champion"] = percentile_interval(_times(examined, examined.champion, project, examined.stopwatch), level)
    return _latency_checks(times, limits), {"latency": {who: interval_to_json(time) for who, time in times.items()}}


def _latency_checks(times: dict[str, Interval], limits: Resources) -> list[Check]:
    """The time itself against its limit, and as a multiple of the champion's."""
    checks, new = [], times["challenger"]
    if limits.latency_ms is not None:
        why = f"19 of 20 predictions of one row take up to {new.value:.3g} ms, {limits.latency_ms:g} ms are allowed"
        checks.append(_shown("latency", new, limits.latency_ms, why))
    if limits.latency_times is not None and "champion" in times:
        old = times["champion"]
        ratio = rounded_interval(new.value / old.value, new.low / old.high, new.high / old.low)
        why = f"one row takes {ratio.value:.3g} times as long as the champion's, {limits.latency_times:g} are allowed"
        checks.append(_shown("latency against champion", ratio, limits.latency_times, why))
    return checks


def _shown(name: str, measured: Interval, limit: float, why: str) -> Check:
    """Fails where even the lower bound is above the limit: a busy machine must not fail a model."""
    outcome: Outcome = "fail" if measured.low > limit else "pass"
    return Check(name, outcome, measured.value, limit, why, measured.low, measured.high)


def _times(examined: CheckContext, side: ModelUnderTest, project: Project, stopwatch: Callable[[], float]) -> Floats:
    """Milliseconds of predictions of one row each, from the frame's making to probabilities and decision."""
    times = []
    for number in range(WARM + PREDICTIONS):
        row = examined.rows.slice(number % examined.rows.height, 1)
        start = stopwatch()
        predict_rows(side.model, feature_frame(row, project), project)
        times.append((stopwatch() - start) * 1000)
    return np.array(times[WARM:])


def percentile_interval(times: Floats, level: float) -> Interval:
    """The 95th percentile between order statistics, with one-sided error ``level`` at either end.

    Exact for any distribution: how many times lie below the percentile is binomial (Hahn and Meeker 1991, ch. 5).

    >>> percentile_interval(np.arange(1.0, 201.0), 0.025)
    Interval(value=190.05, low=184.0, high=197.0)
    """
    ordered, number = np.sort(times), len(times)
    low, high = (int(binom.ppf(point, number, QUANTILE)) for point in (level, 1 - level))
    return rounded_interval(np.quantile(ordered, QUANTILE), ordered[max(low - 1, 0)], ordered[min(high, number - 1)])
