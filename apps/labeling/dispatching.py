"""The dispatcher: a thread that tells others, takes up changed project files, and seals what was stored."""

import logging
from collections.abc import Callable
from threading import Event, Thread
from time import monotonic
from typing import Final

from apps.labeling.announcing import Announcer
from apps.labeling.served import ServedProject
from apps.labeling.service import LabelingService
from apps.labeling.targets import targets_of

LOG: Final = logging.getLogger("tiltyard.labeling")
TICK_SECONDS: Final = 2.0
SEAL_SECONDS: Final = 60.0


class Dispatcher:
    """Does, now and then, what no request should wait for."""

    def __init__(self, service: LabelingService, tick: float = TICK_SECONDS) -> None:
        """Work for every project that is served; TiltyardError when the settings' targets cannot be told."""
        targets = targets_of(service.settings)
        self._projects = [(served, Announcer(served, targets)) for served in service.projects.values()]
        self._tick = tick
        self._over = Event()
        self._thread = Thread(target=self._work, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, once what is under way is done."""
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        """Go round until the end is asked for."""
        sealed = monotonic()
        while not self._over.wait(self._tick):
            seals = monotonic() - sealed >= SEAL_SECONDS
            sealed = monotonic() if seals else sealed
            for served, announcer in self._projects:
                self._go_round(served, announcer, seals=seals)

    def _go_round(self, served: ServedProject, announcer: Announcer, *, seals: bool) -> None:
        """Everything for one project; a failure in one thing holds up no other."""
        for act in (served.refresh, announcer.announce, announcer.deliver, *([served.seal] if seals else [])):
            _attempt(act)


def _attempt(act: Callable[[], object]) -> None:
    """Do one thing; what goes wrong is logged, because nobody waits for an answer and the next round comes."""
    try:
        act()
    except Exception:  # the thread must go on, whatever it was
        LOG.exception("a round of the dispatcher failed")
