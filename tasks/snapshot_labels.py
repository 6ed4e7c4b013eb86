"""Pin the labels: the exact rows behind a training or a comparison, at one ledger position."""

from typing import Literal

import polars as pl

from schemas.canonical import digest
from schemas.records import EffectiveLabel, LabeledSet
from tasks.step import step
from tiltyard.rules.effective_labels import effective_labels
from tiltyard.rules.features import frame_of
from tiltyard.stores.workspace import Workspace, open_workspace


@step("snapshot-labels")
def snapshot_labels(project: str, purpose: Literal["training", "evaluation"]) -> str:
    """Keep every effective label of one purpose as an immutable file; the set's id, which is its content's hash.

    Training takes all effective labels outside the evaluation set, evaluation all those inside. Annotations
    that arrive later belong to the next snapshot; none is ever left out.
    """
    workspace = open_workspace(project)
    position = workspace.ledger.position()
    annotations = workspace.ledger.annotations.until(position)
    everything = effective_labels(annotations, workspace.project.effective_label)
    labels = [label for label in everything if label.evaluation == (purpose == "evaluation")]
    return _keep(workspace, labels, purpose, position).set_id


def _keep(
    workspace: Workspace, labels: list[EffectiveLabel], purpose: Literal["training", "evaluation"], position: int
) -> LabeledSet:
    """Write the file first, then its record."""
    content = [[label.sample_id, label.label, digest(label.payload)] for label in labels]
    set_id = digest([purpose, content])[:32]
    classes = {name: sum(label.label == name for label in labels) for name in workspace.project.class_names}
    return workspace.ledger.models.keep_set(
        LabeledSet(
            set_id=set_id,
            purpose=purpose,
            position=position,
            rows=len(labels),
            classes=classes,
            file=workspace.labeled_sets.write(f"{set_id}.parquet", _frame(workspace, labels)),
            recorded_at=workspace.clock(),
        )
    )


def _frame(workspace: Workspace, labels: list[EffectiveLabel]) -> pl.DataFrame:
    """The set's rows: sample id, label, the annotations that carry it, and the sample's own columns."""
    rows = frame_of([label.payload for label in labels], workspace.project)
    own = pl.DataFrame(
        {
            "sample_id": [label.sample_id for label in labels],
            "label": [label.label for label in labels],
            "annotations": [list(label.annotations) for label in labels],
        },
        schema={"sample_id": pl.String, "label": pl.String, "annotations": pl.List(pl.String)},
    )
    return own.hstack(rows)
