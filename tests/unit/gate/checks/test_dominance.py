"""One answer that crowds out the others, on all rows or in a slice."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.projects.examined_models import examined, small, small_rows, truth
from tiltyard.gate.checks.prediction_collapse import prediction_collapse
from tiltyard.gate.inputs import CheckResults
from tiltyard.schemas.records import Check


def check_of(name: str, found: CheckResults) -> Check:
    (check,) = [check for check in found.checks if check.name == name]
    return check


def test_a_model_that_is_right_passes_and_its_shares_are_told() -> None:
    found = prediction_collapse(examined(truth, project=small()), small())
    assert [check.outcome for check in found.checks] == ["pass", "pass"]
    (yes,) = [row for row in found.evidence["dominance"] if row["label"] == "yes"]
    assert yes["challenger"] == yes["champion"] == yes["labels"]


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc", "log_loss", "brier", "own.metrics:profit"])
def test_constant_probabilities_fail_under_every_metric(metric: str) -> None:
    project = small({"metric": metric})
    check = check_of(
        "constant", prediction_collapse(examined(lambda frame: np.full(len(frame), 0.3), project=project), project)
    )
    assert check.outcome == "fail"
    assert "exactly the same of every row" in check.why


@pytest.mark.parametrize(
    ("metric", "others", "outcome"),
    [("accuracy", 3, "fail"), ("accuracy", 2, "undecided"), ("accuracy", 0, "pass"), ("roc_auc", 3, "pass")],
)
def test_one_decision_fails_once_the_labels_are_enough(metric: str, others: int, outcome: str) -> None:
    everything = small_rows(400, seed=3)
    rows = everything.filter(everything["label"] == "no")[:60]
    rows = rows.vstack(everything.filter(everything["label"] == "yes")[:others])
    project = small({"metric": metric})
    found = prediction_collapse(
        examined(lambda frame: 0.4 * truth(frame) + 0.001 * frame["x"] / 20, project=project, rows=rows), project
    )
    check = check_of("constant", found)
    assert check.outcome == outcome
    assert f"decides for 'no' in all {60 + others} rows, and {others} labels are of other classes" in check.why
    assert check.limit == (2 if others else 1)
    assert ("set tuning.threshold to costs" in check.why) == (metric == "roc_auc")


def test_a_label_far_above_its_share_fails_and_is_named() -> None:
    found = prediction_collapse(examined(lambda frame: np.where(frame["y"] > -3.5, 0.9, 0.1), project=small()), small())
    check = check_of("dominance", found)
    assert check.outcome == "fail"
    assert check.low is not None
    assert check.low > 0.25
    assert "'yes' has" in check.why


def test_a_label_that_dominates_one_slice_only_fails_there() -> None:
    def one_colour(frame: Any) -> Any:
        return np.where(frame["colour"] == "blue", 0.9, truth(frame))

    check = check_of("dominance", prediction_collapse(examined(one_colour, project=small()), small()))
    assert check.outcome == "fail"
    assert "where colour 'blue'" in check.why


@pytest.mark.parametrize(("share", "outcome"), [(0.35, "pass"), (0.65, "fail")])
def test_the_commonest_label_may_be_the_answer_where_nothing_tells_rows_apart(share: float, outcome: str) -> None:
    """Labels that follow from nothing: to say 'no' of all is best where 'no' is commoner, and wrong where it is not."""
    rows = small_rows(400, seed=1)
    chance = np.random.default_rng(0).random(400) < share
    rows = rows.with_columns(label=pl.Series(np.where(chance, "yes", "no")))

    def saying_no(frame: Any) -> Any:
        return np.where(np.arange(len(frame)) < 8, 0.9, 0.35)

    def guessing(frame: Any) -> Any:
        return np.where(np.random.default_rng(3).random(len(frame)) < 0.5, 0.9, 0.1)

    for champion in (guessing, None):
        found = prediction_collapse(examined(saying_no, champion, project=small(), rows=rows), small())
        check = check_of("dominance", found)
        assert check.low is not None
        assert check.low > 0.2
        assert check.outcome == outcome


def test_without_a_limit_it_is_only_told() -> None:
    project = small({"dominance": None})
    found = prediction_collapse(examined(lambda frame: np.where(frame["y"] > -9, 0.9, 0.1), project=project), project)
    assert [check.name for check in found.checks] == ["constant"]
    assert found.evidence["dominance"]
