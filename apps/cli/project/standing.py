"""Where a project stands: what the command line tells, and from which it suggests the next step."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tiltyard.labels.current_classes import CurrentLabels
    from tiltyard.reports.next_step import Standing
    from tiltyard.schemas.records import EffectiveLabel
    from tiltyard.workspace.workspace import Workspace


def labels_of(workspace: "Workspace") -> "list[EffectiveLabel]":
    """The labels that count today."""
    return labels_read(workspace).labels


def labels_read(workspace: "Workspace") -> "CurrentLabels":
    """What all annotations amount to under the project's rule and classes, and what that leaves out."""
    from tiltyard.labels.current_classes import current_labels

    return current_labels(workspace.ledger.annotations.voices(), workspace.project)


def disputes_of(workspace: "Workspace") -> int:
    """How many samples wait for a ruling."""
    from tiltyard.labels.adjudication import find_disputes
    from tiltyard.labels.current_classes import rename_classes

    contested = rename_classes(workspace.ledger.annotations.contested_voices(), workspace.project)
    return len(find_disputes(contested, workspace.project.effective_label))


def labels_by_class(labels: "list[EffectiveLabel]", names: list[str]) -> list[dict[str, Any]]:
    """One row per class: effective labels to train on and to judge on."""
    return [
        {
            "class": name,
            "training": sum(label.label == name and not label.evaluation for label in labels),
            "evaluation": sum(label.label == name and label.evaluation for label in labels),
        }
        for name in names
    ]


def standing_of(workspace: "Workspace", labels: "list[EffectiveLabel]") -> "Standing":
    """The numbers from which the next step follows."""
    from tiltyard.reports.next_step import Standing
    from tiltyard.workspace.triggers import due_for_training, told_question_of

    ledger = workspace.ledger
    return Standing(
        arrived=_arrived(workspace) + len(ledger.batches.unchecked()),
        samples=sum(batch.accepted for batch in ledger.batches.pooled()),
        waiting=ledger.assignments.waiting_count(),
        training=due_for_training(workspace),
        to_judge=_to_judge(workspace, labels),
        to_promote=_to_promote(workspace, approved=True),
        to_approve=_to_promote(workspace, approved=False),
        question=told_question_of(workspace),
        refused=tuple(batch.batch_id[:8] for batch in ledger.batches.latest() if batch.state != "accepted"),
        incoming=str(workspace.source),
    )


def _arrived(workspace: "Workspace") -> int:
    """How many objects lie in the source that were never landed."""
    seen = workspace.ledger.batches.seen(workspace.source.name)
    arrivals = workspace.source.arrivals(workspace.project.source.pattern)
    fitting = (one for one in arrivals if one.size <= workspace.project.limits.max_bytes)
    return sum((arrival.key, arrival.version, arrival.stamp) not in seen for arrival in fitting)


def _to_judge(workspace: "Workspace", labels: "list[EffectiveLabel]") -> str | None:
    """The challenger that awaits a verdict; evaluation rows count as the same while their number is the same."""
    from tiltyard.workspace.triggers import challenger_due, judging_of

    ledger = workspace.ledger
    last = ledger.models.last()
    verdicts = judging_of(workspace).on(last.model_id) if last else []
    known = ledger.models.known_set(str(verdicts[-1].evaluation_id)) if verdicts else None
    same = known is not None and known.rows == sum(label.evaluation for label in labels)
    challenger = challenger_due(workspace, known.set_id if known and same else "others")
    return challenger[:8] if challenger else None


def _to_promote(workspace: "Workspace", *, approved: bool) -> str | None:
    """The verdict that says promote and was not acted on: one that may be acted on, or one that waits for a person."""
    from tiltyard.gate.approving import MAY_PASS
    from tiltyard.workspace.triggers import approval_due, verdict_to_promote

    verdict = verdict_to_promote(workspace)
    wanted = MAY_PASS if approved else {"wanted"}
    return verdict.verdict_id[:8] if verdict and approval_due(workspace, verdict) in wanted else None
