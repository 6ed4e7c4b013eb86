"""The state of the loop as tables, for the terminal, Prefect's pages and the report."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tiltyard.schemas.records import Batch, Check, Interval, LandedObject, Model, ObjectId, Promotion, Verdict

Row = dict[str, Any]

SHOWN_NAMES: Final = 10
"""Columns that a batch's line names among those that were left out."""


def batch_rows(batches: Iterable[Batch], objects: Mapping[ObjectId, LandedObject]) -> list[Row]:
    """One row per batch: where it came from, where its rows went, and why if it was refused."""
    return [
        {
            "batch": batch.batch_id[:8],
            "object": objects[batch.object_id].key,
            "attempt": batch.attempt,
            "read": batch.read,
            "accepted": batch.accepted,
            "quarantined": batch.quarantined,
            "duplicate": batch.duplicate,
            "state": batch.state,
            "reason": batch.reason,
            "unusual": unusual_columns(batch),
            "left_out": left_out(batch),
            "missing": missing_cells(batch),
        }
        for batch in batches
    ]


def unusual_columns(batch: Batch) -> str:
    """The columns of a batch that differ from the batches before it, the clearest first; empty where none does."""
    return ", ".join(dict.fromkeys(str(found["column"]) for found in batch.statistics.get("anomalies", [])))


def left_out(batch: Batch) -> str:
    """The parts of an object that are not rows: blank rows, and columns that 'columns.extra: ignore' leaves out."""
    blank, ignored = batch.statistics.get("blank", 0), batch.statistics.get("ignored", {"count": 0, "names": []})
    rows = [f"{blank} blank {'row' if blank == 1 else 'rows'}"] if blank else []
    names = ", ".join(map(repr, ignored["names"][:SHOWN_NAMES]))
    more = f" and {ignored['count'] - SHOWN_NAMES} more" if ignored["count"] > SHOWN_NAMES else ""
    columns = [f"columns that the project does not name: {names}{more}"] if ignored["count"] else []
    return "; ".join([*rows, *columns])


def missing_cells(batch: Batch) -> str:
    """The cells of a batch that were read as missing although they contain text, by column and spelling."""
    told = [
        f"{column} {spelling!r:.60} ({count:,})"
        for column, spellings in sorted(batch.statistics.get("missing_cells", {}).items())
        for spelling, count in sorted(spellings.items())
        if spelling
    ]
    return ", ".join(told)


def verdict_row(verdict: Verdict, labels: int | None = None) -> Row:
    """One verdict as a row: who was compared, on how many rows, with which result."""
    return {
        "challenger": verdict.challenger_id[:8],
        "champion": verdict.champion_id[:8] if verdict.champion_id else "-",
        "labels": labels,
        "rows": verdict.rows,
        "metric": verdict.metric,
        "champion score": interval_text(verdict.champion),
        "challenger score": interval_text(verdict.challenger),
        "gain": interval_text(verdict.gain, signed=True),
        "decision": verdict.decision,
        "reason": verdict.reason,
    }


def check_rows(checks: Iterable[Check]) -> list[Row]:
    """One row per check of the gate: the question, its evidence and its answer."""
    return [
        {"check": check.name, "outcome": check.outcome, "value": check.value, "limit": check.limit, "why": check.why}
        for check in checks
    ]


def promotion_rows(promotions: Iterable[Promotion]) -> list[Row]:
    """One row per move of the champion, first to last."""
    return [
        {
            "number": move.number,
            "champion": move.model_id[:8],
            "before": move.previous_id[:8] if move.previous_id else "-",
            "kind": move.kind,
            "by": move.actor,
            "at": move.recorded_at.isoformat(timespec="seconds"),
            "reason": move.reason,
        }
        for move in promotions
    ]


def learning_curve(models: Sequence[Model], verdicts: Iterable[Verdict], labels: Mapping[str, int]) -> list[Row]:
    """One point per judged challenger: how many labels it was trained on, and what it scored.

    ``labels`` gives the number of labels of each training set by its id.
    """
    trained_on = {model.model_id: labels[model.training_id] for model in models}
    return [
        {
            "labels": trained_on[verdict.challenger_id],
            "score": verdict.challenger.value,
            "low": verdict.challenger.low,
            "high": verdict.challenger.high,
            "decision": verdict.decision,
            "challenger": verdict.challenger_id[:8],
        }
        for verdict in verdicts
        if verdict.challenger is not None and verdict.decision != "roll_back"
    ]


def interval_text(interval: Interval | None, *, signed: bool = False) -> str:
    """An estimate with its interval as text, a dash when there is none.

    >>> interval_text(Interval(0.91234, 0.88, 0.94))
    '0.912 [0.880, 0.940]'
    >>> interval_text(Interval(0.01, -0.02, 0.04), signed=True)
    '+0.010 [-0.020, +0.040]'
    """
    if interval is None:
        return "-"
    sign = "+" if signed else ""
    return f"{interval.value:{sign}.3f} [{interval.low:{sign}.3f}, {interval.high:{sign}.3f}]"
