"""Labels of the evaluation set that were given after a move of the champion: no verdict before it has seen them."""

import polars as pl

from tiltyard.labels.current_classes import resolve_current_labels
from tiltyard.samples.features import json_payloads_to_rows
from tiltyard.schemas.records import DISAGREEMENT, Promotion, SampleId
from tiltyard.workspace.workspace import Workspace


def fresh_labels(workspace: Workspace, move: Promotion, fewest: int = 0) -> pl.DataFrame:
    """The effective evaluation labels of samples that nobody had answered before a move, in the order in which they
    were first answered: sample_id, label and the project's own columns.

    What was asked for where two models differ stays out: it is not drawn by chance. Where fewer annotations than
    ``fewest`` came since, nothing is read and the frame is empty.
    """
    annotations, position = workspace.ledger.annotations, workspace.ledger.champions.position_of(move.number)
    if annotations.count(since=position) < fewest:
        return pl.DataFrame()
    place = {sample: number for number, sample in enumerate(_first_answered_since(workspace, position))}
    labels = resolve_current_labels(annotations.voices(), workspace.project).labels
    fresh = sorted(
        (one for one in labels if one.evaluation and one.sample_id in place), key=lambda one: place[one.sample_id]
    )
    own = pl.DataFrame(
        [(one.sample_id, one.label) for one in fresh], schema={"sample_id": pl.String, "label": pl.String}, orient="row"
    )
    told = own.join(annotations.payloads(), on="sample_id", maintain_order="left")
    return told.select("sample_id", "label").hstack(json_payloads_to_rows(told["payload"], workspace.project))


def _first_answered_since(workspace: Workspace, position: int) -> list[SampleId]:
    """The samples that nobody had answered at a position, in the order of their first answers, by chance drawn."""
    annotations, asked = workspace.ledger.annotations, workspace.ledger.assignments.to_evaluate()
    known = {voice.sample_id for voice in annotations.voices(position)}
    known |= {one.sample_id for one in asked if one.strategy == DISAGREEMENT}
    return list(dict.fromkeys(voice.sample_id for voice in annotations.voices() if voice.sample_id not in known))
