"""Ended sessions: after a logout no copy of the session's cookie works, on any replica, after a restart too."""

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
"""How long another process may still accept a session that ended."""


class EndedSessions:
    """The sessions that ended before they expired: stored in the ledgers' databases, which all replicas read."""

    def __init__(self, projects: Mapping[str, ServedProject], hours: float, clock: Callable[[], datetime]) -> None:
        """Track the sessions of some projects; a session lasts at most ``hours``."""
        self._projects, self._clock = projects, clock
        self._lifetime = timedelta(hours=hours)
        self._here: dict[str, datetime] = {}
        self._stored: TtlCache[frozenset[str]] = TtlCache(SECONDS)

    async def contains(self, session: Session) -> bool:
        """Whether a session ended: known at once in this process, within a second in others."""
        digest = sha256_of(session.nonce)
        if digest in self._here:
            return True
        cached = self._stored.peek("")
        stored = cached[0] if cached else await run_in_threadpool(self._stored.get, "", self._read)
        return digest in stored

    async def end(self, session: Session) -> None:
        """End a session permanently. On Unavailable nothing was stored and it ended in this process only."""
        digest, now = sha256_of(session.nonce), self._clock()
        until = now + self._lifetime
        self._here = {one: end for one, end in self._here.items() if end > now} | {digest: until}
        for served in self._projects_of(session):
            write = partial(served.ledger.ended_sessions.end, digest, until, now)
            await wrap_future(served.writer.run(write))

    def _projects_of(self, session: Session) -> list[ServedProject]:
        """The served projects of a session."""
        return [served for name, served in self._projects.items() if name in session.accesses]

    def _read(self) -> frozenset[str]:
        """The hashes of all ended sessions that have not expired, from all ledgers."""
        now = self._clock()
        found = (served.ledger.ended_sessions.standing(now) for served in self._projects.values())
        return frozenset[str]().union(*found)
