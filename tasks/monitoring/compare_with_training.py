"""Compare the newest data with the data that the champion was trained on."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import polars as pl

from tiltyard.monitoring.drift import detect_drift, profile_rows
from tiltyard.schemas.records import StoredFile
from tiltyard.tasks.step import step
from tiltyard.workspace.lookup import recorded_project_of
from tiltyard.workspace.workspace import Workspace, open_workspace

MOST_CHUNKS = 16


@step("compare-with-training")
def compare_with_training(project: str, batches: int = 1) -> list[dict[str, Any]]:
    """The columns of the newest batches that drifted since the champion's training set was pinned, largest first.

    The reference is the pool at that time, not the training rows, which were selected because they are unusual.
    Empty without a champion, or when no batch arrived since.
    """
    workspace = open_workspace(project)
    champion = workspace.ledger.champions.champion_id
    if champion is None:
        return []
    model = workspace.ledger.models.get(champion)
    position = workspace.ledger.models.get_set(model.training_id).position
    before, everything = workspace.pool_files(position), workspace.pool_files()
    since = everything[len(before) :][-batches:]
    if not since or not before:
        return []
    reference = profile_rows(_rows(workspace, before), workspace.project)
    known = recorded_project_of(workspace, model)["columns"]
    # A column that was added later is missing in all earlier rows: that is not drift.
    reference["columns"] = {
        name: column for name, column in reference["columns"].items() if name in {*known["features"], *known["context"]}
    }
    return detect_drift(profile_rows(_rows(workspace, since), workspace.project), reference)


def _rows(workspace: Workspace, files: Sequence[StoredFile]) -> pl.DataFrame:
    """The newest rows of some pool files, as many as a profile needs (about a million)."""
    chunks = workspace.pool.scan(list(reversed(files)), workspace.settings.chunk_rows)
    return pl.concat(islice(chunks, MOST_CHUNKS))
