"""Watch: compare the newest data with the champion's training data, and check the champion with new labels."""

from typing import Annotated, Any

from pydantic import Field

from tiltyard.flows.retrain_challenger import settle
from tiltyard.tasks.loop_flow import loop_flow
from tiltyard.tasks.models.publish_artifacts import publish_drift
from tiltyard.tasks.monitoring.compare_with_training import compare_with_training


@loop_flow("watch-drift")
def watch_drift(project: str = ".", batches: Annotated[int, Field(ge=1)] = 1) -> list[dict[str, Any]]:
    """Compare the newest batches with the champion's training data, and check the champion with new labels.

    Comparing data cannot show concept drift; randomly drawn labels can, and a new champion that they show to be worse
    than the previous one is rolled back. An undecided verdict whose labels have arrived is decided too.

    Args:
        project: Folder or file of the project.
        batches: How many of the newest batches to compare.

    Returns:
        The columns that drifted, largest drift first.
    """
    settle(project)
    moved = compare_with_training(project, batches)
    if moved:
        publish_drift(project, moved)
    return moved
