"""Query: which samples of the pool to label next, as assignments, and when to stop labeling.

Outsiders import the names below from here; they load on first use.
"""

from typing import TYPE_CHECKING

from tiltyard.schemas.lazy import lazy_exports

if TYPE_CHECKING:
    from tiltyard.query.assignments import build_assignments, select_evaluation
    from tiltyard.query.selection import QuerySpec, anti_join, select_samples
    from tiltyard.query.stopping import stopping_advice
    from tiltyard.query.strategies import get_strategy
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "QuerySpec": "selection",
            "anti_join": "selection",
            "build_assignments": "assignments",
            "get_strategy": "strategies",
            "select_evaluation": "assignments",
            "select_samples": "selection",
            "stopping_advice": "stopping",
        },
    )

__all__ = [
    "QuerySpec",
    "anti_join",
    "build_assignments",
    "get_strategy",
    "select_evaluation",
    "select_samples",
    "stopping_advice",
]
