"""What a project has recorded, as tables: each with its columns, their types and their meaning.

Every function reads the stores of an open workspace and gives a polars table; :mod:`tiltyard.project.frames` makes a
pandas data frame of it where the caller wants one. Columns of the project file keep their own names; one that is
reserved gets the prefix of :func:`tiltyard.schemas.project.columns.inside`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import polars as pl

from tiltyard.labels.current_classes import resolve_current_labels
from tiltyard.project.frames import AsOf
from tiltyard.samples.features import json_payloads_to_rows, payloads_to_rows
from tiltyard.schemas.errors import SettingsError
from tiltyard.schemas.pool_types import pool_schema
from tiltyard.schemas.records import Interval, Verdict
from tiltyard.workspace.lookup import versions_of_all
from tiltyard.workspace.models.labeled_sets import with_payloads
from tiltyard.workspace.workspace import Workspace

UTC_MOMENT: Final = pl.Datetime("us", "UTC")


class Field(NamedTuple):
    """One column of a table: its polars type and its meaning."""

    dtype: pl.DataType
    meaning: str


Fields = Mapping[str, Field]

TEXT, WHOLE, REAL, FLAG, MOMENT = pl.String(), pl.Int64(), pl.Float64(), pl.Boolean(), UTC_MOMENT

POOL: Final[Fields] = {
    "sample_id": Field(TEXT, "the sample's id, a hash of its content"),
    "evaluation": Field(FLAG, "whether the sample belongs to the evaluation set, which no model is trained on"),
}
LABELS: Final[Fields] = {
    "sample_id": POOL["sample_id"],
    "label": Field(TEXT, "the effective label: the one class that all annotations of the sample resolve to"),
    "evaluation": POOL["evaluation"],
    "annotations": Field(WHOLE, "the number of annotations that support the label"),
}
ANNOTATIONS: Final[Fields] = {
    "seq": Field(WHOLE, "the annotation's position in the ledger"),
    "annotation_id": Field(TEXT, "its id"),
    "sample_id": POOL["sample_id"],
    "annotator": Field(TEXT, "who annotated"),
    "act": Field(TEXT, "label, skip, cant_tell, flag, propose, withdraw or adjudicate"),
    "label": Field(TEXT, "the class; missing for acts without one"),
    "note": Field(TEXT, "the annotator's remark"),
    "supersedes": Field(TEXT, "the id of the annotation that this one corrects or withdraws"),
    "purpose": Field(TEXT, "the reason for the question: query, random, evaluation, gold or import"),
    "strategy": Field(TEXT, "the strategy that selected the sample"),
    "score": Field(REAL, "its score under that strategy"),
    "probability": Field(REAL, "the probability of being selected, where it is known"),
    "model_id": Field(TEXT, "the model that selected the sample"),
    "suggestion": Field(TEXT, "the class that this model predicted"),
    "suggestion_visible": Field(FLAG, "whether the annotator had seen the prediction"),
    "lead_ms": Field(WHOLE, "milliseconds from showing the sample to the answer"),
    "origin": Field(TEXT, "where the annotation was made: queue, terminal, import, arrived or label-studio"),
    "imported_by": Field(TEXT, "who imported it, if it was imported"),
    "late": Field(FLAG, "whether it came after the assignment had passed to another annotator"),
    "said_at": Field(MOMENT, "the annotator's own clock"),
    "recorded_at": Field(MOMENT, "the ledger's clock"),
}
QUARANTINE: Final[Fields] = {
    "batch_id": Field(TEXT, "the batch that the row belongs to"),
    "object": Field(TEXT, "the name of the object that it arrived in"),
    "row": Field(WHOLE, "its number in the object, from 0"),
    "line": Field(WHOLE, "its line in the file, from 1; missing in formats without lines"),
    "reasons": Field(TEXT, "all reasons, as a sentence"),
    "raw": Field(TEXT, "the cells as they arrived, as a JSON object"),
}
QUEUE: Final[Fields] = {
    "sample_id": POOL["sample_id"],
    "assignment_id": Field(TEXT, "the assignment's id"),
    "purpose": Field(TEXT, "query (selected by the strategy), random, evaluation or gold"),
    "strategy": Field(TEXT, "the strategy that selected the sample"),
    "score": ANNOTATIONS["score"],
}
BATCHES: Final[Fields] = {
    "batch_id": Field(TEXT, "the batch's id"),
    "object": Field(TEXT, "the name of the object that it was made from"),
    "attempt": Field(WHOLE, "1 for the first check of the object, 2 for the first retry"),
    "state": Field(TEXT, "accepted, refused or unreadable"),
    "read": Field(WHOLE, "rows read; always accepted + quarantined + duplicate"),
    "accepted": Field(WHOLE, "rows that joined the pool"),
    "quarantined": Field(WHOLE, "rows in quarantine"),
    "duplicate": Field(WHOLE, "rows that were in the pool already"),
    "reason": Field(TEXT, "the reason for a refusal"),
    "recorded_at": ANNOTATIONS["recorded_at"],
}
MODELS: Final[Fields] = {
    "model_id": Field(TEXT, "the model's id"),
    "version": Field(TEXT, "its version, such as 1.2.0"),
    "why": Field(TEXT, "the change that made the version"),
    "candidate": Field(TEXT, "the candidate of the project file that won the search"),
    "labels": Field(WHOLE, "the number of labels in its training set"),
    "threshold": Field(REAL, "its decision threshold; missing with more than two classes"),
    "champion": Field(FLAG, "whether it is the champion now"),
    "recorded_at": ANNOTATIONS["recorded_at"],
}
VERDICTS: Final[Fields] = {
    "verdict_id": Field(TEXT, "the verdict's id"),
    "decision": Field(TEXT, "promote, keep or roll_back"),
    "challenger_id": Field(TEXT, "the model that was judged"),
    "champion_id": Field(TEXT, "the champion that it was compared with; missing for the first model"),
    "metric": Field(TEXT, "the gate's metric"),
    "rows": Field(WHOLE, "the number of evaluation rows"),
    "challenger": Field(REAL, "the challenger's score"),
    "challenger_low": Field(REAL, "the lower bound of its interval"),
    "challenger_high": Field(REAL, "the upper bound"),
    "champion": Field(REAL, "the champion's score on the same rows"),
    "champion_low": Field(REAL, "the lower bound of its interval"),
    "champion_high": Field(REAL, "the upper bound"),
    "gain": Field(REAL, "the difference, challenger minus champion"),
    "gain_low": Field(REAL, "the lower bound of its interval"),
    "gain_high": Field(REAL, "the upper bound"),
    "failed": Field(TEXT, "the checks that failed, separated by commas"),
    "reason": Field(TEXT, "the reason for the decision, as a sentence"),
    "decided_by": Field(TEXT, "gate, watch, or the name of a person"),
    "recorded_at": ANNOTATIONS["recorded_at"],
}
PROMOTIONS: Final[Fields] = {
    "number": Field(WHOLE, "the number of the move, from 1 without gaps"),
    "kind": Field(TEXT, "promotion or roll_back"),
    "model_id": Field(TEXT, "the champion after the move"),
    "previous_id": Field(TEXT, "the champion before it"),
    "verdict_id": Field(TEXT, "the verdict that decided"),
    "actor": Field(TEXT, "who or what moved the champion"),
    "reason": Field(TEXT, "the reason, as a sentence"),
    "recorded_at": ANNOTATIONS["recorded_at"],
}
TABLES: Final[Mapping[str, Fields]] = {
    "pool": POOL,
    "labels": LABELS,
    "queue": QUEUE,
    "annotations": ANNOTATIONS,
    "quarantine": QUARANTINE,
    "batches": BATCHES,
    "models": MODELS,
    "verdicts": VERDICTS,
    "promotions": PROMOTIONS,
}
"""The tables of a project by the method that gives them; pool, labels and queue have the project's columns besides."""


