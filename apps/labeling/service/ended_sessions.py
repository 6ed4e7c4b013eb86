"""Ended sessions: whoever logs out is out, wherever a copy of the cookie may lie, and after a restart too."""

from asyncio import wrap_future
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool

from tiltyard.apps.labeling.auth.sessions import Session
from tiltyard.apps.labeling.service.project import ServedProject
from tiltyard.apps.labeling.service.ttl_cache import TtlCache
from tiltyard.schemas.canonical import sha256_of

SECONDS: Final = 1.0
"""How long another process may go on believing a session that ended."""


class EndedSessions:
    """Which sessions ended before their time: written to the ledgers' databases, which all replicas read."""

    def __init__(self, projects: Mapping[str, ServedProject], hours: float, clock: Callable[[], datetime]) -> None:
        """Look after the sessions of some projects; none lasts longer than ``hours``."""
        self._projects, self._clock = projects, clock
        self._lasting = timedelta(hours=hours)
        self._here: dict[str, datetime] = {}
        self._stored: TtlCache[frozenset[str]] = TtlCache(SECONDS)

    async def holds(self, session: Session) -> bool:
        """Whether a session ended; in this process at once, in others within a second."""
        digest = sha256_of(session.nonce)
        if digest in self._here:
            return True
        known = self._stored.known("")
        stored = known[0] if known else await run_in_threadpool(self._stored.get, "", self._read)
        return digest in stored

    async def end(self, session: Session) -> None:
        """End a session for ever; Unavailable when that could not be written, and it ended in this process alone."""
        digest, now = sha256_of(session.nonce), self._clock()
        until = now + self._lasting
        self._here = {one: end for one, end in self._here.items() if end > now} | {digest: until}
        for served in self._where(session):
            write = partial(served.ledger.ended_sessions.end, digest, until, now)
            await wrap_future(served.writer.run(write))

    def _where(self, session: Session) -> list[ServedProject]:
        """The projects that the session was for and that are served."""
        return [served for name, served in self._projects.items() if name in session.accesses]

    def _read(self) -> frozenset[str]:
        """Every ended session that might still be shown, from all ledgers."""
        now = self._clock()
        found = (served.ledger.ended_sessions.standing(now) for served in self._projects.values())
        return frozenset[str]().union(*found)
