"""Rows on both sides of the split: twins, near-twins, one entity; and how much of it is coincidence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.projects.examined_models import examined, small, truth
from tiltyard.gate.checks.leakage import leakage
from tiltyard.samples.identity import sample_ids
from tiltyard.schemas.records import Check

COLUMNS = {
    "id": "key",
    "time": "at",
    "entity": "customer",
    "features": {
        **{f"f{number}": {"kind": "number"} for number in range(20)},
        "colour": {"kind": "category"},
    },
    "reference": ["customer"],
}
PROJECT = small(columns=COLUMNS)
START = datetime(2026, 1, 1, tzinfo=UTC)


def table(number: int, seed: int, prefix: str) -> pl.DataFrame:
    """Rows of many numbers, no two alike, one an hour, three of each customer."""
    rng = np.random.default_rng(seed)
    rows = pl.DataFrame(
        {
            "key": [f"{prefix}{row}" for row in range(number)],
            "at": pl.Series([START + timedelta(hours=row) for row in range(number)]).dt.cast_time_unit("us"),
            **{f"f{column}": rng.normal(0, 1, number) for column in range(20)},
            "colour": rng.choice(["Red", "green"], number),
            "customer": [f"{prefix}{row // 3}" for row in range(number)],
            "label": rng.choice(["no", "yes"], number),
        }
    )
    return with_ids(rows)


def with_ids(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(sample_id=sample_ids(rows, PROJECT))


EVALUATION, TRAINING = table(200, 1, "e"), table(300, 2, "t")


def copied(number: int, **changes: pl.Expr) -> pl.DataFrame:
    """Evaluation rows that the producer sends again under other keys, as training rows."""
    again = EVALUATION[:number].with_columns(key=pl.lit("again ") + pl.col("key"), customer=pl.lit("t0"))
    return pl.concat([TRAINING, with_ids(again.with_columns(**changes))])


def found(training: pl.DataFrame, project: Any = PROJECT, rows: pl.DataFrame = EVALUATION) -> tuple[Any, Any]:
    seen = examined(lambda _: 0.3, None, project=project, rows=rows, training=training)
    findings = leakage(seen, project)
    return {check.name: check for check in findings.checks}, findings.evidence["leaks"]


def test_sides_that_share_nothing_pass() -> None:
    checks, told = found(TRAINING)
    assert {name: check.outcome for name, check in checks.items()} == {
        "same content": "pass",
        "near duplicates": "pass",
        "entity": "pass",
    }
    assert told["same_content"] == told["same_entity"] == told["near_duplicates"]["found"] == 0


def test_the_same_content_under_another_key_and_time_fails_and_is_named() -> None:
    checks, told = found(copied(2, at=pl.col("at") + timedelta(days=9)))
    assert checks["same content"].outcome == "fail"
    assert checks["same content"].value == 2
    assert EVALUATION["sample_id"][0][:8] in checks["same content"].why
    assert told["expected"] == 0


def test_as_many_twins_as_the_project_file_allows_pass() -> None:
    allowed = small({"leaks": {"same_content": 2}}, columns=COLUMNS)
    assert found(copied(2), allowed)[0]["same content"].outcome == "pass"
    assert found(copied(3), allowed)[0]["same content"].outcome == "fail"


def test_the_champions_training_set_counts_too() -> None:
    seen = examined(lambda _: 0.3, lambda _: 0.4, project=PROJECT, rows=EVALUATION, training=TRAINING)
    leaked = examined(lambda _: 0.3, lambda _: 0.4, project=PROJECT, rows=EVALUATION, training=copied(1))
    (check, *_) = leakage(replace(seen, champion=leaked.champion), PROJECT).checks
    assert check.outcome == "fail"


@pytest.mark.parametrize(
    "change",
    [
        {"f3": pl.col("f3") + 5.0},
        {"colour": pl.col("colour").str.to_uppercase() + " "},
        {f"f{number}": pl.col(f"f{number}") + 1e-4 for number in range(20)},
    ],
    ids=["one column differs", "case and spaces", "rounded away"],
)
def test_rows_that_nearly_repeat_fail(change: dict[str, pl.Expr]) -> None:
    checks, told = found(copied(40, **change))
    assert checks["same content"].outcome == "pass"
    assert checks["near duplicates"].outcome == "fail"
    # Rows that stand astride a rounding step in some column are missed.
    assert told["near_duplicates"]["found"] >= 30


def test_a_few_near_twins_are_allowed() -> None:
    assert found(copied(5, f3=pl.col("f3") + 5.0))[0]["near duplicates"].outcome == "pass"


def test_texts_with_a_few_other_characters_are_near() -> None:
    project = small(columns={"features": {"text": {"kind": "text"}}})
    rng = np.random.default_rng(0)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    words = ["".join(rng.choice(letters, rng.integers(2, 9))) for _ in range(400)]
    texts = [" ".join(rng.choice(words, 12)) for _ in range(300)]

    def rows(given: list[str]) -> pl.DataFrame:
        frame = pl.DataFrame({"text": given, "label": ["no"] * len(given)})
        return frame.with_columns(sample_id=sample_ids(frame, project))

    again = [text.replace("r", "R", 1) + "." for text in texts[:30]]
    leaked, told = found(rows(texts[100:] + again), project, rows(texts[:100]))
    assert leaked["same content"].outcome == "pass"
    assert leaked["near duplicates"].outcome == "fail"
    assert told["near_duplicates"]["found"] >= 25
    clean, told = found(rows(texts[100:]), project, rows(texts[:100]))
    assert clean["near duplicates"].outcome == "pass"
    assert told["near_duplicates"]["found"] == 0


def test_coincidence_in_coarse_tables_is_no_leak() -> None:
    project = small(columns={"id": "key", "features": {"colour": {"kind": "category"}, "n": {"kind": "integer"}}})

    def rows(number: int, seed: int) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        frame = pl.DataFrame(
            {
                "key": [f"{seed} {row}" for row in range(number)],
                "colour": rng.choice(["red", "green"], number),
                "n": rng.integers(0, 40, number),
                "label": ["no"] * number,
            }
        )
        return frame.with_columns(sample_id=sample_ids(frame, project))

    checks, told = found(rows(300, 1), project, rows(200, 2))
    assert told["same_content"] > 150
    assert {check.outcome for check in checks.values()} == {"pass"}
    assert "by coincidence" in checks["same content"].why


def test_an_entity_on_both_sides_fails() -> None:
    astray = TRAINING.with_columns(
        customer=pl.when(pl.col("key") == "t7").then(pl.lit("e1")).otherwise(pl.col("customer"))
    )
    check: Check = found(astray)[0]["entity"]
    assert (check.outcome, check.value) == ("fail", 3)
    assert "customer" in check.why


def test_a_missing_entity_belongs_to_nobody() -> None:
    nobody = pl.lit(None, dtype=pl.String).alias("customer")
    checks, told = found(TRAINING.with_columns(nobody), rows=EVALUATION.with_columns(nobody))
    assert checks["entity"].outcome == "pass"
    assert told["same_entity"] == 0


@pytest.mark.parametrize(("hours", "share"), [(0, 0.995), (-1000, 0.0), (99.5, 1.0)])
def test_the_order_in_time_is_told(hours: float, share: float) -> None:
    trained = TRAINING[:200].with_columns(at=pl.col("at") + timedelta(hours=hours))
    assert found(trained)[1]["before_newest_training"] == share


def test_a_training_set_of_an_older_project_file_lacks_a_column() -> None:
    checks, _ = found(TRAINING.drop("f7"))
    assert checks["same content"].outcome == "pass"


def test_rows_that_were_trained_on_are_the_gates_own_check() -> None:
    checks, told = found(pl.concat([TRAINING, EVALUATION[:10]]))
    assert checks["same content"].outcome == "pass"
    assert told["same_content"] == 0


def test_without_limits_it_is_only_told() -> None:
    none = {"same_content": None, "near_duplicates": None, "same_entity": None}
    project = small({"leaks": none}, columns=COLUMNS)
    checks, told = found(copied(40), project)
    assert checks == {}
    assert told["same_content"] == 40


def test_the_small_project_has_no_twins() -> None:
    outcomes = {check.outcome for check in leakage(examined(truth, project=small()), small()).checks}
    assert outcomes == {"pass"}
