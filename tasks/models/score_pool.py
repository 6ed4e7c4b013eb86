"""Predict a batch of the pool, and store the predictions by batch and model."""

import polars as pl

from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import BatchId, Model
from tiltyard.tasks.step import step
from tiltyard.workspace.models.scores import predictions_on
from tiltyard.workspace.workspace import Workspace, open_workspace


@step("batches-to-score")
def batches_to_score(project: str) -> list[BatchId]:
    """Pooled batches without predictions of the current champion, oldest first; none without a champion."""
    workspace = open_workspace(project)
    champion = workspace.ledger.champions.champion_id
    if champion is None:
        return []
    pooled = [batch.batch_id for batch in workspace.ledger.batches.pooled()]
    return [one for one in pooled if not workspace.predictions.files.exists(_name(one, champion))]


@step("score-pool", alone=("score",))
def score_pool(project: str, batch_id: BatchId) -> str:
    """The name of a Parquet file with the champion's predictions for a batch.

    Columns: ``sample_id``, ``label`` (the decision), then one probability per class. Scoring again writes an
    equal file.
    """
    workspace = open_workspace(project)
    champion = workspace.ledger.champions.champion_id
    batch = workspace.ledger.batches.get(batch_id)
    if champion is None or batch.pool_file is None:
        raise NotFound(f"batch {batch_id[:8]} cannot be scored: it needs accepted rows and a champion")
    name = _name(batch_id, champion)
    model = workspace.ledger.models.get(champion)
    chunks = workspace.pool.scan([batch.pool_file], workspace.settings.chunk_rows)
    workspace.predictions.write(name, pl.concat([_predict(workspace, model, chunk) for chunk in chunks]))
    return name


def _predict(workspace: Workspace, model: Model, rows: pl.DataFrame) -> pl.DataFrame:
    """One chunk's predictions."""
    predicted = predictions_on(workspace, model, lambda: workspace.fitted(model), rows)
    probabilities = pl.DataFrame(
        predicted.probabilities, schema=[f"probability {name}" for name in predicted.class_names]
    )
    return rows.select("sample_id").with_columns(label=pl.Series(predicted.decisions)).hstack(probabilities)


def _name(batch_id: str, model_id: str) -> str:
    """The file of one model's predictions for one batch."""
    return f"{batch_id}-{model_id}.parquet"
