"""The settings of a project that a page needs before it shows the first sample."""

from tiltyard.apps.labeling.api.responses import ClassResponse, ColumnResponse, DisplayResponse, ProjectResponse
from tiltyard.apps.labeling.service import Caller
from tiltyard.schemas.project import Project


def project_response(caller: Caller) -> ProjectResponse:
    """The caller's project as the API returns it."""
    project = caller.served.project
    return ProjectResponse(
        name=project.name,
        description=project.description,
        classes=[ClassResponse.model_validate(one) for one in project.classes],
        display=DisplayResponse.model_validate(project.display),
        columns={name: _column(project, name) for name in project.columns.all_names},
        reveal=project.labeling.reveal,
        guidelines_version=project.guidelines_hash,
        lease_seconds=project.labeling.lease_minutes * 60,
        annotator=caller.annotator,
        role=caller.role,
    )


def _column(project: Project, name: str) -> ColumnResponse:
    """Kind, unit and description of a column."""
    column = project.columns.features.get(name) or project.columns.context.get(name)
    kind = project.columns.kind_of(name)
    return ColumnResponse(
        kind=kind, unit=column.unit if column else "", description=column.description if column else ""
    )
