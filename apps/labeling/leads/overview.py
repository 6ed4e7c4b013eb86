"""The overview of one project for leads: batches, days, proposed classes and flags."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from tiltyard.apps.labeling.api.responses import DayResponse
from tiltyard.apps.labeling.service import ServedProject
from tiltyard.schemas.records import Annotation, SampleId

DAYS: Final = 14
SHOWN: Final = 20
Row = dict[str, Any]


def throughput(served: ServedProject) -> list[DayResponse]:
    """The annotations of each annotator on each of the last fourteen days, by act."""
    now = served.now()
    since = (now - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = served.ledger.annotations.per_day(since)
    return [DayResponse(day=day, annotator=annotator, act=act, count=count) for day, annotator, act, count in rows]


def daily_totals(served: ServedProject) -> list[Row]:
    """The last fourteen days, oldest first: annotations and annotators per day, zeros included."""
    answers: dict[str, int] = defaultdict(int)
    people: dict[str, set[str]] = defaultdict(set)
    for row in throughput(served):
        answers[row.day] += row.count
        people[row.day].add(row.annotator)
    today = served.now().date()
    names = [(today - timedelta(days=back)).isoformat() for back in reversed(range(DAYS))]
    return [{"day": name, "answers": answers[name], "annotators": len(people[name])} for name in names]


def batches(served: ServedProject) -> list[Row]:
    """Each query with its number of labeled samples, newest first."""
    asked = {one.query_id: one for one in served.ledger.assignments.per_query()}
    return [
        {
            "query_id": query.query_id,
            "strategy": query.strategy,
            "asked": asked[query.query_id].asked if query.query_id in asked else 0,
            "answered": asked[query.query_id].answered if query.query_id in asked else 0,
            "at": to_minute(query.recorded_at.isoformat()),
            "model": query.model_id,
            "reason": query.reason,
        }
        for query in reversed(served.ledger.assignments.queries())
    ]


def proposals(served: ServedProject) -> list[Row]:
    """The latest proposed classes, newest first."""
    return _remarks(served.ledger.annotations.last_of_act("propose", SHOWN))


def flags(served: ServedProject) -> list[Row]:
    """The latest flags, newest first."""
    return _remarks(served.ledger.annotations.last_of_act("flag", SHOWN))


def dispute_count(served: ServedProject) -> int:
    """The number of samples to adjudicate."""
    return len(served.disputes())


def to_minute(moment: str) -> str:
    """An ISO 8601 time to the minute.

    >>> to_minute("2026-01-02T03:04:05+00:00")
    '2026-01-02 03:04'
    """
    return moment[:16].replace("T", " ")


def _remarks(annotations: Iterable[Annotation]) -> list[Row]:
    """Flags and proposals as rows; the first line of a proposal is the class."""
    return [
        {
            "sample_id": SampleId(one.sample_id),
            "label_wanted": one.note.partition("\n")[0] if one.act == "propose" else "",
            "note": one.note.partition("\n")[2] if one.act == "propose" else one.note,
            "annotator": one.annotator,
            "at": to_minute(one.recorded_at.isoformat()),
        }
        for one in annotations
    ]
