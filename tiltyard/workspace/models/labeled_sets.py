"""What a labeled set is named by: its purpose, and each sample with its label and what the sample was."""

from collections.abc import Sequence
from typing import Literal

import polars as pl

from tiltyard.schemas.canonical import digest
from tiltyard.schemas.records import EffectiveLabel
from tiltyard.workspace.workspace import Workspace


def with_payloads(workspace: Workspace, labels: Sequence[EffectiveLabel], position: int | None = None) -> pl.DataFrame:
    """Each labeled sample with its label, the annotations that carry it, its payload as text and the payload's hash."""
    own = pl.DataFrame(
        [(label.sample_id, label.label, list(label.annotations)) for label in labels],
        schema={"sample_id": pl.String, "label": pl.String, "annotations": pl.List(pl.String)},
        orient="row",
    )
    return own.join(workspace.ledger.annotations.payloads(position), on="sample_id", maintain_order="left")


def labeled_set_id(purpose: Literal["training", "evaluation"], labeled: pl.DataFrame) -> str:
    """The id of the set that these samples and labels make up: the same content has the same id."""
    return digest([purpose, labeled.select("sample_id", "label", "payload_hash").rows()])[:32]
