"""Emit the event that a project has enough new labels for a training, read from its ledger."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from tiltyard.apps.watch.projects import WatchedProject
from tiltyard.schemas.events import LABELS_READY
from tiltyard.schemas.records import Due
from tiltyard.tasks.prefect_events import emit_prefect_event
from tiltyard.workspace.triggers import check_training_due, new_since_training, what_changed
from tiltyard.workspace.workspace import Workspace

LOG: Final = logging.getLogger("tiltyard.watch")
CHECK_EVERY: Final = timedelta(seconds=10)
REPEAT_AFTER: Final = timedelta(minutes=10)
"""An event may be lost, and the flow that it starts counts for itself: a training that is still due is repeated."""

Inputs = tuple[int, int, str, str]
"""What decides whether a training is due: ledger position of the last one, new annotations, changes, project file."""


class LabelsReadyNotifier:
    """Emits ``tiltyard.labels.ready`` for watched projects, so that the labeling server needs no Prefect key."""

    def __init__(self, projects: Sequence[WatchedProject], clock: Callable[[], datetime]) -> None:
        """Prepare to check; nothing is emitted yet."""
        self._projects = projects
        self._clock = clock
        self._checked_at: datetime | None = None
        self._emitted: dict[str, tuple[int, datetime]] = {}
        self._known: dict[str, tuple[Inputs, Due]] = {}

    def notify(self) -> int:
        """Emit the event for every project whose training is due; their number, 0 if it is too soon to check."""
        now = self._clock()
        if self._checked_at is not None and now - self._checked_at < CHECK_EVERY:
            return 0
        self._checked_at = now
        return sum(self._notify(project.workspace, now) for project in self._projects)

    def _notify(self, workspace: Workspace, now: datetime) -> bool:
        """Emit the event for one project: once for each training, and again if it is still due after a while."""
        name, trained = workspace.project.name, workspace.ledger.models.trained_until()
        emitted, at = self._emitted.get(name, (-1, now))
        if emitted == trained and now - at < REPEAT_AFTER:
            return False
        due = self._due(workspace, trained)
        if due:
            facts = {"project": name, "trained_position": trained, "annotations": new_since_training(workspace)}
            emit_prefect_event(LABELS_READY, {**facts, "why": due.why}, now)
            self._emitted[name] = (trained, now)
            LOG.info("labels are ready in %s, %s", name, due.why)
        return bool(due)

    def _due(self, workspace: Workspace, trained: int) -> Due:
        """Whether a training is due; the labels are read again only when something that decides it has changed."""
        project = workspace.project
        inputs = (trained, new_since_training(workspace), what_changed(workspace), project.project_hash)
        known, due = self._known.get(project.name, (None, None))
        if due is None or known != inputs:
            due = check_training_due(workspace)
            self._known[project.name] = (inputs, due)
        return due
