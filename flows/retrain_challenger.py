"""Retrain on every label, judge against the champion on the same rows, and promote it only if it is better."""

from tiltyard.schemas.records import VerdictId
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.loop_flow import loop_flow
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.approve_promotion import request_approval, verdict_to_approve
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.judge_challenger import judge_challenger, question_to_settle, unjudged_challenger
from tiltyard.tasks.models.promote_challenger import pending_verdict, promote_challenger
from tiltyard.tasks.models.publish_artifacts import publish_verdict, unpublished_verdicts
from tiltyard.tasks.models.release_models import delete_rejected_models
from tiltyard.tasks.models.training_due import training_due
from tiltyard.tasks.monitoring.watch_champion import watch_champion


@loop_flow("retrain-challenger")
def retrain_challenger(project: str = ".", force: bool = False) -> VerdictId | None:
    """Retrain if enough labels are new, judge the challenger, and promote it if it is better.

    Before that the champion is watched, and an undecided verdict is decided if new labels allow it.

    Args:
        project: Folder or file of the project.
        force: Retrain even if too few labels are new.

    Returns:
        The last verdict on a challenger, or none when there was nothing to judge.
    """
    settled = settle(project)
    if force or training_due(project):
        train(project)
    verdict = judge(project)
    if pending := pending_verdict(project):
        promote_challenger(project, pending)
    seal_ledger(project)
    return verdict or settled


def settle(project: str) -> VerdictId | None:
    """Apply new labels to earlier decisions, before a new challenger replaces the last one.

    A champion that they show to be worse than the previous one is rolled back; a challenger whose verdict requested
    labels is judged again, and promoted if they support it.
    """
    for unseen in unpublished_verdicts(project):
        publish_verdict(project, unseen)  # left by a killed run
    watch_champion(project)
    verdict = judge(project) if question_to_settle(project) else None
    if pending := pending_verdict(project):
        promote_challenger(project, pending)  # also one left by a killed run
    delete_rejected_models(project)  # the bytes of rejected models that the project does not keep
    return verdict


def train(project: str) -> None:
    """Fit the candidates on all effective labels; the best of them is the challenger."""
    fit_candidates(project, snapshot_labels(project, "training"))


def judge(project: str) -> VerdictId | None:
    """Judge the challenger that awaits a verdict against the current champion."""
    evaluation = snapshot_labels(project, "evaluation")
    challenger = unjudged_challenger(project, evaluation)
    if challenger is None:
        return None
    verdict = judge_challenger(project, challenger, evaluation)
    publish_verdict(project, verdict)
    if waiting := verdict_to_approve(project):
        request_approval(project, waiting)
    return verdict
