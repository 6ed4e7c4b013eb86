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
    models = workspace.ledger.models
    # Only sets that a model came of count: a run that was killed while it fitted is still due.
    trained = [models.get_set(model.training_id).position for model in models.all()]
    annotations = workspace.ledger.annotations.until()
    labels = effective_labels(annotations, workspace.project.effective_label)
    new = sum(annotation.seq > max(trained, default=0) for annotation in annotations)
    return training_is_due(new, [label for label in labels if not label.evaluation], workspace.project)
