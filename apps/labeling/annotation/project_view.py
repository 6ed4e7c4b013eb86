"""Telling a project: what a page needs to know before it draws the first sample."""

from tiltyard.apps.labeling.api.responses import ClassTold, ColumnTold, DisplayTold, ProjectTold
from tiltyard.apps.labeling.service.callers import Caller
from tiltyard.schemas.project import Project


def told_project(caller: Caller) -> ProjectTold:
    """The caller's project."""
    project = caller.served.project
    return ProjectTold(
        name=project.name,
        description=project.description,
        classes=[ClassTold.model_validate(one) for one in project.classes],
        display=DisplayTold.model_validate(project.display),
        columns={name: _column(project, name) for name in project.columns.all_names},
        reveal=project.labeling.reveal,
        guidelines_version=project.guidelines_hash,
        lease_seconds=project.labeling.lease_minutes * 60,
        annotator=caller.annotator,
        role=caller.role,
    )


def _column(project: Project, name: str) -> ColumnTold:
    """What the values of a column mean."""
    column = project.columns.features.get(name) or project.columns.context.get(name)
    kind = project.columns.kind_of(name)
    return ColumnTold(kind=kind, unit=column.unit if column else "", description=column.description if column else "")
