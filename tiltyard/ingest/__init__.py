"""Ingest: raw batches are cast, checked and partitioned into pool, quarantine and duplicates; schemas are inferred.

Outsiders import the names below from here; they load on first use.
"""

from typing import TYPE_CHECKING

from tiltyard.schemas.lazy import lazy_exports

if TYPE_CHECKING:
    from tiltyard.ingest.attempts import conservation
    from tiltyard.ingest.object_keys import is_batch
    from tiltyard.ingest.partition import BatchResult, partition_batch
    from tiltyard.ingest.raw_batch import QUARANTINE_TYPES, RawBatch
    from tiltyard.ingest.s3_events import read_notification
    from tiltyard.ingest.validation import check_rows
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "BatchResult": "partition",
            "QUARANTINE_TYPES": "raw_batch",
            "RawBatch": "raw_batch",
            "check_rows": "validation",
            "conservation": "attempts",
            "is_batch": "object_keys",
            "partition_batch": "partition",
            "read_notification": "s3_events",
        },
    )

__all__ = [
    "QUARANTINE_TYPES",
    "BatchResult",
    "RawBatch",
    "check_rows",
    "conservation",
    "is_batch",
    "partition_batch",
    "read_notification",
]
