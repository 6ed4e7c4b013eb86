"""Whether to retrain now: a step of its own, so that a run shows why it did or did not."""

from tiltyard.schemas.events import LABELS_READY
from tiltyard.schemas.records import Due
from tiltyard.tasks.labels.announcements import announce
from tiltyard.tasks.step import step
from tiltyard.workspace.triggers import check_training_due
from tiltyard.workspace.workspace import open_workspace


@step("training-due")
def training_due(project: str) -> Due:
    """Whether there are enough new annotations since the last training set, and why or why not."""
    return check_training_due(open_workspace(project))


@step("tell-labels-ready")
def tell_labels_ready(project: str) -> bool:
    """Tell whoever waits for labels that a training is due; whether it is. The labeling server tells by itself."""
    workspace = open_workspace(project)
    due = check_training_due(workspace)
    if due:
        announce(workspace, LABELS_READY, f"labels are ready, {due.why}", why=due.why)
    return bool(due)
