"""Watch: whether the newest data looks like what the champion was trained on, and whether it was a good choice."""

from typing import Annotated, Any

from pydantic import Field

from tiltyard.flows.retrain_challenger import settle
from tiltyard.tasks.loop_flow import loop_flow
from tiltyard.tasks.models.publish_artifacts import publish_drift
from tiltyard.tasks.monitoring.compare_with_training import compare_with_training


@loop_flow("watch-drift")
def watch_drift(project: str = ".", batches: Annotated[int, Field(ge=1)] = 1) -> list[dict[str, Any]]:
    """Compare the newest batches with the champion's training rows, and hear what new labels say of the champion.

    No comparison of data shows that the answers changed; labels drawn by chance do, and a new champion that they show
    to be worse than the one before is sent back. A question whose labels have come is settled too.

    Args:
        project: Folder or file of the project.
        batches: How many of the newest batches are looked at together.

    Returns:
        The columns that moved, worst first.
    """
    settle(project)
    moved = compare_with_training(project, batches)
    if moved:
        publish_drift(project, moved)
    return moved
