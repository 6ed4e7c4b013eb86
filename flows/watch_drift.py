"""Watch: whether the newest data still looks like the data that the champion was trained on."""

from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from tasks.announcing import announce_failure
from tasks.compare_with_training import compare_with_training
from tasks.publish_artifacts import publish_drift


@flow(
    name="watch-drift",
    flow_run_name="watch-drift {project}",
    on_failure=[announce_failure],
    on_crashed=[announce_failure],
)
def watch_drift(project: str = ".", batches: Annotated[int, Field(ge=1)] = 1) -> list[dict[str, Any]]:
    """Compare the newest batches with the champion's training rows.

    Args:
        project: Folder or file of the project.
        batches: How many of the newest batches are looked at together.

    Returns:
        The columns that moved, worst first.
    """
    moved = compare_with_training(project, batches)
    if moved:
        publish_drift(project, moved)
    return moved
