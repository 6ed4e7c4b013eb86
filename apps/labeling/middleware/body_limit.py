"""Limits of request bodies: bytes and seconds are counted while a body arrives.

A short body is read at once, because a page that closes does not wait. The rest of a long body stays unread until
the route asks for it, which it does only after it knows who sends it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tiltyard.apps.labeling.api import API, ApiError, error_response
from tiltyard.schemas.labeling_settings import LabelingSettings

ON_REQUEST_END: Final = "tiltyard.leaving"
"""Key of the request's scope: a list of callbacks to call when the request is over."""

BODILESS: Final = frozenset({"GET", "HEAD"})
PAGE_BYTES: Final = 16_384
"""Largest body of a page's form. Anonymous clients can send one: the login form."""

AT_ONCE_BYTES: Final = 65_536
"""Bytes of a body that are read before the sender is known; browsers send no more while a page closes."""

CLOSE: Final = {"Connection": "close"}


@dataclass(frozen=True, slots=True)
class BodyAllowance:
    """The largest size of a body in bytes, and the seconds in which it must arrive."""

    size: int
    seconds: float


def body_allowances(settings: LabelingSettings) -> Callable[[str], BodyAllowance]:
    """A function from a path to what the settings allow there."""
    file = BodyAllowance(settings.max_import_bytes, settings.import_seconds)
    api = BodyAllowance(settings.max_body_bytes, settings.request_seconds)
    form = BodyAllowance(min(PAGE_BYTES, settings.max_body_bytes), settings.request_seconds)

    def allowed(path: str) -> BodyAllowance:
        if not path.startswith(API):
            return form
        return file if path.endswith("/import") else api

    return allowed


class BodyLimit:
    """ASGI middleware that refuses a body that is too large (413) or too slow (408), with or without a length."""

    def __init__(self, app: ASGIApp, allowed: Callable[[str], BodyAllowance]) -> None:
        """Wrap an application; ``allowed`` gives the limit of a path."""
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request with a counted body; at the end call what ``ON_REQUEST_END`` lists."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[ON_REQUEST_END] = []
        try:
            await self._limited(scope, receive, send)
        finally:
            for callback in scope[ON_REQUEST_END]:
                callback()

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a body whose declared length is too large; count all others."""
        if scope["method"] in BODILESS:
            await self._app(scope, receive, send)
            return
        allowed, declared = self._allowed(scope["path"]), _declared_length(scope)
        if declared is not None and declared > allowed.size:
            response = error_response(scope["path"], 413, too_large_message(allowed.size), None, CLOSE)
            await response(scope, receive, send)
            return
        body = _CountedBody(allowed, receive)
        try:
            if declared is None or declared <= AT_ONCE_BYTES:
                await body.read_ahead()
        except ApiError as error:
            response = error_response(scope["path"], error.status_code, str(error.detail), None, CLOSE)
            await response(scope, receive, send)
            return
        await self._app(scope, body.receive, _EarlyResponse(scope, body, send, declared).send)


class _CountedBody:
    """A body while it arrives."""

    def __init__(self, allowed: BodyAllowance, receive: Receive) -> None:
        """Start the clock."""
        self._allowed, self._receive = allowed, receive
        self._until = asyncio.get_running_loop().time() + allowed.seconds
        self._size = 0
        self._read: list[Message] = []
        self.is_complete = False
        self.is_cut = False

    async def read_ahead(self) -> None:
        """Read the first bytes before the route asks; ApiError as for :meth:`receive`."""
        while not self.is_complete and self._size <= AT_ONCE_BYTES:
            self._read.append(await self._next())

    async def receive(self) -> Message:
        """The next message; ApiError if the body is too large, too slow, or the client disconnects before its end."""
        if self._read:
            return self._read.pop(0)
        if self.is_complete:
            return await self._receive()
        return await self._next()

    async def _next(self) -> Message:
        """The next message from the network."""
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            self.is_complete = self.is_cut = True
            seconds = self._allowed.seconds
            raise ApiError(408, f"the body did not arrive within {seconds:g} seconds; send it again") from None
        if message["type"] == "http.disconnect":
            self.is_complete = self.is_cut = True
            raise ApiError(400, "the body is incomplete; send it again")
        self._size += len(message.get("body", b""))
        if self._size > self._allowed.size:
            self.is_complete = self.is_cut = True
            raise ApiError(413, too_large_message(self._allowed.size))
        self.is_complete = not message.get("more_body", False)
        return message


def too_large_message(limit: int) -> str:
    """The error for a body that is too large."""
    return f"the body is larger than {limit:,} bytes, the limit for this path"


class _EarlyResponse:
    """A send channel for a response that may come before the body has arrived."""

    def __init__(self, scope: Scope, body: _CountedBody, send: Send, declared: int | None) -> None:
        """Respond to a request whose body declares a length, or none."""
        self._scope, self._body, self._send, self._declared = scope, body, send, declared
        self._is_refused = False

    async def send(self, message: Message) -> None:
        """Forward a message of the response."""
        if message["type"] == "http.response.start":
            await self._finish_body(message)
        if not self._is_refused:
            await self._send(message)

    async def _finish_body(self, start: Message) -> None:
        """Count a chunked body to its end without storing it; close the connection on a long body."""
        is_long = self._declared is not None and self._declared > AT_ONCE_BYTES and not self._body.is_complete
        if is_long or self._body.is_cut:
            MutableHeaders(scope=start)["Connection"] = "close"
        if self._declared is not None:
            return
        try:
            while not self._body.is_complete:
                await self._body.receive()
        except ApiError as error:
            self._is_refused = True
            response = error_response(self._scope["path"], error.status_code, str(error.detail), None, CLOSE)
            await response(self._scope, self._body.receive, self._send)


def _declared_length(scope: Scope) -> int | None:
    """The length that the headers declare; None for a chunked body."""
    names = {name: value for name, value in scope["headers"] if name in {b"content-length", b"transfer-encoding"}}
    given = names.get(b"content-length", b"0")
    # Longer digit strings are not converted: Python refuses to convert more than some thousand digits.
    length = (int(given) if len(given) < 20 else 10**20) if given.isdigit() else 0
    return None if b"transfer-encoding" in names else length
