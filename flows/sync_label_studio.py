"""Sync with Label Studio: push open assignments, pull annotations."""

from tiltyard.tasks.labels import label_studio
from tiltyard.tasks.labels.label_studio import PullResult
from tiltyard.tasks.loop_flow import loop_flow
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.training_due import announce_labels_ready


@loop_flow("sync-label-studio")
def sync_label_studio(project: str = ".", with_suggestions: bool = False) -> PullResult:
    """Send open assignments to Label Studio, then store the annotations made there.

    Running again after a crash duplicates nothing on either side.

    Args:
        project: Folder or file of the project.
        with_suggestions: Whether experts see the champion's prediction before they label.

    Returns:
        The result of the pull.
    """
    label_studio.push_assignments(project, with_suggestions=with_suggestions)
    pulled = label_studio.pull_annotations(project)
    announce_labels_ready(project)
    seal_ledger(project)
    return pulled
