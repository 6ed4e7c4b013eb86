"""Two models on the same rows: which decisions flip, and who was right where a label is known."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from tiltyard.evaluation.predictions import Predictions, count_correct_flips, predict_rows
from tiltyard.evaluation.predictions import decision_flips as flips_of
from tiltyard.labels.current_classes import resolve_current_labels
from tiltyard.samples.features import feature_frame, rows_to_payloads
from tiltyard.schemas.project import OURS
from tiltyard.schemas.records import Model, Payload
from tiltyard.workspace.evaluation_set import first_rows
from tiltyard.workspace.workspace import Workspace

LABEL: Final = f"{OURS}label"
"""The effective label beside the project's own columns."""


@dataclass(frozen=True, slots=True)
class FlippedSample:
    """A sample that two models decide differently; ``label`` is its effective label, none where nobody gave one."""

    sample_id: str
    before: str
    after: str
    label: str | None
    payload: Payload


@dataclass(frozen=True, slots=True)
class Pair:
    """How two models' decisions differ over rows of the evaluation set, which neither was trained on.

    ``by_classes`` counts flips by the two decisions, most first; ``right`` counts, among the flips whose label is
    known, who decided right; ``labeled`` is how many of all rows have a label.
    """

    rows: int
    flips: int
    by_classes: dict[tuple[str, str], int]
    labeled: int
    right: dict[str, int]
    samples: list[FlippedSample]


def compare_pair(workspace: Workspace, before: Model, after: Model, examples: int) -> Pair:
    """How two models decide over the first ``evaluation.population`` rows of the evaluation set, labeled or not.

    ``examples`` flipped samples are shown, those with a label first. A model that was trained with other columns is
    asked as it would be today: what there is no more is missing to it.
    """
    project = workspace.project
    rows = _with_labels(workspace, first_rows(workspace, project.evaluation.population))
    if rows.is_empty():
        return Pair(0, 0, {}, 0, {}, [])
    frame = feature_frame(rows, project)
    old, new = (predict_rows(workspace.fitted(model), frame, project) for model in (before, after))
    differs = np.flatnonzero(old.decisions != new.decisions)
    pairs = zip(old.decisions[differs].tolist(), new.decisions[differs].tolist(), strict=True)
    return Pair(
        rows=rows.height,
        flips=len(differs),
        by_classes=dict(Counter(pairs).most_common()),
        labeled=int(rows[LABEL].is_not_null().sum()),
        right=_right(rows, old, new),
        samples=_samples(workspace, rows, differs, (old, new), examples),
    )


def _with_labels(workspace: Workspace, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their effective label as ``LABEL``, null where there is none."""
    if rows.is_empty():
        return rows
    labels = resolve_current_labels(workspace.ledger.annotations.voices(), workspace.project).labels
    known = {label.sample_id: label.label for label in labels if label.evaluation}
    found = rows["sample_id"].replace_strict(known, default=None, return_dtype=pl.String)
    return rows.with_columns(found.alias(LABEL))


def _right(rows: pl.DataFrame, old: Predictions, new: Predictions) -> dict[str, int]:
    """Who decided right where the two differ and the label is known."""
    labeled = rows[LABEL].is_not_null().to_numpy()
    found = flips_of(rows[LABEL].drop_nulls().to_numpy().astype(str), old.rows(labeled), new.rows(labeled))
    said = count_correct_flips(found, np.ones(int(labeled.sum())))
    names = {"challenger": "after", "champion": "before", "neither": "neither"}
    return {names[who]: int(count) for who, count in said.items()}


def _samples(
    workspace: Workspace, rows: pl.DataFrame, differs: Any, sides: tuple[Predictions, Predictions], most: int
) -> list[FlippedSample]:
    """Samples that flip, those with a label first, else in the order of chance."""
    order = sorted(differs.tolist(), key=lambda place: (rows[LABEL][place] is None, place))[:most]
    payloads = rows_to_payloads(rows[order], workspace.project)
    old, new = sides
    return [
        FlippedSample(
            rows["sample_id"][place], str(old.decisions[place]), str(new.decisions[place]), rows[LABEL][place], own
        )
        for place, own in zip(order, payloads, strict=True)
    ]
