"""Settling a message: what it says is checked with the bucket and the ledger, and only then believed."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from tiltyard.apps.watch.deployment_runs import Runs
from tiltyard.apps.watch.projects import WatchedProject
from tiltyard.apps.watch.state import Outcome, Standing
from tiltyard.ingest.s3_events import read_notification
from tiltyard.schemas.arrivals import ArrivedObject
from tiltyard.schemas.errors import NotFound, ObjectError, TiltyardError, Unavailable
from tiltyard.stores.integrations.dead_letters import DeadLetters
from tiltyard.stores.integrations.sqs import Message, MessageQueue

LOG: Final = logging.getLogger("tiltyard.watch")

Settled = Literal["settled", "deferred", "full"]
"""Whether a message may be deleted, comes again later, or stays in hand until a run has ended."""

MOST_RECEIVES: Final = 5
"""How often a message is tried whose object cannot be looked at; then it is a dead letter."""

DEFER_SECONDS: Final = 30
LONGEST_DEFER_SECONDS: Final = 900


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one object that a message names, and why, where a person may want to know."""

    outcome: Outcome
    reason: str = ""


FULL: Final = Fate("deferred", "as many runs as agreed are unfinished")


@dataclass(frozen=True)
class Settling:
    """Settles messages of one queue for the projects that are watched for."""

    queue: MessageQueue
    dead_letters: DeadLetters
    projects: Sequence[WatchedProject]
    runs: Runs
    standing: Standing
    clock: Callable[[], datetime]

    def settle(self, message: Message) -> Settled:
        """See to it that what a message says is done, or kept as a dead letter; then it may be deleted.

        Settled twice, killed half-way or raced by another watch, it leaves the same state.
        """
        said = read_notification(message.body)
        fates = [fate for arrived in said.arrived for fate in self._fates(arrived)]
        fates += [Fate("ignored", name) for name in said.ignored]
        deferred = [fate for fate in fates if fate.outcome == "deferred"]
        if FULL in deferred and self.runs.free <= 0:
            return "full"
        if FULL in deferred or (deferred and message.received < MOST_RECEIVES):
            return self._defer(message, deferred)
        refused = [fate.reason for fate in fates if fate.outcome in ("dead_letter", "deferred")]
        if said.refused or refused:
            self._bury(message, "; ".join([*said.refused, *refused]))
        self._tell(fates)
        return "settled"

    def put_off(self, message: Message, why: str) -> Settled:
        """Try a message again later that failed in a way nobody foresaw; after some attempts it is a dead letter."""
        if message.received >= MOST_RECEIVES:
            try:
                self._bury(message, why)
            except ObjectError as error:
                why = str(error)
            else:
                return "settled"
        return self._defer(message, [Fate("deferred", why)])

    def _bury(self, message: Message, reason: str) -> None:
        """Keep a message as a dead letter."""
        self.dead_letters.keep(message, reason, self.clock())
        self.standing.count("dead_letter")
        LOG.warning("message %s is a dead letter: %s", message.message_id, reason[:500])

    def _fates(self, arrived: ArrivedObject) -> list[Fate]:
        """What becomes of an object, in each project that it belongs to."""
        keys = [(project, key) for project in self.projects if (key := project.key_of(arrived)) is not None]
        if not keys:
            return [Fate("dead_letter", f"{arrived.name!a} lies in no bucket and prefix that is watched")]
        return [self._fate(project, arrived, key) for project, key in keys]

    def _fate(self, project: WatchedProject, arrived: ArrivedObject, key: str) -> Fate:
        """What becomes of an object in one project: known, or a run that takes it in."""
        if not project.is_batch(key):
            return Fate("ignored", f"{arrived.name!a} does not fit the project's pattern")
        try:
            found = project.look_up(arrived, key)
        except Unavailable:
            raise
        except NotFound:
            return Fate("dead_letter", f"no such object: {arrived.name!a}")
        except TiltyardError as error:
            return Fate("deferred", str(error))
        if project.knows(found, key):
            return Fate("known")
        if self.runs.is_full(project.deployment):
            return FULL
        is_to_come = self.runs.start(project.deployment, found, lambda: project.knows(found, key))
        return Fate("run_created" if is_to_come else "known", f"{project.deployment} for {found.name!a}")

    def _defer(self, message: Message, deferred: Sequence[Fate]) -> Settled:
        """Show a message again later; the more often it was seen, the later."""
        seconds = min(DEFER_SECONDS * 2 ** (message.received - 1), LONGEST_DEFER_SECONDS)
        self.queue.hold([message], seconds)
        self.standing.count("deferred")
        why = "; ".join(fate.reason for fate in deferred)
        LOG.info("message %s comes again in %d s: %s", message.message_id, seconds, why[:500])
        return "deferred"

    def _tell(self, fates: Sequence[Fate]) -> None:
        """Count and log what became of a message that is settled."""
        for fate in fates:
            if fate.outcome in ("run_created", "known", "ignored"):
                self.standing.count(fate.outcome)
            if fate.outcome in ("run_created", "ignored"):
                level = logging.INFO if fate.outcome == "run_created" else logging.DEBUG
                LOG.log(level, "%s: %s", fate.outcome.replace("_", " "), fate.reason)
