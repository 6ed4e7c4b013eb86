"""Sync with Label Studio: what is open goes there, what was said there comes back."""

from prefect import flow

from tasks import label_studio
from tasks.label_studio import Pulled
from tasks.seal_ledger import seal_ledger


@flow(name="sync-label-studio", flow_run_name="sync-label-studio {project}")
def sync_label_studio(project: str = ".", with_suggestions: bool = False) -> Pulled:
    """Send open assignments, then store what was answered; what the pull brought.

    Experts see no suggestion there unless that is asked for. Run again after a crash, nothing is there or here twice.
    """
    label_studio.push_assignments(project, with_suggestions=with_suggestions)
    pulled = label_studio.pull_annotations(project)
    seal_ledger(project)
    return pulled