def pool_table(workspace: Workspace, as_of: AsOf = None) -> pl.DataFrame:
    """All accepted samples, then the project's own columns; in the order in which they arrived."""
    columns = [*POOL, *pool_schema(workspace.project)]
    chunks = [chunk.select(columns) for chunk in workspace.pool.scan(workspace.pool_files(_position(workspace, as_of)))]
    return pl.concat([pl.DataFrame(schema=schema_of(POOL) | pool_schema(workspace.project)), *chunks])


def label_table(workspace: Workspace, as_of: AsOf = None) -> pl.DataFrame:
    """All effective labels, sorted by sample id, then the samples' own columns as they were when annotated."""
    position = _position(workspace, as_of)
    labels = resolve_current_labels(workspace.ledger.annotations.voices(position), workspace.project).labels
    labeled = with_payloads(workspace, labels, position)
    own = labeled.select(
        "sample_id",
        "label",
        pl.Series("evaluation", [label.evaluation for label in labels], pl.Boolean),
        pl.col("annotations").list.len().cast(pl.Int64),
    )
    return own.hstack(json_payloads_to_rows(labeled["payload"], workspace.project))


def queue_table(workspace: Workspace) -> pl.DataFrame:
    """All assignments that wait for an annotation, the next one first, then the samples' own columns."""
    waiting = workspace.ledger.assignments.waiting()
    own = records_table(waiting, QUEUE)
    return own.hstack(payloads_to_rows([one.payload for one in waiting], workspace.project))


def annotation_table(workspace: Workspace, as_of: AsOf = None) -> pl.DataFrame:
    """Every annotation in the ledger's order, without the samples' own columns."""
    return records_table(workspace.ledger.annotations.until(_position(workspace, as_of)), ANNOTATIONS)


