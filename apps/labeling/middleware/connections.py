"""Connections: what uvicorn leaves open for ever is ended here, before any request is there that could be refused.

A client that drips the head of a request, sends one without end, or reads its answer a byte at a time holds a
connection and memory; nobody needs to log in for that.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from tiltyard.apps.labeling.middleware.proxy import is_trusted_proxy

if TYPE_CHECKING:
    from pydantic import IPvAnyNetwork

HEAD_BYTES: Final = 65_536
HEAD_SECONDS: Final = 20.0
STUCK_SECONDS: Final = 60.0
CHECK_SECONDS: Final = 1.0
MOST_OF_ONE: Final = 256
"""Connections from one address, unless it is a trusted proxy or this machine: a team behind one address has fewer."""

Base: Any = AutoHTTPProtocol


class LimitedConnection(Base):  # type: ignore[misc] # uvicorn chooses the class when it is imported
    """One connection, as uvicorn has it, with an end."""

    trusted: Sequence["IPvAnyNetwork"] = ()
    head_seconds, stuck_seconds, check_seconds = HEAD_SECONDS, STUCK_SECONDS, CHECK_SECONDS
    most_of_one = MOST_OF_ONE

    def connection_made(self, transport: Any) -> None:
        """Begin; one too many of the same address is ended at once."""
        super().connection_made(transport)
        self._head = 0
        self._waits_since: float = self.loop.time()
        self._stuck_since: float | None = None
        self._check = self.loop.call_later(self.check_seconds, self._look)
        if self._is_one_too_many():
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._check.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that goes on and on is not collected."""
        super().data_received(data)
        self._head = self._head + len(data) if self._waits_for_head() else 0
        if self._head > HEAD_BYTES:
            self.transport.close()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._waits_since, self._head = self.loop.time(), 0
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Note since when the client does not read."""
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that it reads again."""
        self._stuck_since = None
        super().resume_writing()

    def _waits_for_head(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def _look(self) -> None:
        """End the connection if its client takes too long; look again in a while."""
        now = self.loop.time()
        if self._waits_for_head() and now - self._waits_since > self.head_seconds:
            self.transport.close()
        elif self._stuck_since is not None and now - self._stuck_since > self.stuck_seconds:
            self.transport.abort()
        else:
            self._check = self.loop.call_later(self.check_seconds, self._look)

    def _is_one_too_many(self) -> bool:
        """Whether the address has more connections than one client needs."""
        host = self.client[0] if self.client else ""
        if _is_loopback(host) or is_trusted_proxy(host, self.trusted):
            return False
        of_host = sum(1 for one in self.connections if one.client and one.client[0] == host)
        return of_host > self.most_of_one


def limited_connections(proxies: Sequence["IPvAnyNetwork"]) -> type[LimitedConnection]:
    """The connections of a server whose proxies speak for many."""
    return type("Connection", (LimitedConnection,), {"trusted": tuple(proxies)})


def _is_loopback(host: str) -> bool:
    """Whether a peer is on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
