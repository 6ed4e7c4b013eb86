"""Promises against what comes true: the error without chance's share, its interval, the parts of the Brier score."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from tests.projects.examined_models import examined, small, small_rows, truth
from tiltyard.evaluation.predictions import Predictions
from tiltyard.gate.checks.calibration import (
    ReliabilityBins,
    brier_parts,
    calibration,
    calibration_errors,
    reliability_bins,
)


def made(rows: int, off: float, seed: int) -> ReliabilityBins:
    """Rows whose promise is ``off`` above the chance of being right."""
    rng = np.random.default_rng(seed)
    sure = rng.uniform(0.55, 0.99, rows)
    right = rng.random(rows) < np.clip(sure - off, 0, 1)
    told = np.column_stack([1 - sure, sure])
    said = Predictions(told, np.full(rows, "yes"), ("no", "yes"), "yes")
    return reliability_bins(np.where(right, "yes", "no"), said)


def error(told: ReliabilityBins, *, both: bool) -> float:
    return float(calibration_errors(told, np.ones((1, len(told.sure))), both=both)[0])


@pytest.mark.parametrize("rows", [60, 200, 1000])
@pytest.mark.parametrize(("off", "both"), [(0.1, False), (0.3, False), (0.3, True), (-0.2, True)])
def test_the_error_is_right_on_average_whatever_the_number_of_rows(rows: int, off: float, both: bool) -> None:
    found = np.mean([error(made(rows, off, seed), both=both) for seed in range(200)])
    assert found == pytest.approx(np.mean(_true_gap(rows, off)), abs=0.015)


def _true_gap(rows: int, off: float) -> list[float]:
    """The mean gap where a chance cannot leave [0, 1]."""
    told = [made(rows, off, seed) for seed in range(200)]
    return [float(np.abs(one.sure - np.clip(one.sure - off, 0, 1)).mean()) for one in told]


def test_what_chance_adds_is_taken_off() -> None:
    plain = [_plain(made(100, 0.0, seed)) for seed in range(100)]
    debiased = [error(made(100, 0.0, seed), both=True) for seed in range(100)]
    assert np.mean(debiased) < 0.6 * np.mean(plain)


def _plain(told: ReliabilityBins) -> float:
    """The usual estimate: the mean size of the bins' gaps."""
    return float(np.abs(told.bins.T @ (told.sure - told.right)).sum() / len(told.sure))


def test_too_modest_promises_count_only_where_both_sides_do() -> None:
    modest = made(400, -0.25, 1)
    assert error(modest, both=False) < 0.01
    assert error(modest, both=True) > 0.1


def test_bins_hold_twenty_rows_and_equal_promises_stay_together() -> None:
    assert made(39, 0, 0).bins.shape[1] == 1
    assert made(1000, 0, 0).bins.sum(axis=0).tolist() == [100.0] * 10
    same = Predictions(np.tile([0.2, 0.8], (400, 1)), np.full(400, "yes"), ("no", "yes"), "yes")
    assert reliability_bins(np.full(400, "yes"), same).bins.shape[1] == 1


def test_the_parts_add_up_to_scikit_learns_score() -> None:
    told = made(500, 0.1, 4)
    parts = brier_parts(told, np.ones(500))
    assert parts["score"] == pytest.approx(brier_score_loss(told.right.astype(int), told.sure), abs=1e-6)
    whole = parts["reliability"] - parts["resolution"] + parts["uncertainty"] + parts["within"]
    assert parts["score"] == pytest.approx(whole, abs=1e-5)
    assert abs(parts["within"]) < 0.005


def boastful(frame: Any) -> Any:
    """Right in two of three rows, and always sure."""
    wrong = np.arange(len(frame)) % 3 == 0
    return np.where(wrong, 1 - truth(frame), truth(frame))


def half_sure(frame: Any) -> Any:
    return np.where(truth(frame) > 0.5, 0.62, 0.38)


def outcomes(found: Any) -> dict[str, str]:
    return {check.name: check.outcome for check in found.checks}


def test_a_boastful_model_fails_in_itself_and_beside_the_champion() -> None:
    found = calibration(examined(boastful, project=small()), small())
    assert outcomes(found) == {"calibration": "fail", "calibration against champion": "fail"}
    assert "too high by" in found.checks[0].why
    assert found.evidence["calibration"]["challenger"]["error"] == pytest.approx(0.31, abs=0.02)


def test_a_modest_model_passes_unless_both_sides_count() -> None:
    assert set(outcomes(calibration(examined(half_sure, project=small()), small())).values()) == {"pass"}
    strict = small({"calibration": {"counted": "both"}})
    assert outcomes(calibration(examined(half_sure, project=strict), strict))["calibration"] == "fail"


def test_a_few_rows_show_nothing() -> None:
    rows = small_rows(12, seed=1)
    found = calibration(examined(boastful, project=small(), rows=rows), small())
    assert set(outcomes(found).values()) == {"pass"}


def test_without_limits_it_is_only_told() -> None:
    project = small({"calibration": {"most_error": None, "most_worse": None}})
    found = calibration(examined(boastful, project=project), project)
    assert found.checks == ()
    assert set(found.evidence["calibration"]) == {"counted", "challenger", "champion"}
    assert sum(one["rows"] for one in found.evidence["calibration"]["champion"]["bins"]) == 400
