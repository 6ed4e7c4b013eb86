"""Facts for tests of the ledger: an object, its batch, a query with assignments, an answer."""

from dataclasses import replace
from datetime import UTC, datetime

from tiltyard.schemas.records import (
    Assignment,
    AssignmentId,
    Batch,
    BatchId,
    LandedObject,
    NewAnnotation,
    ObjectId,
    Query,
    QueryId,
    SampleId,
    StoredFile,
)
from tiltyard.stores.ledger.ledger import Ledger

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def an_object(number: int = 1, key: str = "day.csv") -> LandedObject:
    return LandedObject(ObjectId(f"o{number}"), "folder:incoming", key, "", "s", f"sum{number}", 10, NOW)


def a_batch(number: int = 1, **changes: object) -> Batch:
    counts = {"state": "accepted", "read": 10, "accepted": 7, "quarantined": 2, "duplicate": 1}
    file = StoredFile(f"b{number}.parquet", "f" * 64, 7)
    batch = Batch(
        BatchId(f"b{number}"), ObjectId(f"o{number}"), 1, "c", **counts, reason="", pool_file=file,  # type: ignore[arg-type]  # counts fit their fields
        quarantine_file=None, statistics={"age": {"mean": 1.5}}, recorded_at=NOW,
    )  # fmt: skip
    return replace(batch, **changes)  # type: ignore[arg-type]  # the changes a test names fit their fields


def an_answer(key: str = "k1", sample: str = "s1", **changes: object) -> NewAnnotation:
    new = NewAnnotation(key, "ada", "label", SampleId(sample), {"x": 1.5, "y": None}, NOW, label="yes")
    return replace(new, **changes)  # type: ignore[arg-type]  # the changes a test names fit their fields


def ask(ledger: Ledger, count: int) -> None:
    query = Query(QueryId("q1"), "margin", None, count, ledger.position(), "", NOW)
    ledger.assignments.ask(
        query,
        [
            Assignment(
                AssignmentId(f"a{i}"), query.query_id, SampleId(f"s{i}"), 0, "query", "margin", 0.1, None, None,
                {"x": i}, 1 - i / count,
            )
            for i in range(count)
        ],
    )  # fmt: skip
