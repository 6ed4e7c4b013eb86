"""Origins: what changes something must come from a page of ours, as the browser itself says it."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from tiltyard.apps.labeling.api.errors import error_response
from tiltyard.apps.labeling.auth.csrf import SAFE

OWN: Final = frozenset({"same-origin", "none"})
PORTS: Final = {"http": 80, "https": 443}
BEARER: Final = b"bearer "


class SameOrigin:
    """Middleware that refuses changes which a page of another site asks for."""

    def __init__(self, app: ASGIApp, origins: Sequence[str] = ()) -> None:
        """Stand before an application; without ``origins`` the address that was asked for is the own one."""
        self._app = app
        self._origins = frozenset(_place(origin) for origin in origins)
        self._only_https = bool(origins) and all(place[0] == "https" for place in self._origins if place)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, unless it is a foreign page's."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._only_https:
            # Whatever ends TLS before us: browsers come by https alone, and their cookies are Secure.
            scope["scheme"] = "https"
        problem = None if scope["method"] in SAFE else self._problem(scope)
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await error_response(scope["path"], 403, problem, "Origin")(scope, receive, send)

    def _problem(self, scope: Scope) -> str | None:
        """Why a change is not ours; none where it is, or where no browser can have made it by itself."""
        sites, origins = _said(scope, b"sec-fetch-site"), _said(scope, b"origin")
        if _is_a_program(scope) and not origins:
            return None
        if len(sites) > 1 or len(origins) > 1:
            return "a request names the page that it comes from once"
        if sites and sites[0] not in OWN:
            return "this came from a page of another site; open the queue's own page"
        # A browser that tells no page's name (null) must say otherwise that it is ours.
        is_own = not origins or (bool(sites) if origins[0] == "null" else self._is_own(scope, origins[0]))
        if is_own:
            return None
        return (
            f"the page {origins[0][:200]!r} is not this server's; open the queue's own page, or let whoever runs the "
            "server name its address in TILTYARD_LABEL_ORIGINS"
        )

    def _is_own(self, scope: Scope, origin: str) -> bool:
        """Whether an origin is ours: one of those that are named, else the host that was asked for."""
        named, asked = _place(origin), _said(scope, b"host")
        if self._origins:
            return named in self._origins
        if named is None or len(asked) != 1:
            return False
        scheme, host, port = named
        if scope.get("scheme") == "https" and scheme != "https":
            return False
        return _place(f"{scheme}://{asked[0]}") == (scheme, host, port)


def _place(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an origin; none for what is no origin."""
    try:
        split = urlsplit(origin.lower())
        port = split.port
    except ValueError:
        return None
    more = split.path or split.query or split.fragment or split.username is not None
    if split.scheme not in PORTS or not split.hostname or more or not origin.isprintable():
        return None
    return split.scheme, split.hostname, PORTS[split.scheme] if port is None else port


def _said(scope: Scope, name: bytes) -> list[str]:
    """Each value of a header."""
    return [value.decode("latin-1").strip() for header, value in scope["headers"] if header == name]


def _is_a_program(scope: Scope) -> bool:
    """Whether a token is sent and no cookie: no browser does that for a page of another site."""
    names = {name for name, _ in scope["headers"]}
    tokens = [value for name, value in scope["headers"] if name == b"authorization"]
    return b"cookie" not in names and any(token.lower().startswith(BEARER) for token in tokens)
