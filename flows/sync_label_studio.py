"""Sync with Label Studio: what is open goes there, what was said there comes back."""

from prefect import flow

from tasks import label_studio
from tasks.announcing import announce_failure
from tasks.label_studio import Pulled
from tasks.seal_ledger import seal_ledger
from tasks.training_due import tell_labels_ready


@flow(
    name="sync-label-studio",
    flow_run_name="sync-label-studio {project}",
    on_failure=[announce_failure],
    on_crashed=[announce_failure],
)
def sync_label_studio(project: str = ".", with_suggestions: bool = False) -> Pulled:
    """Send open assignments to Label Studio, then store what was answered there.

    Run again after a crash, nothing is there or here twice.

    Args:
        project: Folder or file of the project.
        with_suggestions: Whether experts see there what the champion says before they answer.

    Returns:
        What the pull brought.
    """
    label_studio.push_assignments(project, with_suggestions=with_suggestions)
    pulled = label_studio.pull_annotations(project)
    tell_labels_ready(project)
    seal_ledger(project)
    return pulled
