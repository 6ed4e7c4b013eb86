"""Samples: identity, the random evaluation set, and the conversion between rows, payloads and model input.

Outsiders import the names below from here; they load on first use.
"""

from typing import TYPE_CHECKING

from tiltyard.schemas.lazy import lazy_exports

if TYPE_CHECKING:
    from tiltyard.samples.features import feature_frame, json_payloads_to_rows, payloads_to_rows, rows_to_payloads
    from tiltyard.samples.hashing import random_keys, row_keys
    from tiltyard.samples.identity import payload_hash, sample_ids
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "feature_frame": "features",
            "json_payloads_to_rows": "features",
            "payload_hash": "identity",
            "payloads_to_rows": "features",
            "random_keys": "hashing",
            "row_keys": "hashing",
            "rows_to_payloads": "features",
            "sample_ids": "identity",
        },
    )

__all__ = [
    "feature_frame",
    "json_payloads_to_rows",
    "payload_hash",
    "payloads_to_rows",
    "random_keys",
    "row_keys",
    "rows_to_payloads",
    "sample_ids",
]
