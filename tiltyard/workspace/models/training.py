"""Fitting from ids: the labeled set, the project file, the seed and the code decide the model, and nothing else.

Where the project file limits the seconds of a search, the clock has a say too. Then what the search came to is written
down before anything is fitted from it, and a run after a crash reads it instead of searching again.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from tiltyard.evaluation.predictions import predict_rows, predictions_hash
from tiltyard.samples.evaluation_split import entity_groups
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.canonical import canonical_json, digest
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Model, ModelId, TrainingId
from tiltyard.stores.registry.storable import refuse_unstorable
from tiltyard.training.cross_validation import LabeledFrame
from tiltyard.training.search.tuning import Chosen, Fitted, Trial, check_labels, choose_recipe, fit_recorded
from tiltyard.workspace.models.provenance import code_version, environment_of
from tiltyard.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Refit:
    """A model fitted from ids, and the hash of what it says about its own training rows."""

    fitted: Fitted
    frame: pd.DataFrame
    predictions_hash: str


def model_id_of(training_id: str, project: Project, warm: Mapping[str, Any] | None = None) -> ModelId:
    """The id of the model that a training set gives under a project file, this code, own code and this environment.

    ``warm`` is the champion's recorded recipe where a search starts from it: then it is part of what decides.
    """
    parts = [training_id, project.project_hash, project.seed, code_version(), environment_of(project)]
    return ModelId(digest([*parts, warm] if warm else parts)[:32])


def warm_recipe(workspace: Workspace) -> Mapping[str, Any] | None:
    """What a search starts from: the champion's recipe, nothing where the start is cold or there is no champion."""
    champion = workspace.ledger.champions.champion_id
    if workspace.project.tuning.start == "cold" or champion is None:
        return None
    recorded = workspace.ledger.models.get(champion).recipe
    # How its search went decides nothing here.
    return {name: value for name, value in recorded.items() if name not in {"search", "start"}}


def fit_from(workspace: Workspace, training_id: TrainingId, warm: Mapping[str, Any] | None = None) -> Refit:
    """Search the project's candidates on a training set and fit the best; the same ids give equal predictions."""
    rows = _training_rows(workspace, training_id, workspace.project)
    check_labels(rows.labels, workspace.project)
    refuse_unstorable(rows, workspace.project, workspace.registry.own_types)
    chosen = _chosen(workspace, model_id_of(training_id, workspace.project, warm), rows, warm)
    return _refit(rows, workspace.project, chosen)


def fit_again(workspace: Workspace, model: Model, project: Project) -> Refit:
    """Fit a recorded model from its training set, recipe, threshold and seed; ``project`` is the file as it was then.

    Nothing is searched: what the search came to is part of the record.
    """
    rows = _training_rows(workspace, model.training_id, project)
    body = {"candidate": "", "estimator": "", "parameters": {}, **model.recipe}
    best = Trial(body["candidate"], body["estimator"], body["parameters"], None, None, model.metrics, model.threshold)
    return _refit(rows, project, Chosen(body, best, (best,)), model.seed)


def _training_rows(workspace: Workspace, training_id: str, project: Project) -> LabeledFrame:
    """The rows of a training set as models take them, their labels, and whose they are where the project names that."""
    rows = workspace.labeled_rows(training_id, project)
    labels = rows["label"].to_numpy().astype(str)
    return LabeledFrame(feature_frame(rows, project), labels, entity_groups(rows, project))


def _refit(rows: LabeledFrame, project: Project, chosen: Chosen, seed: int | None = None) -> Refit:
    """The model that a choice gives from all rows."""
    seed, frame = project.seed if seed is None else seed, rows.frame
    model = fit_recorded(frame, rows.labels, project, seed, recipe=chosen.recipe, threshold=chosen.best.threshold)
    fitted = Fitted(model, chosen.best, chosen.trials, chosen.recipe)
    return Refit(fitted, frame, predictions_hash(predict_rows(model, frame, project)))


def _chosen(workspace: Workspace, model_id: str, rows: LabeledFrame, warm: Mapping[str, Any] | None) -> Chosen:
    """What the search comes to; written down and read back where the clock may end it."""
    project, name = workspace.project, f"{model_id}.json"
    search = partial(choose_recipe, rows.frame, rows.labels, project, project.seed, warm=warm, units=rows.units)
    if project.tuning.seconds is None:
        return search()
    if not workspace.searches.exists(name):
        workspace.searches.write(name, canonical_json(search(clock=time.monotonic).written()).encode())
    return Chosen.read(json.loads(workspace.searches.read(name)))
