"""Monitoring: drift of data and predictions, and champions whose performance drops after a promotion.

Profiles are JSON that stores keep; :func:`detect_drift` compares two of them.
"""

from typing import TYPE_CHECKING

from tiltyard.schemas.lazy import lazy_exports

if TYPE_CHECKING:
    from tiltyard.monitoring.champion_watch import detect_regression, is_watched
    from tiltyard.monitoring.drift import detect_drift, pool_profiles, profile_rows
else:
    # Some need scikit-learn, which takes a second to import.
    __getattr__ = lazy_exports(
        __name__,
        {
            "detect_drift": "drift",
            "detect_regression": "champion_watch",
            "is_watched": "champion_watch",
            "pool_profiles": "drift",
            "profile_rows": "drift",
        },
    )

__all__ = ["detect_drift", "detect_regression", "is_watched", "pool_profiles", "profile_rows"]
