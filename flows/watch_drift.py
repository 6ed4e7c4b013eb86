"""Watch: whether the newest data still looks like the data that the champion was trained on."""

from typing import Any

from prefect import flow

from tasks.compare_with_training import compare_with_training
from tasks.publish_artifacts import publish_drift


@flow(name="watch-drift", flow_run_name="watch-drift {project}")
def watch_drift(project: str = ".", batches: int = 1) -> list[dict[str, Any]]:
    """Compare the newest batches with the champion's training rows; the columns that moved, worst first."""
    moved = compare_with_training(project, batches)
    if moved:
        publish_drift(project, moved)
    return moved
