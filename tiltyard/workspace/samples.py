"""One sample, wherever it is kept: in the pool, or in an annotation that outlived it."""

import polars as pl

from tiltyard.samples.features import json_payloads_to_rows
from tiltyard.schemas.errors import NotFound, the_one
from tiltyard.schemas.records import SampleId
from tiltyard.workspace.workspace import Workspace

SHORTEST = 4
"""Hex digits of an id that are enough to look for it."""


def sample_named(workspace: Workspace, name: str) -> tuple[SampleId, pl.DataFrame]:
    """The sample that an id's beginning means, and its own columns as one row.

    NotFound when there is none, or more than one.
    """
    if len(name) < SHORTEST:
        raise NotFound(f"{name!r} is too short to look for a sample by; give at least {SHORTEST} digits of its id")
    found = _pooled(workspace, name) or _annotated(workspace, name)
    sample_id, row = the_one([*found.items()], "sample", name, "'tiltyard diff' shows ids of samples")
    return SampleId(sample_id), row


def _pooled(workspace: Workspace, name: str) -> dict[str, pl.DataFrame]:
    """The pool's samples whose ids begin so; only files that hold one are read further."""
    found: dict[str, pl.DataFrame] = {}
    for file in workspace.pool_files():
        ids = workspace.pool.parquet.read(file, ["sample_id"])["sample_id"]
        if ids.str.starts_with(name).any():
            for chunk in workspace.pool.scan([file], workspace.settings.chunk_rows):
                rows = chunk.filter(pl.col("sample_id").str.starts_with(name))
                found |= {row["sample_id"].item(): row for row in rows.iter_slices(1)}
    return found


def _annotated(workspace: Workspace, name: str) -> dict[str, pl.DataFrame]:
    """The annotated samples whose ids begin so, from the annotations' own copies."""
    payloads = workspace.ledger.annotations.payloads().filter(pl.col("sample_id").str.starts_with(name))
    rows = json_payloads_to_rows(payloads["payload"], workspace.project)
    return dict(zip(payloads["sample_id"].to_list(), rows.iter_slices(1), strict=True))
