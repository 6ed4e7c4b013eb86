"""Statistics that alarm when something moved, and hardly ever when nothing did."""

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from tiltyard.monitoring.drift import detect_drift, pool_profiles, profile_rows
from tiltyard.schemas.canonical import canonical_json
from tiltyard.schemas.project import Project, parse_project


def project() -> Project:
    features: dict[str, Any] = {
        "age": {"kind": "number"},
        "visits": {"kind": "integer"},
        "zeros": {"kind": "number"},
        "town": {"kind": "category"},
        "note": {"kind": "text"},
        "member": {"kind": "boolean"},
        "since": {"kind": "timestamp"},
    }
    return parse_project({"name": "p", "classes": ["a", "b"], "columns": {"id": "id", "features": features}}, "p.yaml")


def rows(count: int, seed: int, shift: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": rng.normal(40 + shift, 10, count),
            "visits": rng.integers(0, 9, count),
            "zeros": np.where(rng.random(count) < 0.6, 0.0, rng.random(count)),
            "town": rng.choice(["Ulm", "Bonn", "Jena", "Kiel"], count, p=[0.4, 0.3, 0.2, 0.1]),
            "note": pl.Series(["x" * int(length) for length in rng.integers(1, 40, count)], dtype=pl.String),
            "member": rng.random(count) < 0.3,
            "since": pl.Series([0] * count).cast(pl.Datetime("us", "UTC")),
        }
    )


REFERENCE = profile_rows(rows(20_000, seed=0), project())


def names(anomalies: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["column"], one["statistic"]) for one in anomalies}


def test_a_profile_is_plain_json_and_leaves_times_out() -> None:
    told = json.loads(canonical_json(REFERENCE))
    assert told == REFERENCE
    assert set(told["columns"]) == {"age", "visits", "zeros", "town", "note", "member"}
    assert told["columns"]["age"]["mean"] == pytest.approx(40, abs=0.5)
    assert told["columns"]["town"]["top"]["Ulm"] == pytest.approx(8000, rel=0.05)
    assert sum(told["columns"]["town"]["top"].values()) == 20_000


@pytest.mark.parametrize("count", [30, 300, 5000])
def test_no_change_is_hardly_ever_an_anomaly(count: int) -> None:
    alarms = sum(bool(detect_drift(profile_rows(rows(count, seed), project()), REFERENCE)) for seed in range(1, 61))
    assert alarms <= 3


