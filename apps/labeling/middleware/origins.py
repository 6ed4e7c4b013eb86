"""The origin check: requests that change something must come from the server's own pages, by the browser's headers."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from tiltyard.apps.labeling.api import error_response
from tiltyard.apps.labeling.auth.csrf import SAFE

OWN: Final = frozenset({"same-origin", "none"})
PORTS: Final = {"http": 80, "https": 443}
BEARER: Final = b"bearer "


class SameOrigin:
    """ASGI middleware that refuses state-changing requests from pages of other sites."""

    def __init__(self, app: ASGIApp, origins: Sequence[str] = ()) -> None:
        """Wrap an application; without ``origins`` only the requested host counts as the server's own."""
        self._app = app
        self._origins = frozenset(_parse_origin(origin) for origin in origins)
        self._only_https = bool(origins) and all(place[0] == "https" for place in self._origins if place)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request unless it comes from another site."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._only_https:
            # A proxy terminates TLS: browsers use https only, so cookies must be Secure.
            scope["scheme"] = "https"
        problem = None if scope["method"] in SAFE else self._problem(scope)
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await error_response(scope["path"], 403, problem, "Origin")(scope, receive, send)

    def _problem(self, scope: Scope) -> str | None:
        """The reason to refuse a request; None if it is from an own page, or from a program with a token."""
        sites, origins = _header_values(scope, b"sec-fetch-site"), _header_values(scope, b"origin")
        if _is_program(scope) and not origins:
            return None
        if len(sites) > 1 or len(origins) > 1:
            return "the headers Origin and Sec-Fetch-Site may occur only once"
        if sites and sites[0] not in OWN:
            return "this request comes from a page of another site; open the labeling page of this server"
        # A browser that sends no origin (null) must show by Sec-Fetch-Site that the page is an own one.
        is_own = not origins or (bool(sites) if origins[0] == "null" else self._is_own(scope, origins[0]))
        if is_own:
            return None
        return (
            f"the origin {origins[0][:200]!r} is not this server's; open the labeling page of this server, or ask its "
            "operator to add the origin to TILTYARD_LABEL_ORIGINS"
        )

    def _is_own(self, scope: Scope, origin: str) -> bool:
        """Whether an origin is the server's own: one of the configured ones, else the requested host."""
        named, asked = _parse_origin(origin), _header_values(scope, b"host")
        if self._origins:
            return named in self._origins
        if named is None or len(asked) != 1:
            return False
        scheme, host, port = named
        if scope.get("scheme") == "https" and scheme != "https":
            return False
        return _parse_origin(f"{scheme}://{asked[0]}") == (scheme, host, port)


def _parse_origin(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an origin; None if it is invalid."""
    try:
        split = urlsplit(origin.lower())
        port = split.port
    except ValueError:
        return None
    more = split.path or split.query or split.fragment or split.username is not None
    if split.scheme not in PORTS or not split.hostname or more or not origin.isprintable():
        return None
    return split.scheme, split.hostname, PORTS[split.scheme] if port is None else port


def _header_values(scope: Scope, name: bytes) -> list[str]:
    """All values of a header."""
    return [value.decode("latin-1").strip() for header, value in scope["headers"] if header == name]


def _is_program(scope: Scope) -> bool:
    """Whether the request has a token and no cookie; a browser never sends that for a page of another site."""
    names = {name for name, _ in scope["headers"]}
    tokens = [value for name, value in scope["headers"] if name == b"authorization"]
    return b"cookie" not in names and any(token.lower().startswith(BEARER) for token in tokens)
