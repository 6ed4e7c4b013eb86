"""Sessions: a signed cookie with the access ids of a browser; the ledger decides which of them are still valid."""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Final

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from tiltyard.schemas.records import AccessId

COOKIE: Final = "tiltyard"


@dataclass(frozen=True, slots=True)
class Session:
    """One login of one browser: a nonce and an access id per project."""

    nonce: str
    accesses: Mapping[str, AccessId]


SESSION: Final = TypeAdapter(Session)


class Sessions:
    """Creates, reads and clears session cookies."""

    def __init__(self, secret: str, hours: float) -> None:
        """Sign with the server's secret; a session expires after so many hours."""
        self._serializer = URLSafeTimedSerializer(secret, salt="tiltyard session")
        self._seconds = round(hours * 3600)

    def begin(self, request: Request, response: Response, accesses: Mapping[str, AccessId]) -> Session:
        """Start a session with a new nonce: no session survives the next login."""
        session = Session(token_urlsafe(16), dict(accesses))
        value = self._serializer.dumps({"nonce": session.nonce, "accesses": session.accesses})
        set_cookie(request, response, COOKIE, str(value), seconds=self._seconds)
        return session

    def read(self, request: Request) -> Session | None:
        """The session of a request's cookie; None if it is missing, forged or expired."""
        value = request.cookies.get(COOKIE)
        if value is None:
            return None
        try:
            return SESSION.validate_python(self._serializer.loads(value, max_age=self._seconds))
        except (BadSignature, ValidationError):
            return None

    def clear(self, request: Request, response: Response) -> None:
        """Delete the browser's cookie; EndedSessions makes sure that no copy of it works."""
        response.delete_cookie(COOKIE, httponly=True, secure=_is_https(request), samesite="lax")


def set_cookie(request: Request, response: Response, name: str, value: str, *, seconds: int) -> None:
    """Set a cookie that no script can read and that forms of other sites do not send.

    ``lax`` instead of ``strict`` keeps users logged in when they follow a link from a mail; requests that change
    something also need a CSRF token.
    """
    response.set_cookie(name, value, max_age=seconds, httponly=True, secure=_is_https(request), samesite="lax")


def cookie_header(request: Request, name: str, value: str, *, seconds: int) -> str:
    """The Set-Cookie header of :func:`set_cookie`, for a response that is created elsewhere."""
    response = Response()
    set_cookie(request, response, name, value, seconds=seconds)
    return response.headers["set-cookie"]


def _is_https(request: Request) -> bool:
    """Whether the browser uses TLS, to this server or to a trusted proxy."""
    return request.url.scheme == "https"
