"""What labels bought is a verdict's own gain, of labels alone where nothing else changed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tiltyard.evaluation.metrics import describe_gain, describe_gain_interval
from tiltyard.reports.label_value import label_worth
from tiltyard.schemas.records import Interval, Model, ModelId, StoredFile, TrainingId, Verdict, VerdictId
from tiltyard.training.versioning import ModelVersion, Step

NOW = datetime(2026, 1, 2, tzinfo=UTC)
A, B, C = (ModelId(name) for name in "abc")
LABELS = {"s-a": 40, "s-b": 90, "s-c": 91}


def model(name: ModelId) -> Model:
    file = StoredFile("f", "0" * 64, 1)
    return Model(name, TrainingId(f"s-{name}"), "", {}, 0, "", {}, {}, None, "", "", file, "", NOW)


def versions(*steps: Step) -> dict[ModelId, ModelVersion]:
    return {name: ModelVersion(name, 1, 0, 0, step, "") for name, step in zip((A, B, C), steps, strict=True)}


def verdict(challenger: ModelId, champion: ModelId | None, gain: float | None) -> Verdict:
    told = None if gain is None else Interval(gain, gain - 0.01, gain + 0.01)
    return Verdict(
        VerdictId(f"{champion}-{challenger}-{gain}"), challenger, champion, None, "keep", "accuracy", 100,
        None, None, told, (), {}, "gate", "", NOW,
    )  # fmt: skip


def test_the_last_labels_bought_what_the_verdict_says() -> None:
    given = [verdict(A, None, None), verdict(B, A, 0.008)]
    (worth,) = label_worth(given, [model(A), model(B)], LABELS, versions("first", "patch", "patch"))
    assert worth.sentence == "the last 50 labels bought +0.8 points of accuracy (between -0.2 and +1.8)"
    row = worth.as_row()
    assert (row["labels before"], row["labels"], row["gain"], row["per_hundred"]) == (40, 50, 0.008, 0.016)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (("first", "patch", "patch"), "the last 51 labels bought"),
        (("first", "minor", "patch"), "the last 51 labels and another recipe bought"),
        (("first", "minor", "major"), "the last 51 labels and another contract bought"),
        (("major", "patch", "patch"), "the last 51 labels bought"),  # what changed before the champion does not count
    ],
)
def test_what_else_changed_on_the_way_is_said(steps: tuple[Step, ...], said: str) -> None:
    (worth,) = label_worth([verdict(C, A, 0.1)], [model(A), model(B), model(C)], LABELS, versions(*steps))
    assert worth.sentence.startswith(said)


def test_one_label_is_one_and_of_two_looks_the_last_counts() -> None:
    models, of_data = [model(A), model(B), model(C)], versions("first", "patch", "patch")
    (worth,) = label_worth([verdict(C, B, 0.1), verdict(C, B, 0.2)], models, LABELS, of_data)
    assert worth.gain.value == 0.2
    assert "the last 1 label bought +20.0" in worth.sentence


def test_fewer_labels_and_moves_of_people_are_worth_nothing() -> None:
    models, of_data = [model(A), model(B)], versions("first", "patch", "patch")
    back = replace(verdict(B, A, 0.1), decision="roll_back")
    assert label_worth([verdict(A, B, 0.1), back, verdict(A, A, 0.0)], models, LABELS, of_data) == []


def test_losses_and_metrics_of_ones_own_have_no_points() -> None:
    assert describe_gain(0.0123, "log_loss") == "+0.0123 of log_loss"
    assert describe_gain_interval(Interval(1234.5, -2, 9000), "shop:income") == (
        "+1.23e+03 of shop:income (between -2 and +9e+03)"
    )
    assert describe_gain(-0.0004, "accuracy") == "+0.0 points of accuracy"
