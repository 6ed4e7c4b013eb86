"""Handle one message: check its objects against the bucket and the ledger, and ensure a run for each new one."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from tiltyard.apps.watch.deployment_runs import DeploymentRuns
from tiltyard.apps.watch.projects import WatchedProject
from tiltyard.apps.watch.state import Outcome, WatchState
from tiltyard.ingest.s3_events import read_notification
from tiltyard.schemas.arrivals import ArrivedObject
from tiltyard.schemas.errors import NotFound, ObjectError, TiltyardError, Unavailable
from tiltyard.stores.integrations.dead_letters import DeadLetters
from tiltyard.stores.integrations.sqs import Message, MessageQueue

LOG: Final = logging.getLogger("tiltyard.watch")

Handled = Literal["settled", "deferred", "full"]
"""Whether a message may be deleted, is received again later, or waits until a run has ended."""

MOST_RECEIVES: Final = 5
"""How often a message is tried if its object cannot be read; then it becomes a dead letter."""

DEFER_SECONDS: Final = 30
LONGEST_DEFER_SECONDS: Final = 900


@dataclass(frozen=True, slots=True)
class ObjectOutcome:
    """The outcome for one object of a message, and the reason if a person may need it."""

    outcome: Outcome
    reason: str = ""


FULL: Final = ObjectOutcome("deferred", "the maximum number of runs are unfinished")


@dataclass(frozen=True)
class MessageHandler:
    """Handles the messages of one queue for the watched projects."""

    queue: MessageQueue
    dead_letters: DeadLetters
    projects: Sequence[WatchedProject]
    runs: DeploymentRuns
    state: WatchState
    clock: Callable[[], datetime]

    def settle(self, message: Message) -> Handled:
        """Ensure that every object of a message has its run, or keep the message as a dead letter.

        The resulting state is the same if a message is handled twice, is interrupted, or runs at the same time in
        another watch.
        """
        notification = read_notification(message.body)
        outcomes = [one for arrived in notification.arrived for one in self._outcomes(arrived)]
        outcomes += [ObjectOutcome("ignored", name) for name in notification.ignored]
        deferred = [one for one in outcomes if one.outcome == "deferred"]
        if FULL in deferred and self.runs.free <= 0:
            return "full"
        if FULL in deferred or (deferred and message.received < MOST_RECEIVES):
            return self._defer(message, deferred)
        refused = [one.reason for one in outcomes if one.outcome in ("dead_letter", "deferred")]
        if notification.refused or refused:
            self._keep_dead_letter(message, "; ".join([*notification.refused, *refused]))
        self._log(outcomes)
        return "settled"

    def put_off(self, message: Message, why: str) -> Handled:
        """Retry a message later after an unexpected error; after some attempts it becomes a dead letter."""
        if message.received >= MOST_RECEIVES:
            try:
                self._keep_dead_letter(message, why)
            except ObjectError as error:
                why = str(error)
            else:
                return "settled"
        return self._defer(message, [ObjectOutcome("deferred", why)])

    def _keep_dead_letter(self, message: Message, reason: str) -> None:
        """Keep a message as a dead letter."""
        self.dead_letters.keep(message, reason, self.clock())
        self.state.count("dead_letter")
        LOG.warning("message %s is a dead letter: %s", message.message_id, reason[:500])

    def _outcomes(self, arrived: ArrivedObject) -> list[ObjectOutcome]:
        """The outcome for an object, in each project that it belongs to."""
        keys = [(project, key) for project in self.projects if (key := project.key_of(arrived)) is not None]
        if not keys:
            return [ObjectOutcome("dead_letter", f"{arrived.name!a} is not in a watched bucket and prefix")]
        return [self._outcome(project, arrived, key) for project, key in keys]

    def _outcome(self, project: WatchedProject, arrived: ArrivedObject, key: str) -> ObjectOutcome:
        """The outcome for an object in one project: known, or a run that ingests it."""
        if not project.is_batch(key):
            return ObjectOutcome("ignored", f"{arrived.name!a} does not fit the project's pattern")
        try:
            found = project.find_object(arrived, key)
        except Unavailable:
            raise
        except NotFound:
            return ObjectOutcome("dead_letter", f"no such object: {arrived.name!a}")
        except TiltyardError as error:
            return ObjectOutcome("deferred", str(error))
        if project.has_seen(found, key):
            return ObjectOutcome("known")
        if self.runs.is_full(project.deployment):
            return FULL
        has_run = self.runs.ensure_run(project.deployment, found, lambda: project.has_seen(found, key))
        return ObjectOutcome("run_created" if has_run else "known", f"{project.deployment} for {found.name!a}")

    def _defer(self, message: Message, deferred: Sequence[ObjectOutcome]) -> Handled:
        """Make a message visible again later, with a delay that grows with each attempt."""
        seconds = min(DEFER_SECONDS * 2 ** (message.received - 1), LONGEST_DEFER_SECONDS)
        self.queue.hold([message], seconds)
        self.state.count("deferred")
        why = "; ".join(one.reason for one in deferred)
        LOG.info("message %s will be retried in %d s: %s", message.message_id, seconds, why[:500])
        return "deferred"

    def _log(self, outcomes: Sequence[ObjectOutcome]) -> None:
        """Count and log the outcomes of a handled message."""
        for one in outcomes:
            if one.outcome in ("run_created", "known", "ignored"):
                self.state.count(one.outcome)
            if one.outcome in ("run_created", "ignored"):
                level = logging.INFO if one.outcome == "run_created" else logging.DEBUG
                LOG.log(level, "%s: %s", one.outcome.replace("_", " "), one.reason)
