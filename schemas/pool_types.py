"""The types that the project's own columns have once they are accepted."""

from typing import Final

import polars as pl

from tiltyard.schemas.project import Kind, Project, inside
from tiltyard.schemas.project.columns import RESERVED as RESERVED

POOL_TYPES: Final[dict[Kind, pl.DataType]] = {
    "number": pl.Float64(),
    "integer": pl.Int64(),
    "category": pl.String(),
    "text": pl.String(),
    "boolean": pl.Boolean(),
    "timestamp": pl.Datetime("us", "UTC"),
}


def pool_schema(project: Project) -> pl.Schema:
    """The types of the project's own columns in the pool by their names inside, in the project file's order."""
    return pl.Schema({inside(name): POOL_TYPES[project.columns.kind_of(name)] for name in project.columns.all_names})
