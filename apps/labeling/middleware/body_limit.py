"""Bodies of requests: counted as they come, against a limit and a clock, and read by nobody before a route asks.

What is short is taken at once, for a page that closes does not wait until it was looked at. Of what is longer a
stranger's bytes are left where they are: a route asks for its body once it knows who sends it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tiltyard.apps.labeling.api.errors import API, ApiError, error_response
from tiltyard.schemas.project.labeling import LabelingSettings

ON_REQUEST_END: Final = "tiltyard.leaving"
"""Where in a request's scope a route leaves what is to be called when the request is over."""

BODILESS: Final = frozenset({"GET", "HEAD"})
PAGE_BYTES: Final = 16_384
"""Largest body of a page's form, the log-in's among them: nobody need be known to send one."""

AT_ONCE_BYTES: Final = 65_536
"""As much is taken of a body before anybody looks at who sends it; browsers send no more while a page closes."""


@dataclass(frozen=True, slots=True)
class BodyAllowance:
    """How large a body may be, and within how many seconds it must have come."""

    size: int
    seconds: float


def body_allowances(settings: LabelingSettings) -> Callable[[str], BodyAllowance]:
    """What the settings allow at a path."""
    imported = BodyAllowance(settings.max_import_bytes, settings.import_seconds)
    asked = BodyAllowance(settings.max_body_bytes, settings.request_seconds)
    form = BodyAllowance(min(PAGE_BYTES, settings.max_body_bytes), settings.request_seconds)

    def allowed(path: str) -> BodyAllowance:
        if not path.startswith(API):
            return form
        return imported if path.endswith("/import") else asked

    return allowed


class BodyLimit:
    """Middleware that refuses a body that is too large (413) or too slow (408), however its length is said."""

    def __init__(self, app: ASGIApp, allowed: Callable[[str], BodyAllowance]) -> None:
        """Stand before an application; ``allowed`` says what may come at a path."""
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on with a body that is counted, and end what the request took."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[ON_REQUEST_END] = []
        try:
            await self._guarded(scope, receive, send)
        finally:
            for leave in scope[ON_REQUEST_END]:
                leave()

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what says that it is too large; count the rest."""
        if scope["method"] in BODILESS:
            await self._app(scope, receive, send)
            return
        allowed, said = self._allowed(scope["path"]), _said_length(scope)
        if said is not None and said > allowed.size:
            response = error_response(
                scope["path"], 413, too_large_message(allowed.size), None, {"Connection": "close"}
            )
            await response(scope, receive, send)
            return
        body = _Counted(allowed, receive)
        try:
            if said is None or said <= AT_ONCE_BYTES:
                await body.take_at_once()
        except ApiError as error:
            headers = {"Connection": "close"}
            await error_response(scope["path"], error.status_code, str(error.detail), None, headers)(
                scope, receive, send
            )
            return
        await self._app(scope, body.receive, _Ending(scope, body, send, said).send)


class _Counted:
    """A body as it comes in."""

    def __init__(self, allowed: BodyAllowance, receive: Receive) -> None:
        """Count from now on."""
        self._allowed, self._receive = allowed, receive
        self._until = asyncio.get_running_loop().time() + allowed.seconds
        self._size = 0
        self._taken: list[Message] = []
        self.is_complete = False
        self.is_cut = False

    async def take_at_once(self) -> None:
        """Take the beginning before it is asked for; Refusal as for :meth:`receive`."""
        while not self.is_complete and self._size <= AT_ONCE_BYTES:
            self._taken.append(await self._next())

    async def receive(self) -> Message:
        """The next piece; Refusal once it is too much or too late, or the client hung up in the middle of it."""
        if self._taken:
            return self._taken.pop(0)
        if self.is_complete:
            return await self._receive()
        return await self._next()

    async def _next(self) -> Message:
        """The next piece from the network."""
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            self.is_complete = self.is_cut = True
            seconds = self._allowed.seconds
            raise ApiError(408, f"the body did not come within {seconds:g} seconds; send it again") from None
        if message["type"] == "http.disconnect":
            self.is_complete = self.is_cut = True
            raise ApiError(400, "the body ended before it was whole; send it again")
        self._size += len(message.get("body", b""))
        if self._size > self._allowed.size:
            self.is_complete = self.is_cut = True
            raise ApiError(413, too_large_message(self._allowed.size))
        self.is_complete = not message.get("more_body", False)
        return message


def too_large_message(limit: int) -> str:
    """What somebody is told whose body is too large."""
    return f"the body is larger than the {limit:,} bytes allowed here"


class _Ending:
    """A channel for an answer that may come before the body has: it neither waits for a long one nor lets it go on."""

    def __init__(self, scope: Scope, body: _Counted, send: Send, said: int | None) -> None:
        """Answer a request whose body has, or does not say, a length."""
        self._scope, self._body, self._send, self._said = scope, body, send, said
        self._is_refused = False

    async def send(self, message: Message) -> None:
        """Hand a piece of the answer on."""
        if message["type"] == "http.response.start":
            await self._end(message)
        if not self._is_refused:
            await self._send(message)

    async def _end(self, start: Message) -> None:
        """Count what comes in pieces to its end without keeping it; hang up on what is known to be long."""
        is_long = self._said is not None and self._said > AT_ONCE_BYTES and not self._body.is_complete
        if is_long or self._body.is_cut:
            MutableHeaders(scope=start)["Connection"] = "close"
        if self._said is not None:
            return
        try:
            while not self._body.is_complete:
                await self._body.receive()
        except ApiError as error:
            self._is_refused = True
            headers = {"Connection": "close"}
            response = error_response(self._scope["path"], error.status_code, str(error.detail), None, headers)
            await response(self._scope, self._body.receive, self._send)


def _said_length(scope: Scope) -> int | None:
    """The length that the request says its body has; none when it is sent in pieces without a length."""
    names = {name: value for name, value in scope["headers"] if name in {b"content-length", b"transfer-encoding"}}
    said = names.get(b"content-length", b"0")
    # More digits than any length has are not turned into a number: Python refuses to beyond some thousands.
    length = (int(said) if len(said) < 20 else 10**20) if said.isdigit() else 0
    return None if b"transfer-encoding" in names else length
