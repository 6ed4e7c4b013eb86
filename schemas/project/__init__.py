"""The project file: one learning problem as one YAML file, checked key by key.

Outsiders import from here; the modules of this folder hold one section of the file each.
"""

from tiltyard.schemas.project.classes import ClassName
from tiltyard.schemas.project.columns import OURS, Column, Kind, inside
from tiltyard.schemas.project.gate import METRICS, Calibration, Gate, Looks, MetricName, Perturbation, Resources, Watch
from tiltyard.schemas.project.project_file import (
    CsvOptions,
    Labeling,
    Project,
    Query,
    Stopping,
    StrategyName,
    parse_project,
    project_schema,
    recorded_project,
)
from tiltyard.schemas.project.tuning import Candidate, Range, Tuning

__all__ = [
    "METRICS",
    "OURS",
    "Calibration",
    "Candidate",
    "ClassName",
    "Column",
    "CsvOptions",
    "Gate",
    "Kind",
    "Labeling",
    "Looks",
    "MetricName",
    "Perturbation",
    "Project",
    "Query",
    "Range",
    "Resources",
    "Stopping",
    "StrategyName",
    "Tuning",
    "Watch",
    "inside",
    "parse_project",
    "project_schema",
    "recorded_project",
]
