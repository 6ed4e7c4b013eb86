"""A small project that went round a few times: each day data, answers, a model and a verdict."""

from datetime import UTC, datetime
from pathlib import Path

from tests.projects.small_project import a_day, answer_queue, deliver, make_project
from tiltyard.schemas.records import ModelId
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.judge_challenger import judge_challenger, unjudged_challenger
from tiltyard.tasks.models.promote_challenger import pending_verdict, promote_challenger
from tiltyard.workspace.workspace import Workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LENIENT = {"metric": "accuracy", "minimum_labels": 8, "resamples": 200, "rule": "not_worse", "margin": 1.0}
"""A gate under which most challengers pass, so that a story of few labels has promotions."""


def judged_project(folder: Path, days: int = 2) -> Workspace:
    """The project after some days, each of which ended with a trained model and its verdict."""
    workspace = make_project(folder, gate=LENIENT, display={"columns": ["x", "y", "colour"]})
    for number in range(days):
        a_judged_day(workspace, number)
    return workspace


def a_judged_day(workspace: Workspace, number: int) -> ModelId:
    """One day: data, questions, answers, a challenger, a verdict, and the promotion if it says so; the challenger."""
    project = str(workspace.project_file)
    deliver(workspace, f"day-{number}.csv", a_day(number))
    land_objects.fn(project)
    for object_id in objects_to_check.fn(project):
        check_batch.fn(project, object_id)
    choose_samples.fn(project)
    answer_queue(workspace, NOW)
    model = fit_candidates.fn(project, snapshot_labels.fn(project, "training"))
    evaluation = snapshot_labels.fn(project, "evaluation")
    if challenger := unjudged_challenger.fn(project, evaluation):
        judge_challenger.fn(project, challenger, evaluation)
    if verdict := pending_verdict.fn(project):
        promote_challenger.fn(project, verdict)
    return model
