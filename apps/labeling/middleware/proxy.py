"""Trusted proxies: forwarded headers count only if the peer is one of the configured proxies."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from pydantic import IPvAnyNetwork

PEER = "tiltyard.peer"


class RecordPeer:
    """ASGI middleware that records the address of the peer before forwarded headers replace it."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application; it must be the outermost middleware."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record the peer and forward the request."""
        if scope["type"] == "http":
            scope[PEER] = (scope.get("client") or ("", 0))[0]
        await self._app(scope, receive, send)


def annotator_from_proxy(request: Request, header: str | None, trusted: Sequence["IPvAnyNetwork"]) -> str | None:
    """The annotator in a trusted proxy's header; None if no header is configured or the peer is not trusted.

    A header that occurs twice is ignored: one of the two is not from the proxy.
    """
    if header is None or not is_trusted_proxy(request.scope.get(PEER, ""), trusted):
        return None
    values = request.headers.getlist(header)
    return values[0].strip() or None if len(values) == 1 else None


def is_trusted_proxy(address: str, trusted: Sequence["IPvAnyNetwork"]) -> bool:
    """Whether an address is in the networks of the trusted proxies.

    >>> from ipaddress import ip_network
    >>> [is_trusted_proxy(one, [ip_network("10.0.0.0/24")]) for one in ("10.0.0.9", "10.0.1.9")]
    [True, False]
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in trusted)