def quarantine_table(workspace: Workspace) -> pl.DataFrame:
    """The rows in quarantine now, in the order of their batches."""
    names = {landed.object_id: landed.key for landed in workspace.ledger.batches.objects()}
    parts = [pl.DataFrame(schema=schema_of(QUARANTINE))]
    for batch in workspace.ledger.batches.latest():
        if batch.quarantine_file is not None:
            rows = workspace.quarantine.read(batch.quarantine_file)
            reasons = pl.Series("reasons", [reasons_sentence(text) for text in rows["reasons"]], pl.String)
            whose = {"batch_id": pl.lit(batch.batch_id), "object": pl.lit(names[batch.object_id])}
            parts.append(rows.with_columns(reasons, **whose).select(list(QUARANTINE)))
    return pl.concat(parts)


def batch_table(workspace: Workspace) -> pl.DataFrame:
    """Every check of every object, in the ledger's order."""
    names = {landed.object_id: landed.key for landed in workspace.ledger.batches.objects()}
    return records_table(workspace.ledger.batches.all(), BATCHES, lambda one: {"object": names[one.object_id]})


def model_table(workspace: Workspace) -> pl.DataFrame:
    """Every model, in the order of training."""
    ledger, versions = workspace.ledger, versions_of_all(workspace)
    champion, labels = ledger.champions.champion_id, ledger.models.rows_by_set()

    def more(model: Any) -> dict[str, Any]:
        version = versions[model.model_id]
        return {
            "version": version.number,
            "why": f"{version.step}: {version.why}",
            "candidate": model.recipe.get("candidate"),
            "labels": labels[model.training_id],
            "champion": model.model_id == champion,
        }

    return records_table(ledger.models.all(), MODELS, more)


def verdict_table(workspace: Workspace) -> pl.DataFrame:
    """Every verdict, in the ledger's order."""

    def more(verdict: Verdict) -> dict[str, Any]:
        estimates = {
            name: value
            for side in ("challenger", "champion", "gain")
            for name, value in _bounds(side, getattr(verdict, side)).items()
        }
        return {**estimates, "failed": ", ".join(one.name for one in verdict.checks if one.outcome == "fail")}

    return records_table(workspace.ledger.champions.verdicts(), VERDICTS, more)


def promotion_table(workspace: Workspace) -> pl.DataFrame:
    """Every move of the champion, in order."""
    return records_table(workspace.ledger.champions.history(), PROMOTIONS)


def schema_of(fields: Fields) -> pl.Schema:
    """The names and types of a table's columns."""
    return pl.Schema({name: field.dtype for name, field in fields.items()})


def records_table(records: Sequence[Any], fields: Fields, more: Any = lambda _record: {}) -> pl.DataFrame:
    """Records as a table: a column for each field, from ``more(record)`` or else from the record itself."""
    rows: Iterable[dict[str, Any]] = (
        {**{name: getattr(one, name, None) for name in fields}, **more(one)} for one in records
    )
    return pl.DataFrame(list(rows), schema=schema_of(fields))


def reasons_sentence(reasons: str) -> str:
    """All reasons for one row, which the quarantine keeps as a JSON list, as a sentence.

    >>> reasons_sentence('[{"check": "an integer", "column": "age", "value": "x"}]')
    "age 'x' is not an integer"
    """
    return "; ".join(reason_sentence(**reason) for reason in json.loads(reasons))


def reason_sentence(column: str, check: str, value: str) -> str:
    """One reason why a row is in quarantine, as a phrase.

    >>> reason_sentence("age", "an integer", "x"), reason_sentence("", "3 fields", "4 fields")
    ("age 'x' is not an integer", '4 fields, not 3 fields')
    >>> reason_sentence("age", "not missing", "")
    'age is missing'
    """
    if check == "not missing":
        return f"{column} is missing"
    if column:
        return f"{column} {value!r} is not {check}"
    return f"{value}, not {check}" if value else f"fails {check}"


def _bounds(side: str, interval: Interval | None) -> dict[str, float | None]:
    """An estimate as three cells: its value and both bounds of its interval."""
    if interval is None:
        return dict.fromkeys((side, f"{side}_low", f"{side}_high"))
    return {side: interval.value, f"{side}_low": interval.low, f"{side}_high": interval.high}


def _position(workspace: Workspace, as_of: AsOf) -> int | None:
    """The ledger position that a caller means; None for the end. Raises SettingsError for one that cannot be."""
    if as_of is None or (isinstance(as_of, int) and not isinstance(as_of, bool) and as_of >= 0):
        return as_of
    if not isinstance(as_of, datetime):
        raise SettingsError(f"as_of={as_of!r}: give a position in the ledger (from 0) or a datetime with a time zone")
    if as_of.tzinfo is None:
        raise SettingsError(f"as_of={as_of.isoformat()} has no time zone; add one, for example tzinfo=UTC")
    return workspace.ledger.position_at(as_of)
