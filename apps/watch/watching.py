"""The watch itself: receives messages as long as runs may be created, and holds on to them through an outage."""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Final

from apps.watch.patience import Patience
from apps.watch.settling import Settling
from schemas.errors import NotFound, ObjectError, TiltyardError
from tiltyard.stores.message_queue import HOLD_SECONDS, Message

LOG: Final = logging.getLogger("tiltyard.watch")
WAIT_SECONDS: Final = 1.0
"""How long to wait for a run to end before the runs are counted again."""


class Watch:
    """One watch of one queue. Several of them may share a queue: what they create is the same run."""

    def __init__(self, settling: Settling, poll_seconds: float, patience: Patience) -> None:
        """Prepare to watch; nothing is received yet."""
        self._settling = settling
        self._queue, self._standing = settling.queue, settling.standing
        self._poll_seconds, self._patience = poll_seconds, patience
        self._in_hand: deque[Message] = deque()

    def run(self, stop: Event) -> None:
        """Settle messages until it is stopped.

        What goes wrong is told by the log and the health page, and tried again; nothing else ends it. At the end
        every message that was not settled is shown to others again at once.
        """
        with self._giving_back():
            while not stop.is_set():
                try:
                    self._go_round(stop)
                except Exception as error:  # it must live on, whatever the world does; who looks after it is told
                    self._wait_out(error, stop)

    def drain(self, stop: Event) -> None:
        """Settle messages until the queue has none to give, or runs must end first; what goes wrong is raised."""
        with self._giving_back():
            is_over = False
            while not stop.is_set() and not is_over:
                is_over = self._go_round(stop) or self._standing.is_waiting

    def _go_round(self, stop: Event) -> bool:
        """One round: receive and settle; whether the queue had nothing to give."""
        self._standing.looked_at = self._settling.clock()
        if not self._in_hand and self._finds_nothing(stop):
            return True
        self._settle_all(stop)
        return False

    def _finds_nothing(self, stop: Event) -> bool:
        """Take as many messages in hand as runs may be created; whether the queue had nothing to give.

        Prefect is asked first: while it is away nothing is received, so that no message is counted as tried.
        """
        free = self._settling.runs.look([project.deployment for project in self._settling.projects])
        self._standing.is_waiting = free <= 0
        if free <= 0:
            self._recovered()
            stop.wait(WAIT_SECONDS)
            return False
        self._in_hand.extend(self._queue.receive(free, self._poll_seconds))
        self._recovered()
        return not self._in_hand

    def _settle_all(self, stop: Event) -> None:
        """Settle what is in hand, one message after the other."""
        while self._in_hand and not stop.is_set():
            message = self._in_hand[0]
            self._standing.message_at = self._settling.clock()
            try:
                self._settling.settle(message)
            except Exception as error:  # what is wrong with one message must not stop the others
                if not _is_about_the_message(error):
                    raise
                LOG.warning("message %s could not be settled", message.message_id, exc_info=error)
                self._settling.put_off(message, f"{type(error).__name__}: {error}")
            self._in_hand.popleft()
            self._standing.count("received")
            self._recovered()

    def _recovered(self) -> None:
        """What was asked answered: no problem any more."""
        if self._standing.problem is not None:
            LOG.info("works again")
        self._standing.problem = None
        self._patience.reset()

    def _wait_out(self, error: Exception, stop: Event) -> None:
        """Wait for what is away to come back, and keep meanwhile what is in hand out of others' sight."""
        pause = self._patience.pause()
        self._standing.problem = str(error) if isinstance(error, TiltyardError) else f"{type(error).__name__}: {error}"
        self._standing.count("problem")
        LOG.warning("%s; next attempt in %.0f s", self._standing.problem, pause, exc_info=_unforeseen(error))
        self._hold(pause + HOLD_SECONDS)
        stop.wait(pause)

    @contextmanager
    def _giving_back(self) -> Iterator[None]:
        """Show what was not settled by the end of the block to others at once."""
        try:
            yield
        finally:
            self._hold(0)
            self._in_hand.clear()

    def _hold(self, seconds: float) -> None:
        """Hold what is in hand for so long; what cannot be held is let go: the queue shows it again by itself."""
        held: Sequence[Message] = list(self._in_hand)
        try:
            self._queue.hold(held, seconds)
        except TiltyardError as error:
            LOG.warning("%d messages in hand come again later by themselves: %s", len(held), error)
            self._in_hand.clear()


def _is_about_the_message(error: Exception) -> bool:
    """Whether another message may fare better: not when a store, a server or a setting is at fault."""
    return not isinstance(error, TiltyardError) or isinstance(error, ObjectError | NotFound)


def _unforeseen(error: Exception) -> Exception | None:
    """The exception where its traceback says more than its message."""
    return None if isinstance(error, TiltyardError) else error
