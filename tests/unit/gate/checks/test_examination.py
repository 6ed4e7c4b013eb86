"""All further checks together: their order, what they tell, and that rows weigh what they stand for."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.projects.examined_models import examined, small, small_rows, truth
from tiltyard.evaluation.strata import Strata, weights_of
from tiltyard.gate.checks.slices import slices
from tiltyard.gate.checks.suite import run_checks

ALL = {
    "freshness_days": 7,
    "churn": 0.2,
    "perturbation": {"most_flips": 0.3},
    "resources": {"size_mb": 10, "latency_ms": 1000},
}
COSTS = {"yes": {"no": 5.0}}


def wrong_where_red(frame: Any) -> Any:
    return np.where(frame["colour"] == "red", 1 - truth(frame), truth(frame))


def test_checks_stand_in_the_order_in_which_they_are_read() -> None:
    project = small(ALL, costs=COSTS)
    found = run_checks(examined(truth, project=project, stopwatch=lambda: 0.0), project)
    assert [check.name for check in found.checks] == [
        "freshness",
        "same content",
        "near duplicates",
        "constant",
        "dominance",
        "slices",
        "perturbation",
        "perturbation against champion",
        "calibration",
        "calibration against champion",
        "churn",
        "size",
        "latency",
    ]
    assert {check.name for check in found.checks if check.outcome != "pass"} == {"freshness"}
    assert all(check.why[0].islower() or check.why[0] in "'0123456789" for check in found.checks)


def test_what_is_told_is_plain_json_without_numbers_that_are_none() -> None:
    project = small(ALL, costs=COSTS)
    told = dict(run_checks(examined(truth, project=project, stopwatch=lambda: 0.0), project).evidence)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert set(told) == {
        "freshness",
        "leaks",
        "dominance",
        "slices",
        "vanished",
        "perturbation",
        "calibration",
        "churn",
        "latency",
        "costs",
    }


@pytest.mark.parametrize("champion", [truth, None], ids=["beside a champion", "a first champion"])
def test_the_same_rows_give_the_same_findings(champion: Any) -> None:
    first, second = (run_checks(examined(wrong_where_red, champion, project=small()), small()) for _ in range(2))
    assert first == second


def test_no_labels_no_findings() -> None:
    rows = small_rows(0, seed=1)
    assert run_checks(examined(truth, project=small(), rows=rows), small()).checks == ()


@pytest.mark.parametrize("number", [1, 2, 5])
def test_very_few_labels_break_nothing_and_fail_nothing(number: int) -> None:
    found = run_checks(examined(truth, project=small(), rows=small_rows(number, seed=3)), small())
    assert {check.outcome for check in found.checks} <= {"pass", "undecided"}


def test_rows_without_training_rows_are_examined() -> None:
    training = small_rows(0, seed=2)
    found = run_checks(examined(truth, project=small(), training=training), small())
    assert {check.outcome for check in found.checks} == {"pass"}


def drawn_where_they_differ() -> tuple[pl.DataFrame, Strata]:
    """200 rows by chance of the 9,000 on which two models agree, 200 of the 1,000 red ones on which they do not."""
    rows = small_rows(3000, seed=1)
    red, others = rows.filter(pl.col("colour") == "red")[:200], rows.filter(pl.col("colour") != "red")[:200]
    return pl.concat([others, red]), Strata(np.repeat([0, 1], 200), (9000, 1000))


def test_resamples_are_drawn_within_strata() -> None:
    rows, strata = drawn_where_they_differ()
    seen = examined(wrong_where_red, project=small(), rows=rows, strata=strata, weights=weights_of(strata))
    drawn = seen.resampled_weights(50)
    assert drawn.shape == (51, 400)
    assert np.allclose(drawn[:, :200].sum(axis=1), 9000)
    assert np.allclose(drawn[:, 200:].sum(axis=1), 1000)
    assert np.ptp(drawn[1:], axis=0).min() > 0


def test_shares_are_those_of_the_population_not_of_the_labels() -> None:
    rows, strata = drawn_where_they_differ()
    seen = examined(wrong_where_red, project=small(), rows=rows, strata=strata, weights=weights_of(strata))
    told = run_checks(seen, small()).evidence
    assert told["churn"]["share"] == pytest.approx(0.1)
    assert told["churn"]["low"] > 0.05
    found = slices(seen, small())
    assert found.checks[0].outcome == "fail"
    (red,) = [row for row in found.evidence["slices"] if (row["column"], row["value"]) == ("colour", "red")]
    assert (red["challenger"], red["champion"]) == (0.0, 1.0)


def test_very_many_labels_are_resampled_less_often() -> None:
    rows = small_rows(10, seed=1)
    seen = examined(truth, project=small(), rows=rows, weights=np.ones(10))
    assert seen.resampled_weights(400).shape == (401, 10)
    many = np.ones(100_000)
    assert replace(seen, weights=many).resampled_weights(400).shape == (201, 100_000)
