"""A model sees its columns in one order, however the project file or the ledger's copy of it orders them."""

import polars as pl

from tiltyard.samples.features import feature_frame
from tiltyard.schemas.project import parse_project
from tiltyard.training.preprocessing import columns_of

NAMES = [f"pixel_{number}" for number in range(12)]


def test_the_order_of_the_columns_is_no_matter_of_the_project_file() -> None:
    frame = pl.DataFrame({name: [1.0] for name in NAMES})
    projects = [
        parse_project(
            {"name": "p", "classes": ["a", "b"], "columns": {"features": {name: {"kind": "number"} for name in names}}},
            "p.yaml",
        )
        for names in (NAMES, sorted(NAMES), NAMES[::-1])
    ]
    assert len({project.project_hash for project in projects}) == 1
    assert len({tuple(feature_frame(frame, project).columns) for project in projects}) == 1
    assert len({tuple(columns_of(project, "number")) for project in projects}) == 1
