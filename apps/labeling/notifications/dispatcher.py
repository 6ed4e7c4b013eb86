"""The dispatcher: background threads that deliver notices, reload changed project files and seal annotations.

Each target has its own thread: a slow or unreachable one delays neither the others nor the maintenance.
"""

import logging
from collections.abc import Callable
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Final

from tiltyard.apps.labeling.notifications.notifier import Notifier
from tiltyard.apps.labeling.notifications.targets import configured_targets

if TYPE_CHECKING:
    from tiltyard.apps.labeling.service import LabelingService, ServedProject

LOG: Final = logging.getLogger("tiltyard.labeling")
TICK_SECONDS: Final = 2.0
SEAL_SECONDS: Final = 60.0
STOP_SECONDS: Final = 3.0
"""Longest wait for deliveries at shutdown; an unfinished one is repeated after the next start."""


class Dispatcher:
    """Runs periodic work that no request should wait for."""

    def __init__(self, service: "LabelingService", tick: float = TICK_SECONDS) -> None:
        """Work for all served projects; TiltyardError if the settings of a target are incomplete."""
        targets = configured_targets(service.settings)
        self._over = Event()
        self._projects = [(one, Notifier(one, targets, self._over.is_set)) for one in service.projects.values()]
        self._tick = tick
        self._maintenance = Thread(target=self._maintain, name="dispatcher", daemon=True)
        self._senders = [
            Thread(target=self._deliver, args=(target.name,), name=f"sender {target.name}", daemon=True)
            for target in targets
        ]

    def start(self) -> None:
        """Start all threads."""
        for thread in (self._maintenance, *self._senders):
            thread.start()

    def stop(self) -> None:
        """Stop: maintenance after its current step, deliveries within seconds."""
        self._over.set()
        self._maintenance.join()
        until = monotonic() + STOP_SECONDS
        for sender in self._senders:
            sender.join(max(0.0, until - monotonic()))

    def _maintain(self) -> None:
        """Maintain all projects until :meth:`stop` is called."""
        sealed = monotonic()
        while not self._over.wait(self._tick):
            seals = monotonic() - sealed >= SEAL_SECONDS
            sealed = monotonic() if seals else sealed
            for served, notifier in self._projects:
                self._maintain_project(served, notifier, seals=seals)

    def _maintain_project(self, served: "ServedProject", notifier: Notifier, *, seals: bool) -> None:
        """All maintenance of one project; a failure of one step does not stop the others."""
        acts = (served.refresh, notifier.queue_notices, notifier.give_up_unknown, *([served.seal] if seals else []))
        for act in acts:
            _attempt(act)

    def _deliver(self, target: str) -> None:
        """Deliver due notices to one target until :meth:`stop` is called."""
        while not self._over.wait(self._tick):
            for _, notifier in self._projects:
                _attempt(lambda notifier=notifier: notifier.deliver(target))  # type: ignore[misc] # of this iteration


def _attempt(act: Callable[[], object]) -> None:
    """Run one step; errors are logged, because nobody waits for the result and the step runs again."""
    try:
        act()
    except Exception:  # the thread must continue after any error
        LOG.exception("a step of the dispatcher failed")
