"""Pin the labels: the exact rows behind a training or a comparison, at one ledger position."""

from typing import Literal

import polars as pl

from tiltyard.labels.current_classes import resolve_current_labels
from tiltyard.samples.features import json_payloads_to_rows
from tiltyard.schemas.records import EffectiveLabel, LabeledSet
from tiltyard.tasks.step import step
from tiltyard.workspace.models.labeled_sets import labeled_set_id, with_payloads
from tiltyard.workspace.workspace import Workspace, open_workspace


@step("snapshot-labels", alone=("train",))
def snapshot_labels(project: str, purpose: Literal["training", "evaluation"]) -> str:
    """Store every effective label of one purpose as an immutable file; the set's id, a hash of its content.

    Training uses all effective labels outside the evaluation set, evaluation all those inside. Annotations that
    arrive later belong to the next snapshot; none is left out.
    """
    return pin_labels(open_workspace(project), purpose).set_id


def pin_labels(workspace: Workspace, purpose: Literal["training", "evaluation"]) -> LabeledSet:
    """The current labels of one purpose, stored as an immutable file."""
    workspace.refuse_other_kinds()
    position = workspace.ledger.position()
    voices = workspace.ledger.annotations.voices(position)
    everything = resolve_current_labels(voices, workspace.project).labels
    labels = [label for label in everything if label.evaluation == (purpose == "evaluation")]
    return _keep(workspace, labels, purpose, position)


def _keep(
    workspace: Workspace, labels: list[EffectiveLabel], purpose: Literal["training", "evaluation"], position: int
) -> LabeledSet:
    """Write the file first, then its record. An existing set is not written again."""
    labeled = with_payloads(workspace, labels, position)
    set_id = labeled_set_id(purpose, labeled)
    known = workspace.ledger.models.known_set(set_id)
    if known is not None:
        return known
    classes = {name: labeled.filter(pl.col("label") == name).height for name in workspace.project.class_names}
    return workspace.ledger.models.keep_set(
        LabeledSet(
            set_id=set_id,
            purpose=purpose,
            position=position,
            rows=labeled.height,
            classes=classes,
            file=workspace.labeled_sets.keep(set_id, _frame(workspace, labeled)),
            recorded_at=workspace.clock(),
        )
    )


def _frame(workspace: Workspace, labeled: pl.DataFrame) -> pl.DataFrame:
    """The set's rows: sample id, label, the annotations that carry it, and the sample's own columns."""
    own = labeled.select("sample_id", "label", "annotations")
    return own.hstack(json_payloads_to_rows(labeled["payload"], workspace.project))
