"""The notifier: one notice per target and training when enough labels are ready."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from tiltyard.apps.labeling.notifications.targets import Target
from tiltyard.schemas.events import LABELS_READY
from tiltyard.schemas.redaction import redacted
from tiltyard.stores.ledger.outbox import Notice
from tiltyard.workspace.triggers import check_training_due

if TYPE_CHECKING:
    from tiltyard.apps.labeling.service import ServedProject

LOG: Final = logging.getLogger("tiltyard.labeling")


class Notifier:
    """Puts notices of one project into its outbox and delivers those that are due."""

    def __init__(
        self, served: "ServedProject", targets: Sequence[Target], is_over: Callable[[], bool] = lambda: False
    ) -> None:
        """Notify some targets about one project, until ``is_over`` returns true."""
        self._served, self._is_over = served, is_over
        self._targets = {target.name: target for target in targets}
        self._seen: tuple[int, int] | None = None

    def queue_notices(self) -> None:
        """Queue a notice per target if a training is due that has none.

        Counted from the ledger each time, so that annotations made while the server was down count.
        """
        if not self._targets:
            return
        position, new = self._count()
        if new < self._served.project.triggers.labels or self._seen == (position, new):
            return
        self._seen = (position, new)
        due = check_training_due(self._served.workspace)
        if due:
            self._post(position, new, due.why)

    def deliver(self, target: str | None = None) -> None:
        """Deliver due notices to one target or to all; failed ones are retried later, and no request waits for them."""
        names = list(self._targets) if target is None else [target]
        for name in names:
            self._deliver(name)
        if target is None:
            self.give_up_unknown()

    def give_up_unknown(self) -> None:
        """Mark due notices as failed if their target is no longer in the settings."""
        if not self._targets:
            return
        outbox, now = self._served.ledger.outbox, self._served.now()
        for notice in outbox.due(now, but=list(self._targets)):
            LOG.warning("notice %s was not delivered: its target is no longer in the settings", notice.notice_id)
            outbox.failed(notice, "its target is no longer in the settings", now)

    def _deliver(self, name: str) -> None:
        """Deliver due notices to one target."""
        outbox, now = self._served.ledger.outbox, self._served.now()
        # One at a time: a slow target must not hold a claim on all of them.
        while not self._is_over() and (found := outbox.due(now, count=1, of=name)):
            self._send(self._targets[name], found[0], now)

    def _send(self, target: Target, notice: Notice, now: datetime) -> None:
        """Send one notice and record the outcome; during shutdown nothing is recorded."""
        outbox, problem = self._served.ledger.outbox, ""
        try:
            target.send(notice, now)
        except Exception as error:  # any error of the network; the outbox records it
            problem = redacted(f"{type(error).__name__}: {error}")
            LOG.warning("notice %s was not delivered: %s", notice.notice_id, problem)
        if self._is_over():
            return
        if problem:
            outbox.failed(notice, problem, self._served.now())
        else:
            outbox.delivered(notice)

    def _count(self) -> tuple[int, int]:
        """The ledger position of the last training, and the number of annotations after it."""
        ledger = self._served.ledger
        trained = ledger.models.trained_until()
        return trained, ledger.annotations.count(since=trained)

    def _post(self, position: int, new: int, why: str) -> None:
        """Queue one notice per target; the key contains the training, so that repeats add nothing."""
        now = self._served.now()
        data = {"project": self._served.project.name, "trained_position": position, "annotations": new, "why": why}
        body = {"type": LABELS_READY, "timestamp": now.isoformat(), "data": data}
        for name in self._targets:
            self._served.ledger.outbox.post(LABELS_READY, f"labels-ready-{position}-{name}", body, now)
