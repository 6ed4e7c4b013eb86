"""Retrain on every label, judge against the champion on the same rows, and promote only what is better."""

from prefect import flow

from schemas.records import VerdictId
from tasks.fit_candidates import fit_candidates
from tasks.judge_challenger import judge_challenger, unjudged_challenger
from tasks.promote_challenger import pending_verdict, promote_challenger
from tasks.publish_artifacts import publish_verdict
from tasks.seal_ledger import seal_ledger
from tasks.snapshot_labels import snapshot_labels
from tasks.training_due import training_due


@flow(name="retrain-challenger", flow_run_name="retrain-challenger {project}")
def retrain_challenger(project: str = ".", force: bool = False) -> VerdictId | None:
    """Retrain if enough labels are new (or ``force``); the verdict on the challenger, or none."""
    if force or training_due(project):
        train(project)
    verdict = judge(project)
    if pending := pending_verdict(project):
        promote_challenger(project, pending)
    seal_ledger(project)
    return verdict


def train(project: str) -> None:
    """Fit the candidates on all effective labels; the best of them is the challenger."""
    fit_candidates(project, snapshot_labels(project, "training"))


def judge(project: str) -> VerdictId | None:
    """Judge the challenger that has no verdict yet against today's champion."""
    evaluation = snapshot_labels(project, "evaluation")
    challenger = unjudged_challenger(project, evaluation)
    if challenger is None:
        return None
    verdict = judge_challenger(project, challenger, evaluation)
    publish_verdict(project, verdict)
    return verdict
