"""Fitting from ids: the labeled set, the project file, the seed and the code decide the model, and nothing else."""

from dataclasses import dataclass

import pandas as pd

from schemas.canonical import digest
from schemas.project import Project
from schemas.records import ModelId, TrainingId
from tiltyard.rules.features import feature_frame
from tiltyard.rules.predictions import predictions_hash, predictions_of
from tiltyard.rules.tuning import Fitted, fit_candidates
from tiltyard.stores.provenance import code_version, environment
from tiltyard.stores.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Refit:
    """A model fitted from ids, and the hash of what it says about its own training rows."""

    fitted: Fitted
    frame: pd.DataFrame
    predictions_hash: str


def model_id_of(training_id: str, project: Project) -> ModelId:
    """The id of the model that a training set gives under a project file, this code and this environment."""
    return ModelId(digest([training_id, project.project_hash, project.seed, code_version(), environment()])[:32])


def fit_from(workspace: Workspace, training_id: TrainingId, project: Project) -> Refit:
    """Fit the project's candidates on a training set; the same ids give equal predictions."""
    rows = workspace.labeled_rows(training_id)
    frame = feature_frame(rows, project)
    fitted = fit_candidates(frame, rows["label"].to_numpy(), project, project.seed)
    return Refit(fitted, frame, predictions_hash(predictions_of(fitted.model, frame, project)))
