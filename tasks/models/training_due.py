"""Decide whether to retrain now, in a separate step, so that a run shows the reason."""

from tiltyard.schemas.events import LABELS_READY
from tiltyard.schemas.records import Due
from tiltyard.tasks.labels.announcements import announce
from tiltyard.tasks.step import step
from tiltyard.workspace.triggers import check_training_due
from tiltyard.workspace.workspace import open_workspace


@step("training-due")
def training_due(project: str) -> Due:
    """Whether there are enough new annotations since the last training set, and the reason."""
    return check_training_due(open_workspace(project))


@step("announce-labels-ready")
def announce_labels_ready(project: str) -> bool:
    """Announce that a training is due; whether it is. The labeling server sends its own notices."""
    workspace = open_workspace(project)
    due = check_training_due(workspace)
    if due:
        announce(workspace, LABELS_READY, f"labels are ready, {due.why}", why=due.why)
    return bool(due)
