"""The dispatcher: threads that tell others, take up changed project files, and seal what was stored.

Each receiver has a thread of its own, so that one who is slow or away holds up neither the others nor the upkeep.
"""

import logging
from collections.abc import Callable
from threading import Event, Thread
from time import monotonic
from typing import Final

from tiltyard.apps.labeling.notifications.notifier import Notifier
from tiltyard.apps.labeling.notifications.targets import configured_targets
from tiltyard.apps.labeling.service.project import ServedProject
from tiltyard.apps.labeling.service.service import LabelingService

LOG: Final = logging.getLogger("tiltyard.labeling")
TICK_SECONDS: Final = 2.0
SEAL_SECONDS: Final = 60.0
STOP_SECONDS: Final = 3.0
"""What is waited for at the end; a delivery that takes longer is given up, and made again after the next start."""


class Dispatcher:
    """Does, now and then, what no request should wait for."""

    def __init__(self, service: LabelingService, tick: float = TICK_SECONDS) -> None:
        """Work for every project that is served; TiltyardError when the settings' targets cannot be told."""
        targets = configured_targets(service.settings)
        self._over = Event()
        self._projects = [(one, Notifier(one, targets, self._over.is_set)) for one in service.projects.values()]
        self._tick = tick
        self._upkeep = Thread(target=self._keep_up, name="dispatcher", daemon=True)
        self._tellers = [
            Thread(target=self._tell, args=(target.name,), name=f"teller {target.name}", daemon=True)
            for target in targets
        ]

    def start(self) -> None:
        """Begin."""
        for thread in (self._upkeep, *self._tellers):
            thread.start()

    def stop(self) -> None:
        """End: the upkeep once what is under way is done, deliveries within seconds."""
        self._over.set()
        self._upkeep.join()
        until = monotonic() + STOP_SECONDS
        for teller in self._tellers:
            teller.join(max(0.0, until - monotonic()))

    def _keep_up(self) -> None:
        """Go round until the end is asked for."""
        sealed = monotonic()
        while not self._over.wait(self._tick):
            seals = monotonic() - sealed >= SEAL_SECONDS
            sealed = monotonic() if seals else sealed
            for served, announcer in self._projects:
                self._go_round(served, announcer, seals=seals)

    def _go_round(self, served: ServedProject, announcer: Notifier, *, seals: bool) -> None:
        """Everything for one project; a failure in one thing holds up no other."""
        acts = (served.refresh, announcer.announce, announcer.give_up_unknown, *([served.seal] if seals else []))
        for act in acts:
            _attempt(act)

    def _tell(self, target: str) -> None:
        """Deliver to one receiver what is due, until the end is asked for."""
        while not self._over.wait(self._tick):
            for _, announcer in self._projects:
                _attempt(lambda announcer=announcer: announcer.deliver(target))  # type: ignore[misc] # of this round


def _attempt(act: Callable[[], object]) -> None:
    """Do one thing; what goes wrong is logged, because nobody waits for an answer and the next round comes."""
    try:
        act()
    except Exception:  # the thread must go on, whatever it was
        LOG.exception("a round of the dispatcher failed")
