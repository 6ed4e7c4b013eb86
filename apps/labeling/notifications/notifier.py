"""Announcing: that there are labels enough for a training, once per training, to everybody who is to be told."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from tiltyard.apps.labeling.notifications.targets import Target
from tiltyard.apps.labeling.service.project import ServedProject
from tiltyard.schemas.events import LABELS_READY
from tiltyard.schemas.redaction import redacted
from tiltyard.stores.ledger.outbox import Notice
from tiltyard.workspace.triggers import check_training_due

LOG: Final = logging.getLogger("tiltyard.labeling")


class Announcer:
    """Puts notices of one project into its outbox and delivers what is due."""

    def __init__(
        self, served: ServedProject, targets: Sequence[Target], is_over: Callable[[], bool] = lambda: False
    ) -> None:
        """Tell some targets about one project, until it is over."""
        self._served, self._is_over = served, is_over
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
        due = check_training_due(self._served.workspace)
        if due:
            self._post(position, new, due.why)

    def deliver(self, target: str | None = None) -> None:
        """Send what is due, to one target or to all; what fails is tried again later, and no request waits for it."""
        names = list(self._targets) if target is None else [target]
        for name in names:
            self._deliver(name)
        if target is None:
            self.give_up_unknown()

    def give_up_unknown(self) -> None:
        """Note of what is due that its receiver is no longer in the settings."""
        if not self._targets:
            return
        outbox, now = self._served.ledger.outbox, self._served.now()
        for notice in outbox.due(now, but=list(self._targets)):
            LOG.warning("notice %s was not delivered: its receiver is no longer in the settings", notice.notice_id)
            outbox.failed(notice, "its receiver is no longer in the settings", now)

    def _deliver(self, name: str) -> None:
        """Send one target what is due."""
        outbox, now = self._served.ledger.outbox, self._served.now()
        # One at a time: what a slow receiver keeps waiting is not held meanwhile.
        while not self._is_over() and (found := outbox.due(now, count=1, of=name)):
            self._send(self._targets[name], found[0], now)

    def _send(self, target: Target, notice: Notice, now: datetime) -> None:
        """Send one notice, and note what came of it; at the end of the server nobody notes anything more."""
        outbox, problem = self._served.ledger.outbox, ""
        try:
            target.send(notice, now)
        except Exception as error:  # whatever a network can do; the outbox remembers it
            problem = redacted(f"{type(error).__name__}: {error}")
            LOG.warning("notice %s was not delivered: %s", notice.notice_id, problem)
        if self._is_over():
            return
        if problem:
            outbox.failed(notice, problem, self._served.now())
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
