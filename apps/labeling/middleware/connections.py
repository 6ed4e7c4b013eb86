"""Limits of connections that uvicorn itself would keep open without a time limit.

A client that sends request headers slowly or endlessly, or reads its response a byte at a time, holds a connection
and memory, and needs no login to do so.
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
MAX_PER_ADDRESS: Final = 256
"""Connections from one address, except trusted proxies and this machine; a team behind one address needs fewer."""

Base: Any = AutoHTTPProtocol


class LimitedConnection(Base):  # type: ignore[misc] # uvicorn chooses the class when it is imported
    """uvicorn's HTTP protocol with time limits for slow clients and a limit per address."""

    trusted: Sequence["IPvAnyNetwork"] = ()
    head_seconds, stuck_seconds, check_seconds = HEAD_SECONDS, STUCK_SECONDS, CHECK_SECONDS
    max_per_address = MAX_PER_ADDRESS

    def connection_made(self, transport: Any) -> None:
        """Open; close at once if the address has too many connections."""
        super().connection_made(transport)
        self._head = 0
        self._waits_since: float = self.loop.time()
        self._stuck_since: float | None = None
        self._check = self.loop.call_later(self.check_seconds, self._check_client)
        if self._is_over_limit():
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up."""
        self._check.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Receive bytes; close if the request headers are too long."""
        super().data_received(data)
        self._head = self._head + len(data) if self._waits_for_head() else 0
        if self._head > HEAD_BYTES:
            self.transport.close()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._waits_since, self._head = self.loop.time(), 0
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Record when the client stopped reading."""
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Record that the client reads again."""
        self._stuck_since = None
        super().resume_writing()

    def _waits_for_head(self) -> bool:
        """Whether no response is in progress."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def _check_client(self) -> None:
        """Close the connection if the client is too slow, else check again later."""
        now = self.loop.time()
        if self._waits_for_head() and now - self._waits_since > self.head_seconds:
            self.transport.close()
        elif self._stuck_since is not None and now - self._stuck_since > self.stuck_seconds:
            self.transport.abort()
        else:
            self._check = self.loop.call_later(self.check_seconds, self._check_client)

    def _is_over_limit(self) -> bool:
        """Whether the address has more connections than allowed."""
        host = self.client[0] if self.client else ""
        if _is_loopback(host) or is_trusted_proxy(host, self.trusted):
            return False
        of_host = sum(1 for one in self.connections if one.client and one.client[0] == host)
        return of_host > self.max_per_address


def limited_connections(proxies: Sequence["IPvAnyNetwork"]) -> type[LimitedConnection]:
    """The protocol class for uvicorn; the trusted proxies may open any number of connections."""
    return type("Connection", (LimitedConnection,), {"trusted": tuple(proxies)})


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
