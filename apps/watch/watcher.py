"""The watch: receives messages as long as runs may be created, and keeps them through an outage."""

import logging
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event
from typing import Final

from tiltyard.apps.watch.backoff import Backoff
from tiltyard.apps.watch.messages import Handled, MessageHandler
from tiltyard.apps.watch.training_events import LabelsReadyNotifier
from tiltyard.schemas.errors import NotFound, ObjectError, TiltyardError
from tiltyard.schemas.redaction import redacted
from tiltyard.stores.integrations.sqs import HOLD_SECONDS, MOST_AT_ONCE, Message

LOG: Final = logging.getLogger("tiltyard.watch")
WAIT_SECONDS: Final = 1.0
"""How long to wait for a run to end before the runs are counted again."""


class Watch:
    """One watch of one queue. Several watches may share a queue, because they create the same run for an object."""

    def __init__(
        self,
        handler: MessageHandler,
        poll_seconds: float,
        backoff: Backoff,
        notifier: LabelsReadyNotifier | None = None,
    ) -> None:
        """Prepare to watch; nothing is received yet. A notifier also emits events about new labels in each round."""
        self._handler = handler
        self._queue, self._state = handler.queue, handler.state
        self._poll_seconds, self._backoff, self._notifier = poll_seconds, backoff, notifier
        self._received: deque[Message] = deque()
        self._settled: list[Message] = []
        self._held_until = 0.0

    def run(self, stop: Event) -> None:
        """Handle messages until it is stopped.

        Errors are logged, shown by the health server, and retried; only the stop event ends it. At the end every
        message that was not handled becomes visible to other watches at once.
        """
        with self._releasing():
            while not stop.is_set():
                try:
                    self._run_once(stop)
                except Exception as error:  # it must continue after any error; the operator sees the error in the log
                    self._wait_out(error, stop)

    def drain(self, stop: Event) -> None:
        """Handle messages until the queue is empty, or runs must end first; errors are raised."""
        with self._releasing():
            while not stop.is_set() and self._receive() and self._settle_all(stop):
                pass

    def _run_once(self, stop: Event) -> None:
        """One round: receive and handle messages, emit label events; wait a moment if too many runs are unfinished."""
        self._receive()
        if self._notifier is not None:
            self._notifier.notify()
        if not self._settle_all(stop):
            self._hold_on()
            stop.wait(WAIT_SECONDS)

    def _receive(self) -> bool:
        """Receive messages if runs may be created and none are left; whether there is something to do.

        Prefect is called first: while it cannot be reached nothing is received, so no message counts as tried.
        """
        self._state.looked_at = self._handler.clock()
        free = self._handler.runs.refresh([project.deployment for project in self._handler.projects])
        self._state.is_waiting = free <= 0
        if free > 0 and not self._received:
            self._received.extend(self._queue.receive(MOST_AT_ONCE, self._poll_seconds))
            self._held_until = time.monotonic() + HOLD_SECONDS
        self._recovered()
        return bool(self._received) or self._state.is_waiting

    def _settle_all(self, stop: Event) -> bool:
        """Handle the received messages one by one; False if runs must end before the next one."""
        while self._received and not stop.is_set():
            self._state.message_at = self._handler.clock()
            outcome = self._settle(self._received[0])
            if outcome == "full":
                self._state.is_waiting = True
                break
            message = self._received.popleft()
            self._settled += [message] if outcome == "settled" else []
            self._state.count("received")
            self._recovered()
        self._delete_settled()
        return not self._state.is_waiting

    def _settle(self, message: Message) -> Handled:
        """Handle one message."""
        try:
            return self._handler.settle(message)
        except Exception as error:  # an error in one message must not stop the others
            if not _is_about_the_message(error):
                raise
            LOG.warning("message %s could not be handled", message.message_id, exc_info=error)
            return self._handler.put_off(message, redacted(f"{type(error).__name__}: {error}"))

    def _delete_settled(self) -> None:
        """Delete the handled messages."""
        self._queue.delete(self._settled)
        self._settled.clear()

    def _recovered(self) -> None:
        """Clear the problem after a success."""
        if self._state.problem is not None:
            LOG.info("working again")
        self._state.problem = None
        self._backoff.reset()

    def _wait_out(self, error: Exception, stop: Event) -> None:
        """Wait before the next attempt, and keep the received messages invisible to other watches meanwhile."""
        pause = self._backoff.pause()
        known = isinstance(error, TiltyardError)
        self._state.problem = redacted(str(error) if known else f"{type(error).__name__}: {error}")
        self._state.count("problem")
        LOG.warning("%s; next attempt in %.0f s", self._state.problem, pause, exc_info=_unforeseen(error))
        self._hold_on(pause)
        stop.wait(pause)

    def _hold_on(self, pause: float = 0) -> None:
        """Keep the received messages invisible for longer, if that would end during a pause."""
        if self._held_until < time.monotonic() + pause + HOLD_SECONDS / 2:
            self._hold(pause + HOLD_SECONDS)

    @contextmanager
    def _releasing(self) -> Iterator[None]:
        """At the end of the block delete the handled messages, and make the rest visible at once."""
        try:
            yield
        finally:
            with suppress(TiltyardError):  # it is received again, and its object is known then
                self._delete_settled()
            self._hold(0)
            self._received.clear()

    def _hold(self, seconds: float) -> None:
        """Keep the received messages invisible for a time; on an error drop them: the queue shows them again."""
        self._held_until = time.monotonic() + seconds
        try:
            self._queue.hold(list(self._received), seconds)
        except TiltyardError as error:
            LOG.warning("%d received messages will be received again later: %s", len(self._received), error)
            self._received.clear()


def _is_about_the_message(error: Exception) -> bool:
    """Whether the error concerns this message only, not a store, a server or a setting."""
    return not isinstance(error, TiltyardError) or isinstance(error, ObjectError | NotFound)


def _unforeseen(error: Exception) -> Exception | None:
    """The exception if its traceback is worth logging."""
    return None if isinstance(error, TiltyardError) else error
