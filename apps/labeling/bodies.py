"""Bodies of requests: limited before anything reads them, whether their length was said or not."""

from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from apps.labeling.failures import failure


class TooLarge(Exception):
    """A body went over its limit."""


class BodyLimit:
    """Middleware that reads a body up to its limit and answers 413 to more."""

    def __init__(self, app: ASGIApp, limit_of: Callable[[str], int]) -> None:
        """Stand before an application; ``limit_of`` gives the bytes allowed at a path."""
        self._app = app
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read a body up to the limit, then hand the request on."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope["path"])
        try:
            body = await _read(receive, limit, _said_length(scope))
        except TooLarge:
            await self._refuse(scope, receive, send, limit)
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        """Say 413 and hang up, so that the rest of the body is not waited for."""
        response: JSONResponse = failure(413, f"the body is larger than the {limit:,} bytes allowed here")
        response.headers["Connection"] = "close"
        await response(scope, receive, send)


def _said_length(scope: Scope) -> int:
    """The length that the request says its body has; 0 when it says none, or nonsense that the server let pass."""
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(said) if said.isdigit() else 0


async def _read(receive: Receive, limit: int, said: int) -> bytes:
    """A whole body; TooLarge as soon as it is known to be."""
    if said > limit:
        raise TooLarge
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > limit:
            raise TooLarge
        if not message.get("more_body", False):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A channel that gives the body once, then whatever else comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
