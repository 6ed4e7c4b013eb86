"""Labels: checks of annotations, effective labels, agreement between annotators, disputes, and label files.

Outsiders import the names below from here; they load on first use.
"""

from typing import TYPE_CHECKING

from tiltyard.schemas.lazy import lazy_exports

if TYPE_CHECKING:
    from tiltyard.labels.active_annotations import latest_adjudication, latest_labels
    from tiltyard.labels.adjudication import find_disputes, needs_tiebreak
    from tiltyard.labels.annotations import annotation_id, arrived_labels, check_annotation
    from tiltyard.labels.current_classes import resolve_current_labels
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "annotation_id": "annotations",
            "arrived_labels": "annotations",
            "check_annotation": "annotations",
            "find_disputes": "adjudication",
            "latest_adjudication": "active_annotations",
            "latest_labels": "active_annotations",
            "needs_tiebreak": "adjudication",
            "resolve_current_labels": "current_classes",
        },
    )

__all__ = [
    "annotation_id",
    "arrived_labels",
    "check_annotation",
    "find_disputes",
    "latest_adjudication",
    "latest_labels",
    "needs_tiebreak",
    "resolve_current_labels",
]
