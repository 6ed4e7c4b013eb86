"""Trusted proxies: what they say of the browser is believed, what anybody else says is not."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from pydantic import IPvAnyNetwork

PEER = "tiltyard.peer"


class RecordPeer:
    """Middleware that keeps who really connected, before forwarded headers say on whose behalf."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an application, outermost."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the peer and hand the request on."""
        if scope["type"] == "http":
            scope[PEER] = (scope.get("client") or ("", 0))[0]
        await self._app(scope, receive, send)


def annotator_from_proxy(request: Request, header: str | None, trusted: Sequence["IPvAnyNetwork"]) -> str | None:
    """The annotator whom a trusted proxy names; none where no header is agreed upon or the peer is a stranger.

    A header that stands twice is believed of nobody: one of them is not the proxy's.
    """
    if header is None or not is_trusted_proxy(request.scope.get(PEER, ""), trusted):
        return None
    said = request.headers.getlist(header)
    return said[0].strip() or None if len(said) == 1 else None


def is_trusted_proxy(address: str, trusted: Sequence["IPvAnyNetwork"]) -> bool:
    """Whether an address belongs to a trusted proxy.

    >>> from ipaddress import ip_network
    >>> [is_trusted_proxy(one, [ip_network("10.0.0.0/24")]) for one in ("10.0.0.9", "10.0.1.9")]
    [True, False]
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in trusted)
