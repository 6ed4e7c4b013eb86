"""The events that flows emit: hints for automations, never the truth (the ledger is)."""

from typing import Final

OBJECT_LANDED: Final = "tiltyard.object.landed"
BATCH_CHECKED: Final = "tiltyard.batch.checked"
LABELS_READY: Final = "tiltyard.labels.ready"
CHAMPION_PROMOTED: Final = "tiltyard.champion.promoted"
CHAMPION_ROLLED_BACK: Final = "tiltyard.champion.rolled_back"
