"""The watch itself: receives messages as long as runs may be created, and holds on to them through an outage."""

import logging
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event
from typing import Final

from tiltyard.apps.watch.backoff import Patience
from tiltyard.apps.watch.messages import Settled, Settling
from tiltyard.apps.watch.training_events import LabelTeller
from tiltyard.schemas.errors import NotFound, ObjectError, TiltyardError
from tiltyard.schemas.redaction import redacted
from tiltyard.stores.integrations.sqs import HOLD_SECONDS, MOST_AT_ONCE, Message

LOG: Final = logging.getLogger("tiltyard.watch")
WAIT_SECONDS: Final = 1.0
"""How long to wait for a run to end before the runs are counted again."""


class Watch:
    """One watch of one queue. Several of them may share a queue: what they create is the same run."""

    def __init__(
        self, settling: Settling, poll_seconds: float, patience: Patience, teller: LabelTeller | None = None
    ) -> None:
        """Prepare to watch; nothing is received yet. A teller also tells Prefect of labels, between two rounds."""
        self._settling = settling
        self._queue, self._standing = settling.queue, settling.standing
        self._poll_seconds, self._patience, self._teller = poll_seconds, patience, teller
        self._in_hand: deque[Message] = deque()
        self._settled: list[Message] = []
        self._held_until = 0.0

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
            while not stop.is_set() and self._receive() and self._settle_all(stop):
                pass

    def _go_round(self, stop: Event) -> None:
        """One round: receive and settle, tell of labels; with as many runs unfinished as agreed, wait a moment."""
        self._receive()
        if self._teller is not None:
            self._teller.tell()
        if not self._settle_all(stop):
            self._hold_on()
            stop.wait(WAIT_SECONDS)

    def _receive(self) -> bool:
        """Take messages in hand, if runs may be created and nothing is in hand; whether there is something to do.

        Prefect is asked first: while it is away nothing is received, so that no message is counted as tried.
        """
        self._standing.looked_at = self._settling.clock()
        free = self._settling.runs.look([project.deployment for project in self._settling.projects])
        self._standing.is_waiting = free <= 0
        if free > 0 and not self._in_hand:
            self._in_hand.extend(self._queue.receive(MOST_AT_ONCE, self._poll_seconds))
            self._held_until = time.monotonic() + HOLD_SECONDS
        self._recovered()
        return bool(self._in_hand) or self._standing.is_waiting

    def _settle_all(self, stop: Event) -> bool:
        """Settle what is in hand, one message after the other; no if runs must end before the next can be."""
        while self._in_hand and not stop.is_set():
            self._standing.message_at = self._settling.clock()
            outcome = self._settle(self._in_hand[0])
            if outcome == "full":
                self._standing.is_waiting = True
                break
            message = self._in_hand.popleft()
            self._settled += [message] if outcome == "settled" else []
            self._standing.count("received")
            self._recovered()
        self._delete_settled()
        return not self._standing.is_waiting

    def _settle(self, message: Message) -> Settled:
        """Settle one message."""
        try:
            return self._settling.settle(message)
        except Exception as error:  # what is wrong with one message must not stop the others
            if not _is_about_the_message(error):
                raise
            LOG.warning("message %s could not be settled", message.message_id, exc_info=error)
            return self._settling.put_off(message, redacted(f"{type(error).__name__}: {error}"))

    def _delete_settled(self) -> None:
        """Delete what is settled."""
        self._queue.delete(self._settled)
        self._settled.clear()

    def _recovered(self) -> None:
        """What was asked answered: no problem any more."""
        if self._standing.problem is not None:
            LOG.info("works again")
        self._standing.problem = None
        self._patience.reset()

    def _wait_out(self, error: Exception, stop: Event) -> None:
        """Wait for what is away to come back, and keep meanwhile what is in hand out of others' sight."""
        pause = self._patience.pause()
        known = isinstance(error, TiltyardError)
        self._standing.problem = redacted(str(error) if known else f"{type(error).__name__}: {error}")
        self._standing.count("problem")
        LOG.warning("%s; next attempt in %.0f s", self._standing.problem, pause, exc_info=_unforeseen(error))
        self._hold_on(pause)
        stop.wait(pause)

    def _hold_on(self, pause: float = 0) -> None:
        """Keep what is in hand out of others' sight for a while longer, if that would end during a pause."""
        if self._held_until < time.monotonic() + pause + HOLD_SECONDS / 2:
            self._hold(pause + HOLD_SECONDS)

    @contextmanager
    def _giving_back(self) -> Iterator[None]:
        """Delete what was settled by the end of the block, and show the rest to others at once."""
        try:
            yield
        finally:
            with suppress(TiltyardError):  # what is not deleted comes again, and is known then
                self._delete_settled()
            self._hold(0)
            self._in_hand.clear()

    def _hold(self, seconds: float) -> None:
        """Hold what is in hand for so long; what cannot be held is let go: the queue shows it again by itself."""
        self._held_until = time.monotonic() + seconds
        try:
            self._queue.hold(list(self._in_hand), seconds)
        except TiltyardError as error:
            LOG.warning("%d messages in hand come again later by themselves: %s", len(self._in_hand), error)
            self._in_hand.clear()


def _is_about_the_message(error: Exception) -> bool:
    """Whether another message may fare better: not when a store, a server or a setting is at fault."""
    return not isinstance(error, TiltyardError) or isinstance(error, ObjectError | NotFound)


def _unforeseen(error: Exception) -> Exception | None:
    """The exception where its traceback says more than its message."""
    return None if isinstance(error, TiltyardError) else error
