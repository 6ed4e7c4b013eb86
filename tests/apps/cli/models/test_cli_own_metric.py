"""A project whose gate judges by its own metric: the doctor says whether it loads, and the loop works by it."""

from pathlib import Path

import pytest

from tests.clients.commands import tiltyard
from tests.projects.judged_project import a_judged_day
from tests.projects.small_project import CONTENT, make_project

GATE = {"minimum_labels": 8, "resamples": 200}


@pytest.mark.parametrize(
    ("metric", "state", "said"),
    [
        ("tests.projects.own_metrics:profit", "ok", "tests.projects.own_metrics:profit, higher is better"),
        ("tests.projects.own_metrics:waste", "ok", "lower is better"),
        ("tests.projects.own_metrics:profits", "fail", "did you mean 'profit'"),
        ("no_such_package:profit", "fail", "cannot import 'no_such_package'"),
        ("f1", "ok", "gate.metric: f1"),
    ],
)
def test_the_doctor_says_whether_the_metric_loads(tmp_path: Path, metric: str, state: str, said: str) -> None:
    make_project(tmp_path, gate={**GATE, "metric": metric})
    told = tiltyard("doctor", "-p", tmp_path, "--json").data
    (finding,) = [one for one in told["findings"] if one["name"] == "metric"]
    assert finding["state"] == state
    assert said in finding["said"]


def test_a_metric_of_numbers_is_refused_where_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text(str(CONTENT | {"gate": {"metric": "rmse"}}), "utf-8")
    told = tiltyard("status", "-p", tmp_path)
    assert told.code != 0
    assert "regression is not offered" in told.err
    assert "Traceback" not in told.err


def test_the_loop_trains_judges_and_promotes_by_it(tmp_path: Path) -> None:
    workspace = make_project(tmp_path, gate={**GATE, "metric": "tests.projects.own_metrics:profit"})
    for number in range(2):
        a_judged_day(workspace, number)
    first, *later = [one for one in workspace.ledger.champions.verdicts() if one.decided_by == "gate"]
    assert first.decision == "promote"
    assert first.metric == "tests.projects.own_metrics:profit"
    assert later
    assert later[-1].gain is not None
    assert "profit is" in later[-1].reason or later[-1].decision == "promote"
