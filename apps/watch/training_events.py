"""Telling Prefect that there are labels enough for a training: read from the ledger, where every answer ends up."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from tiltyard.apps.labeling.notifications import emit_prefect_event
from tiltyard.apps.watch.projects import WatchedProject
from tiltyard.schemas.events import LABELS_READY
from tiltyard.workspace.triggers import check_training_due, new_since_training

LOG: Final = logging.getLogger("tiltyard.watch")
LOOK_EVERY: Final = timedelta(seconds=10)
AGAIN_AFTER: Final = timedelta(minutes=10)
"""An event may be lost, and a flow that it wakes counts for itself: a training that is still due is told again."""


class LabelTeller:
    """Emits ``tiltyard.labels.ready`` for watched projects, so that the labeling server needs no key to Prefect."""

    def __init__(self, projects: Sequence[WatchedProject], clock: Callable[[], datetime]) -> None:
        """Prepare to look; nothing is told yet."""
        self._projects = projects
        self._clock = clock
        self._looked_at: datetime | None = None
        self._told: dict[str, tuple[int, datetime]] = {}

    def tell(self) -> int:
        """Tell of every project whose training is due; of how many, none when it is too soon to look again."""
        now = self._clock()
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY:
            return 0
        self._looked_at = now
        return sum(self._tell(project, now) for project in self._projects)

    def _tell(self, project: WatchedProject, now: datetime) -> bool:
        """Tell of one project, once for each training and again when nothing came of it for a while."""
        workspace = project.workspace
        name, trained = workspace.project.name, workspace.ledger.models.trained_until()
        told, at = self._told.get(name, (-1, now))
        if told == trained and now - at < AGAIN_AFTER:
            return False
        due = check_training_due(workspace)
        if due:
            facts = {"project": name, "trained_position": trained, "annotations": new_since_training(workspace)}
            emit_prefect_event(LABELS_READY, {**facts, "why": due.why}, now)
            self._told[name] = (trained, now)
            LOG.info("labels are ready in %s, %s", name, due.why)
        return bool(due)
