"""Whether to retrain now: counted from the ledger, whatever event woke us."""

from schemas.records import Due
from tasks.step import step
from tiltyard.rules.effective_labels import effective_labels
from tiltyard.rules.triggering import training_is_due
from tiltyard.stores.workspace import open_workspace


@step("training-due")
def training_due(project: str) -> Due:
    """Whether there are enough new annotations since the last training set, and why or why not."""
    workspace = open_workspace(project)
    trained = [labeled.position for labeled in workspace.ledger.models.sets() if labeled.purpose == "training"]
    annotations = workspace.ledger.annotations.until()
    labels = effective_labels(annotations, workspace.project.effective_label)
    new = sum(annotation.seq > max(trained, default=0) for annotation in annotations)
    return training_is_due(new, [label for label in labels if not label.evaluation], workspace.project)