CHANGES: list[tuple[Any, set[tuple[str, str]]]] = [
    (lambda frame: frame.with_columns(pl.col("age") + 6), {("age", "ks")}),
    (lambda frame: frame.with_columns(pl.col("age") * 2 - 40), {("age", "ks")}),
    (lambda frame: frame.with_columns(pl.col("visits") // 2), {("visits", "ks")}),
    (
        lambda frame: frame.with_columns(zeros=pl.when(pl.col("zeros") > 0.5).then(0.0).otherwise("zeros")),
        {("zeros", "ks")},
    ),
    (lambda frame: frame.with_columns(town=pl.lit("Ulm")), {("town", "psi")}),
    (lambda frame: frame.with_columns(pl.col("town").replace({"Ulm": "ULM"})), {("town", "psi")}),
    (lambda frame: frame.with_columns(pl.col("note") + "y" * 15), {("note", "ks")}),
    (lambda frame: frame.with_columns(pl.col("member").not_()), {("member", "psi")}),
    (lambda frame: frame.with_columns(pl.when(pl.int_range(pl.len()) % 4 > 0).then("age")), {("age", "missing")}),
    (lambda frame: frame.with_columns(pl.lit(None, pl.String).alias("town")), {("town", "missing")}),
]


@pytest.mark.parametrize(("change", "wanted"), CHANGES)
def test_what_moved_is_named(change: Any, wanted: set[tuple[str, str]]) -> None:
    anomalies = detect_drift(profile_rows(change(rows(1000, seed=3)), project()), REFERENCE)
    assert names(anomalies) == wanted
    (one,) = anomalies
    assert one["value"] > one["limit"]
    assert one["column"] in one["why"]
    assert canonical_json(one)


def test_the_limit_depends_on_how_many_rows_there_are() -> None:
    shifted = [profile_rows(rows(count, seed=5, shift=4.0), project()) for count in (25, 2000)]
    assert [bool(detect_drift(own, REFERENCE)) for own in shifted] == [False, True]


def test_a_change_too_small_to_matter_is_no_anomaly_at_any_size() -> None:
    assert detect_drift(profile_rows(rows(200_000, seed=6, shift=0.5), project()), REFERENCE) == []


def test_empty_and_other_columns_are_compared_as_far_as_they_go() -> None:
    empty = profile_rows(rows(10, seed=1).clear(), project())
    assert detect_drift(empty, REFERENCE) == []
    assert detect_drift(REFERENCE, empty) == []
    less = {"rows": 5, "columns": {"age": REFERENCE["columns"]["age"], "gone": REFERENCE["columns"]["town"]}}
    assert detect_drift(less, REFERENCE) == []


def test_values_near_the_end_of_float64_still_make_json() -> None:
    frame = rows(3, seed=1).with_columns(age=pl.Series([1e308, 1.7e308, -1e308]))
    assert canonical_json(profile_rows(frame, project()))
    assert isinstance(detect_drift(profile_rows(frame, project()), REFERENCE), list)


def test_more_categories_than_are_counted_still_compare() -> None:
    many = rows(5000, seed=2).with_columns(town=pl.int_range(5000).cast(pl.String))
    assert detect_drift(profile_rows(many, project()), profile_rows(many, project())) == []
    assert names(detect_drift(profile_rows(many, project()), REFERENCE)) == {("town", "psi")}


def pooled(*sides: dict[str, Any]) -> dict[str, Any]:
    together = pool_profiles(sides)
    assert together is not None
    return together


def test_the_pooled_profile_of_batches_is_that_of_all_their_rows() -> None:
    parts = [rows(700, seed) for seed in range(8)]
    together, whole = (
        pooled(*[profile_rows(part, project()) for part in parts]),
        profile_rows(pl.concat(parts), project()),
    )
    assert together["rows"] == whole["rows"] == 5600
    for name, column in whole["columns"].items():
        other = together["columns"][name]
        assert (other["n"], other["missing"]) == (column["n"], column["missing"])
        assert other.get("top") == column.get("top")
        if "mean" in column:
            assert (other["mean"], other["std"]) == pytest.approx((column["mean"], column["std"]))
    assert detect_drift(whole, together) == []
    json.loads(canonical_json(together))


@pytest.mark.parametrize("count", [30, 300, 5000])
def test_no_change_is_hardly_ever_an_anomaly_beside_a_few_batches(count: int) -> None:
    reference = pooled(*[profile_rows(rows(count, seed), project()) for seed in range(100, 108)])
    alarms = sum(bool(detect_drift(profile_rows(rows(count, seed), project()), reference)) for seed in range(1, 41))
    assert alarms <= 3


def test_a_reference_that_moves_takes_a_lasting_change_as_usual() -> None:
    moved = [profile_rows(rows(500, seed, shift=20), project()) for seed in range(10)]
    before = [profile_rows(rows(500, seed), project()) for seed in range(20, 28)]
    assert ("age", "ks") in names(detect_drift(moved[0], pooled(*before)))
    assert detect_drift(moved[9], pooled(*moved[:8])) == []


def test_columns_that_came_changed_kind_or_are_empty_pool_with_those_that_fit() -> None:
    one, other = profile_rows(rows(50, 1), project()), profile_rows(rows(50, 2), project())
    del one["columns"]["town"]
    one["columns"]["age"] = {"n": 50, "missing": 0, "top": {"old": 50}, "other": 0}
    empty = profile_rows(rows(0, 1), project())
    together = pooled(empty, one, other)
    assert set(together["columns"]) == set(other["columns"])
    assert (together["columns"]["age"]["n"], together["columns"]["town"]["n"]) == (50, 50)
    assert together["columns"]["visits"]["n"] == 100
    assert pooled(empty)["columns"]["age"]["mean"] is None
    assert pool_profiles([]) is None
