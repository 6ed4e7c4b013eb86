"""A metric that only two classes have is refused where there are more: as a floor it would never be decided."""

from typing import Any

import pytest

from tiltyard.gate.what_if import with_settings
from tiltyard.schemas.errors import ProjectFileError
from tiltyard.schemas.project import METRICS, Project, parse_project
from tiltyard.schemas.project.gate import OF_TWO_CLASSES


def project(classes: int, **gate: Any) -> Project:
    """A project with so many classes."""
    columns = {"features": {"x": {"kind": "number"}}}
    names = [f"c{number}" for number in range(classes)]
    return parse_project({"name": "p", "columns": columns, "classes": names, "gate": gate}, "p.yaml")


@pytest.mark.parametrize("metric", sorted(OF_TWO_CLASSES))
def test_it_is_refused_as_metric_and_as_floor_of_three_classes(metric: str) -> None:
    for gate in ({"metric": metric}, {"floors": {"accuracy": 0.5, metric: 0.8}}):
        assert project(2, **gate).gate
        with pytest.raises(ProjectFileError, match=rf"{metric}.* needs two classes, here are 3; use macro_f1"):
            project(3, **gate)
    with pytest.raises(ProjectFileError, match="use macro_f1"):
        with_settings(project(3), [f"gate.floors={{{metric}: 0.8}}"])


def test_every_other_metric_is_a_floor_of_any_number_of_classes() -> None:
    floors = {metric: 0.5 for metric in METRICS if metric not in OF_TWO_CLASSES}
    assert project(3, floors=floors).gate.floors == floors
