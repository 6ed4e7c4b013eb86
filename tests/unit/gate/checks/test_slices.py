"""Harm in a part of the rows: found where it is, claimed by chance as seldom as the level says."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.projects.examined_models import examined, small, small_rows, truth
from tiltyard.gate.checks.slice_definitions import find_slices, unlabeled_values
from tiltyard.gate.checks.slices import Gain, holm_rejections, slices


def wrong_where(rows: Any, share: float = 1.0) -> Any:
    """A rule that errs on that share of some rows."""

    def rule(frame: Any) -> Any:
        hit = rows(frame) & (np.arange(len(frame)) % 100 < 100 * share)
        return np.where(hit, 1 - truth(frame), truth(frame))

    return rule


def red(frame: Any) -> Any:
    return (frame["colour"] == "red").to_numpy()


def nowhere(frame: Any) -> Any:
    return np.zeros(len(frame), dtype=bool)


def test_rows_are_cut_by_value_band_and_label() -> None:
    parts = find_slices(examined(truth, project=small()), small())
    assert {part.column for part in parts} == {"label", "x", "y", "colour"}
    assert [part.value for part in parts if part.column == "colour"] == ["blue", "green", "red"]
    bands = [part for part in parts if part.column == "x"]
    assert [part.rows for part in bands] == [101, 100, 100, 99]
    assert np.array([part.mask for part in bands]).sum(axis=0).tolist() == [1] * 400


def test_missing_cells_are_a_slice_and_small_slices_are_left_out() -> None:
    missing = [None] * 50 + [0.5] * 340 + [9.0] * 10
    parts = find_slices(examined(truth, project=small(), rows=small_rows(400, seed=1, y=missing)), small())
    assert [(part.value, part.rows) for part in parts if part.column == "y"] == [("(missing)", 50), ("0.5", 340)]


@pytest.mark.parametrize(
    ("kind", "cells", "values"),
    [
        ("boolean", [True, False], ["false", "true"]),
        ("integer", [1, 2, 3], ["1", "2", "3"]),
        ("text", ["abc", "abcdefgh"], ["length of z: above 3", "length of z: up to 3"]),
        ("timestamp", [0, 86_400_000_000], ["above 1970-01-01", "up to 1970-01-01"]),
    ],
)
def test_every_kind_of_column_is_cut(kind: str, cells: list[Any], values: list[str]) -> None:
    project = small(columns={"features": {"z": {"kind": kind}}, "reference": ["row_id"]})
    column = pl.Series([cells[row % len(cells)] for row in range(300)])
    if kind == "timestamp":
        column = column.cast(pl.Datetime("us", "UTC"))
    rows = pl.DataFrame({"z": column, "sample_id": [f"{row:032x}" for row in range(300)], "label": ["no", "yes"] * 150})
    parts = find_slices(examined(lambda _: 0.3, None, project=project, rows=rows, training=rows[:0]), project)
    named = [part.value if part.column == "z" else f"{part.column}: {part.value}" for part in parts]
    assert sorted(name for name in named if not name.startswith("label")) == values


def test_named_columns_are_the_only_ones() -> None:
    project = small({"slices": {"columns": ["colour"]}})
    assert {part.column for part in find_slices(examined(truth, project=project), project)} == {"label", "colour"}


@pytest.mark.parametrize("metric", ["accuracy", "f1", "roc_auc", "log_loss", "brier", "own.metrics:profit"])
def test_a_slice_made_worse_fails_and_is_named(metric: str) -> None:
    project = small({"metric": metric})
    found = slices(examined(wrong_where(red, 0.6), project=project), project)
    (check,) = found.checks
    assert check.outcome == "fail"
    assert "colour 'red'" in check.why
    (told,) = [row for row in found.evidence["slices"] if (row["column"], row["value"]) == ("colour", "red")]
    assert told["outcome"] == "fail"
    assert told["high"] < -0.05
    others = [row["outcome"] for row in found.evidence["slices"] if row["column"] == "colour" and row["value"] != "red"]
    assert others == ["pass", "pass"]


@pytest.mark.parametrize(("rule", "outcome"), [("no_harm", "pass"), ("not_worse", "undecided")])
def test_where_little_is_known_the_two_rules_differ(rule: str, outcome: str) -> None:
    project = small({"slices": {"rule": rule, "columns": ["colour"], "minimum": 20}})
    rows = small_rows(80, seed=1)
    (check,) = slices(examined(wrong_where(nowhere), project=project, rows=rows), project).checks
    assert check.outcome == outcome
    assert check.limit == -0.05


def test_not_worse_passes_once_every_slice_has_shown_it() -> None:
    project = small({"slices": {"rule": "not_worse", "columns": ["colour"]}})
    rows = small_rows(1500, seed=1)
    (check,) = slices(examined(truth, project=project, rows=rows), project).checks
    assert check.outcome == "pass"


def test_true_labels_are_told_for_two_classes_and_judged_where_asked() -> None:
    def all_yes_half_the_time(frame: Any) -> Any:
        return np.where(np.arange(len(frame)) % 2, 0.9, truth(frame))

    told = slices(examined(all_yes_half_the_time, project=small({"slices": {"columns": ["row_id"]}})), small())
    labels = {row["value"]: row for row in told.evidence["slices"] if row["column"] == "label"}
    assert {row["outcome"] for row in labels.values()} == {"told"}
    asked = small({"slices": {"labels": True}})
    judged = slices(examined(all_yes_half_the_time, project=asked), asked)
    assert {row["value"]: row["outcome"] for row in judged.evidence["slices"] if row["column"] == "label"} == {
        "no": "fail",
        "yes": "pass",
    }


def test_a_value_that_was_trained_on_and_has_no_evaluation_label_is_told() -> None:
    rows = small_rows(400, seed=1).filter(pl.col("colour") != "red")
    seen = examined(truth, project=small(), rows=rows)
    trained = seen.challenger.training.filter(pl.col("colour") == "red").height
    assert unlabeled_values(seen, small()) == [("colour", "red", trained)]
    found = slices(seen, small())
    assert found.evidence["vanished"] == [{"column": "colour", "value": "red", "training_rows": trained}]
    assert found.checks[0].why.endswith("; no evaluation label has colour 'red'")


def test_a_first_champion_has_slices_to_look_at_and_none_to_fail() -> None:
    found = slices(examined(wrong_where(red), None, project=small()), small())
    assert found.checks == ()
    assert {row["gain"] for row in found.evidence["slices"]} == {None}


def test_holms_rule_goes_on_where_bonferroni_stops() -> None:
    gains = [Gain(-0.30, 0.05, 1e6), Gain(-0.165, 0.05, 1e6), Gain(0.1, 0.05, 1e6)]
    assert gains[1].chance_of(-0.05) > 0.025 / 3
    assert gains[1].chance_of(-0.05) < 0.025 / 2
    assert holm_rejections(gains, 0.05, 0.025) == [True, True, False]


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc"])
def test_chance_alone_is_seldom_called_harm(metric: str) -> None:
    """Two equal models that err at random, 150 times: false harm at most at the level that is stated (2.5 %)."""
    project = small({"metric": metric})

    def erring(seed: int) -> Any:
        rng = np.random.default_rng(seed)
        return lambda frame: np.clip(truth(frame) * 0.4 + 0.3 + rng.normal(0, 0.25, len(frame)), 0.01, 0.99)

    false = 0
    for seed in range(150):
        rows = small_rows(200, seed=1000 + seed)
        seen = examined(erring(2 * seed), erring(2 * seed + 1), project=project, rows=rows)
        false += slices(seen, project).checks[0].outcome == "fail"
    assert false <= 4  # 2.5 % of 150 are 3.75
