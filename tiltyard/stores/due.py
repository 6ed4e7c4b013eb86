"""Whether a training is due, counted from the ledger whatever event woke us."""

from schemas.records import Due
from tiltyard.rules.effective_labels import effective_labels
from tiltyard.rules.triggering import training_is_due
from tiltyard.stores.workspace import Workspace


def due_for_training(workspace: Workspace) -> Due:
    """Whether there are enough new annotations since the last training set, and why or why not.

    Labels are read only when the count says that it may be worth it.
    """
    models, annotations = workspace.ledger.models, workspace.ledger.annotations
    # Only sets that a model came of count: a run that was killed while it fitted is still due.
    trained = [models.get_set(model.training_id).position for model in models.all()]
    new = annotations.count(since=max(trained, default=0))
    if new < workspace.project.triggers.labels:
        return training_is_due(new, [], workspace.project)
    labels = effective_labels(annotations.voices(), workspace.project.effective_label)
    return training_is_due(new, [label for label in labels if not label.evaluation], workspace.project)
