"""What is due, counted from the ledger whatever event woke us: a training, a promotion, a person's approval."""

from schemas.records import Due, Verdict
from tiltyard.rules.approving import Standing, approval_of
from tiltyard.rules.effective_labels import effective_labels
from tiltyard.rules.triggering import training_is_due, verdict_to_act_on
from tiltyard.stores.workspace import Workspace


def due_for_training(workspace: Workspace) -> Due:
    """Whether there are enough new annotations since the last training set, and why or why not.

    Labels are read only when the count says that it may be worth it.
    """
    annotations, new = workspace.ledger.annotations, new_since_training(workspace)
    if new < workspace.project.triggers.labels:
        return training_is_due(new, [], workspace.project)
    labels = effective_labels(annotations.voices(), workspace.project.effective_label)
    return training_is_due(new, [label for label in labels if not label.evaluation], workspace.project)


def new_since_training(workspace: Workspace) -> int:
    """How many annotations came after the last training set that a model came of."""
    return workspace.ledger.annotations.count(since=workspace.ledger.models.trained_until())


def verdict_to_promote(workspace: Workspace) -> Verdict | None:
    """The newest verdict that says promote and was not acted on, if it was decided against today's champion."""
    champions = workspace.ledger.champions
    acted_on = [move.verdict_id for move in champions.history()]
    return verdict_to_act_on(champions.verdicts(), acted_on, champions.champion_id)


def approval_due(workspace: Workspace, verdict: Verdict) -> Standing:
    """Where a verdict stands now between gate and person."""
    return approval_of(verdict, workspace.ledger.champions.approvals(), workspace.clock())
