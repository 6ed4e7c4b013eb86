"""What decisions cost in the project's own money."""

import numpy as np
import pytest

from tests.projects.examined_models import examined, small, truth
from tiltyard.evaluation.metrics import row_costs
from tiltyard.gate.checks.costs import decision_costs

COSTS = {"yes": {"no": 10.0}, "no": {"yes": 1.0}}


def test_each_wrong_decision_costs_what_the_project_file_says() -> None:
    project = small(costs=COSTS)
    seen = examined(lambda frame: 1 - truth(frame), project=project)
    costs = row_costs(seen.labels, seen.challenger.predictions, project)
    assert costs.tolist() == [10.0 if label == "yes" else 1.0 for label in seen.labels]
    assert not row_costs(seen.labels, seen.champion.predictions, project).any()  # type: ignore[union-attr]  # it is there


def test_both_sides_and_the_saving_are_told_with_intervals() -> None:
    project = small(costs=COSTS)
    told = decision_costs(examined(truth, lambda frame: np.full(len(frame), 0.9), project=project), project).evidence
    no = np.mean(examined(truth, project=project).labels == "no")
    assert told["costs"]["challenger"]["value"] == 0
    assert told["costs"]["saved"]["value"] == told["costs"]["champion"]["value"] == pytest.approx(no, abs=1e-6)
    assert 0 < told["costs"]["saved"]["low"] < no < told["costs"]["saved"]["high"]


def test_a_first_champion_has_nothing_to_save() -> None:
    project = small(costs=COSTS)
    told = decision_costs(examined(truth, None, project=project), project).evidence["costs"]
    assert (told["champion"], told["saved"]) == (None, None)


def test_a_project_without_costs_tells_none() -> None:
    assert decision_costs(examined(truth, project=small()), small()).evidence == {}
