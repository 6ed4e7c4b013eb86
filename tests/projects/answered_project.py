"""A small project whose first day was taken in, asked about, and answered where a test wants that."""

from tests.projects.small_project import a_day, answer_queue, deliver
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.workspace.workspace import Workspace, utc_now


def with_queue(workspace: Workspace) -> Workspace:
    """The project with a day in its pool and samples in its queue."""
    project = str(workspace.project_file)
    deliver(workspace, "day.csv", a_day(0))
    land_objects.fn(project)
    for object_id in objects_to_check.fn(project):
        check_batch.fn(project, object_id)
    choose_samples.fn(project)
    return workspace


def with_answers(workspace: Workspace) -> Workspace:
    """The same, with everything answered that was asked."""
    answer_queue(with_queue(workspace), utc_now())
    return workspace
