"""Rows that were stored under an earlier project file, migrated to the current one: features may be added, removed or
widened."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from tiltyard.schemas.errors import ProjectFileError
from tiltyard.schemas.pool_types import POOL_TYPES, pool_schema
from tiltyard.schemas.project import Project, inside

WIDENED: Final = {(pl.Int64(), pl.Float64())}
"""Earlier and current types between which no value is lost, in addition to equal types."""


def migrate_rows(rows: pl.DataFrame, own: Sequence[str], project: Project) -> pl.DataFrame:
    """Stored rows with the current columns: those that the stores add (``own``), then the project's in pool types.

    A new column is null in all rows, also where the current file says ``missing: false``: that holds for new batches
    only. A column that is no longer in the project file is left out. Raises like :func:`refuse_changed_kinds`.

    >>> from tiltyard.schemas.project.project_file import parse_project
    >>> columns = {"features": {"x": {"kind": "number"}, "z": {"kind": "category"}}}
    >>> project = parse_project({"name": "p", "classes": ["a", "b"], "columns": columns}, "p.yaml")
    >>> migrate_rows(pl.DataFrame({"y": ["?"], "row": [7], "x": [1]}), ["row"], project).rows()
    [(7, 1.0, None)]
    """
    wanted, there = pool_schema(project), rows.schema
    if list(there) == [*own, *wanted] and wanted.items() <= there.items():
        return rows
    refuse_changed_kinds(there, project)
    cells = {name: pl.col(name).cast(kind) if name in there else pl.lit(None, kind) for name, kind in wanted.items()}
    return rows.select(*own, **cells)


def refuse_changed_kinds(there: Mapping[str, pl.DataType], project: Project) -> None:
    """Raise ProjectFileError where a column was stored as a kind whose values the current kind cannot all hold.

    Category and text hold the same; a number holds every integer. ``there`` has the stored columns' types.
    """
    for name in project.columns.all_names:
        now = POOL_TYPES[project.columns.kind_of(name)]
        then = there.get(inside(name), now)
        if then != now and (then, now) not in WIDENED:
            raise ProjectFileError(
                f"column {name!r} is {project.columns.kind_of(name)} in the project file, but {_kinds_of(then)} in the "
                "rows that were taken in before; give it back its kind, and take the values of the new kind in as a "
                "column of another name, or begin a new project"
            )


def _kinds_of(kept: pl.DataType) -> str:
    """The kinds that are stored as a type.

    >>> _kinds_of(pl.String()), _kinds_of(pl.Int64())
    ('category or text', 'integer')
    """
    return " or ".join(kind for kind, dtype in POOL_TYPES.items() if dtype == kept) or str(kept)
