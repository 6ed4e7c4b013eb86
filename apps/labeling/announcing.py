"""Announcing: that there are labels enough for a training, once per training, to everybody who is to be told."""

import logging
from collections.abc import Sequence
from typing import Final

from apps.labeling.served import ServedProject
from apps.labeling.targets import Target
from schemas.events import LABELS_READY
from tiltyard.stores.due import due_for_training
from tiltyard.stores.ledger.outbox import Notice

LOG: Final = logging.getLogger("tiltyard.labeling")


class Announcer:
    """Puts notices of one project into its outbox and delivers what is due."""

    def __init__(self, served: ServedProject, targets: Sequence[Target]) -> None:
        """Tell some targets about one project."""
        self._served = served
        self._targets = {target.name: target for target in targets}
        self._seen: tuple[int, int] | None = None

    def announce(self) -> None:
        """Post a notice per target when a training is due that none was posted for.

        Counted from the ledger each time: nothing that somebody did while we were down is missed.
        """
        if not self._targets:
            return
        position, new = self._counted()
        if new < self._served.project.triggers.labels or self._seen == (position, new):
            return
        self._seen = (position, new)
        due = due_for_training(self._served.workspace)
        if due:
            self._post(position, new, due.why)

    def deliver(self) -> None:
        """Send what is due; what fails is tried again later, and no request waits for it."""
        if not self._targets:
            return
        outbox, now = self._served.ledger.outbox, self._served.now()
        for notice in outbox.due(now):
            try:
                self._target_of(notice).send(notice, now)
            except Exception as error:  # whatever a network can do; the outbox remembers it
                LOG.warning("notice %s was not delivered: %s", notice.notice_id, error)
                outbox.failed(notice, f"{type(error).__name__}: {error}", self._served.now())
            else:
                outbox.delivered(notice)

    def _counted(self) -> tuple[int, int]:
        """The ledger position of the last training, and how many annotations came after it."""
        ledger = self._served.ledger
        trained = ledger.models.trained_until()
        return trained, ledger.annotations.count(since=trained)

    def _post(self, position: int, new: int, why: str) -> None:
        """One notice per target; the key says after which training, so that it is one however often we look."""
        now = self._served.now()
        data = {"project": self._served.project.name, "trained_position": position, "annotations": new, "why": why}
        body = {"type": LABELS_READY, "timestamp": now.isoformat(), "data": data}
        for name in self._targets:
            self._served.ledger.outbox.post(LABELS_READY, f"labels-ready-{position}-{name}", body, now)

    def _target_of(self, notice: Notice) -> Target:
        """Whom a notice is for."""
        target = self._targets.get(notice.notice_id.rsplit("-", 1)[-1])
        if target is None:
            raise LookupError("its receiver is no longer in the settings")
        return target
