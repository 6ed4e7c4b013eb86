"""Whether to retrain now: a step of its own, so that a run shows why it did or did not."""

from schemas.records import Due
from tasks.step import step
from tiltyard.stores.due import due_for_training
from tiltyard.stores.workspace import open_workspace


@step("training-due")
def training_due(project: str) -> Due:
    """Whether there are enough new annotations since the last training set, and why or why not."""
    return due_for_training(open_workspace(project))
