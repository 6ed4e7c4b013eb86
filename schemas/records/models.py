"""Trained candidates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tiltyard.schemas.records.batches import StoredFile
from tiltyard.schemas.records.ids import ModelId, TrainingId


@dataclass(frozen=True, slots=True)
class Model:
    """A trained candidate and all that is needed to make it again."""

    model_id: ModelId
    training_id: TrainingId
    project_hash: str
    recipe: Mapping[str, Any]
    seed: int
    code_version: str
    environment: Mapping[str, str]
    metrics: Mapping[str, float]
    threshold: float | None
    run_id: str
    registry_version: str
    artifact: StoredFile
    predictions_hash: str
    recorded_at: datetime
