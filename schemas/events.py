"""The events that flows emit: hints for automations, never the truth (the ledger is).

Each has the resource ``tiltyard.project.NAME``, with the project's folder as ``project`` in its payload.
"""

from typing import Final

OBJECT_ARRIVED: Final = "tiltyard.object.arrived"
OBJECT_LANDED: Final = "tiltyard.object.landed"
BATCH_CHECKED: Final = "tiltyard.batch.checked"
LABELS_WANTED: Final = "tiltyard.labels.wanted"
LABELS_READY: Final = "tiltyard.labels.ready"
APPROVAL_WANTED: Final = "tiltyard.approval.wanted"
CHAMPION_PROMOTED: Final = "tiltyard.champion.promoted"
CHAMPION_ROLLED_BACK: Final = "tiltyard.champion.rolled_back"
DRIFT_FOUND: Final = "tiltyard.drift.found"
