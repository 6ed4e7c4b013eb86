"""The stop set: the rows on which successive models are compared, and the advice that follows from the ledger."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import polars as pl

from tiltyard.query.stopping import (
    Advice,
    decision_kappa,
    learning_points,
    stability_evidence,
    stopping_advice,
    successive_agreements,
)
from tiltyard.schemas.records import Model, ModelId
from tiltyard.workspace.models.scores import predictions_on
from tiltyard.workspace.workspace import Workspace

if TYPE_CHECKING:
    from tiltyard.workspace.evaluation_set import Population


def stopping_status(workspace: Workspace) -> Advice:
    """Whether more labels are unlikely to improve the model, from the recorded verdicts; loads no model."""
    ledger, project = workspace.ledger, workspace.project
    verdicts = ledger.champions.verdicts()
    labels = ledger.models.rows_by_set()
    curve = learning_points(verdicts, ledger.models.all(), labels)
    metric = verdicts[-1].metric if verdicts else project.gate.metric
    return stopping_advice(successive_agreements(verdicts), curve, metric, project.stopping, project.seed)


def measure_stability(
    workspace: Workspace, model: Model, fitted: Any, known: "Population | None" = None
) -> dict[str, Any] | None:
    """How far a model agrees with the one trained before it on the stop set: its part of a verdict's evidence.

    ``known`` are rows that were read already, so that the pool need not be gone through for them once more.
    The pool is taken as it was when the model's labels were pinned, so the answer is the same whenever it is asked.
    None for the first model, without rows, and where one of the two takes other columns than the project has today.
    """
    previous = _trained_before(workspace, model.model_id)
    if previous is None or not _same_features(workspace, [previous, model]):
        return None
    rows = stop_set(workspace, workspace.ledger.models.get_set(model.training_id).position, known)
    if rows.is_empty():
        return None
    before = predictions_on(workspace, previous, lambda: workspace.fitted(previous), rows)
    after = predictions_on(workspace, model, lambda: fitted, rows)
    return stability_evidence(decision_kappa(before.decisions, after.decisions), rows.height, previous.model_id)


def stop_set(workspace: Workspace, position: int, known: "Population | None" = None) -> pl.DataFrame:
    """The pool's first evaluation rows in the order of chance, at a ledger position: a random sample, never trained on.

    At most ``stopping.rows`` of them, all pool columns; the same rows for every model at that position. They are taken
    from those that are ``known`` where these tell, as the pool only grows.
    """
    from tiltyard.workspace.evaluation_set import first_rows  # as above

    most = workspace.project.stopping.rows
    rows = known.earlier(len(workspace.pool_files(position)), most) if known else None
    return first_rows(workspace, most, position) if rows is None else rows


def _trained_before(workspace: Workspace, model_id: ModelId) -> Model | None:
    """The model that was recorded before another."""
    models = workspace.ledger.models.all()
    place = next(number for number, model in enumerate(models) if model.model_id == model_id)
    return models[place - 1] if place else None


def _same_features(workspace: Workspace, models: Iterable[Model]) -> bool:
    """Whether models take the columns, by name and kind, that the project has today."""
    now = {name: column.kind for name, column in workspace.project.columns.features.items()}
    bodies = (workspace.ledger.models.project_version(model.project_hash).body for model in models)
    return all({name: one["kind"] for name, one in body["columns"]["features"].items()} == now for body in bodies)
