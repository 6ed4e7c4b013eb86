"""Monitoring: drift of data and predictions, and champions whose performance drops after a promotion.

Profiles are JSON that stores keep; :func:`detect_drift` compares two of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tiltyard.monitoring.champion_watch import detect_regression as detect_regression
    from tiltyard.monitoring.champion_watch import is_watched as is_watched
    from tiltyard.monitoring.drift import detect_drift as detect_drift
    from tiltyard.monitoring.drift import pool_profiles as pool_profiles
    from tiltyard.monitoring.drift import profile_rows as profile_rows

HOMES: Final = {
    "detect_drift": "drift",
    "detect_regression": "champion_watch",
    "is_watched": "champion_watch",
    "pool_profiles": "drift",
    "profile_rows": "drift",
}
"""Public names and their modules, imported on first use: some need scikit-learn, which takes a second to import."""

__all__ = ["detect_drift", "detect_regression", "is_watched", "pool_profiles", "profile_rows"]


def __getattr__(name: str) -> Any:
    """A public name of the room."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
