"""Sessions: a signed cookie that says which accesses a browser has; the ledger says whether they still stand."""

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
    """One log-in of one browser: a nonce and the access it has in each project."""

    nonce: str
    accesses: Mapping[str, AccessId]


SESSION: Final = TypeAdapter(Session)


class Sessions:
    """Makes, reads and ends sessions."""

    def __init__(self, secret: str, hours: float) -> None:
        """Sign with the server's secret; a session ends after so many hours."""
        self._serializer = URLSafeTimedSerializer(secret, salt="tiltyard session")
        self._seconds = round(hours * 3600)

    def begin(self, request: Request, response: Response, accesses: Mapping[str, AccessId]) -> Session:
        """Log a browser in: a fresh nonce each time, so that no session outlives a log-in."""
        session = Session(token_urlsafe(16), dict(accesses))
        value = self._serializer.dumps({"nonce": session.nonce, "accesses": session.accesses})
        set_cookie(request, response, COOKIE, str(value), seconds=self._seconds)
        return session

    def read(self, request: Request) -> Session | None:
        """The session of a request's cookie; none when there is none, it was forged, or its time is over."""
        value = request.cookies.get(COOKIE)
        if value is None:
            return None
        try:
            return SESSION.validate_python(self._serializer.loads(value, max_age=self._seconds))
        except (BadSignature, ValidationError):
            return None

    def forget(self, request: Request, response: Response) -> None:
        """Let the browser forget its session; that it ended is EndedSessions' to keep."""
        response.delete_cookie(COOKIE, httponly=True, secure=_is_https(request), samesite="lax")


def set_cookie(request: Request, response: Response, name: str, value: str, *, seconds: int) -> None:
    """A cookie that no script reads and that no other site's form sends.

    ``lax`` and not ``strict``: an expert who follows a link from a mail is logged in; whatever changes something
    needs the proof of csrf.py as well.
    """
    response.set_cookie(name, value, max_age=seconds, httponly=True, secure=_is_https(request), samesite="lax")


def cookie_header(request: Request, name: str, value: str, *, seconds: int) -> str:
    """The same cookie as a header, for an answer that somebody else makes."""
    response = Response()
    set_cookie(request, response, name, value, seconds=seconds)
    return response.headers["set-cookie"]


def _is_https(request: Request) -> bool:
    """Whether the browser speaks TLS, to us or to a trusted proxy."""
    return request.url.scheme == "https"
