"""CSRF tokens: the signature of a random nonce proves that a request comes from one of the server's own pages."""

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Final, Literal, get_args

from itsdangerous import BadSignature, Signer, URLSafeTimedSerializer
from starlette.requests import Request

HEADER = "X-CSRF-Token"
FIELD = "csrf"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""HTTP methods that change nothing."""

Purpose = Literal["session", "proxy", "log-in"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)


@dataclass(frozen=True, slots=True)
class Nonce:
    """A random value that this server gave one browser for one purpose; a token for one purpose fits no other."""

    purpose: Purpose
    value: str


class Csrf:
    """Creates and checks CSRF tokens."""

    def __init__(self, secret: str) -> None:
        """Sign with the server's secret; each purpose has its own salt, and so have sessions."""
        self._signers = {purpose: Signer(secret, salt=f"tiltyard csrf {purpose}") for purpose in PURPOSES}

    def token_of(self, nonce: Nonce) -> str:
        """The CSRF token that pages send."""
        return self._signers[nonce.purpose].get_signature(nonce.value).decode()

    def is_valid(self, nonce: Nonce, token: str | None) -> bool:
        """Whether a CSRF token belongs to the nonce; compared in constant time."""
        return token is not None and self._signers[nonce.purpose].verify_signature(nonce.value, token)


class NonceCookies:
    """Nonces of browsers without a session, in a signed cookie."""

    def __init__(self, secret: str, purpose: Purpose, cookie: str, seconds: int) -> None:
        """Store nonces of one purpose in a cookie that is valid for so many seconds."""
        self._serializer = URLSafeTimedSerializer(secret, salt=f"tiltyard nonce {purpose}")
        self._purpose: Purpose = purpose
        self.cookie, self.seconds = cookie, seconds

    def read(self, request: Request, who: str = "") -> Nonce | None:
        """The nonce of a request's cookie; None if it is missing, forged, expired or made for another user."""
        try:
            content = self._serializer.loads(request.cookies.get(self.cookie, ""), max_age=self.seconds)
        except BadSignature:
            return None
        return Nonce(self._purpose, content[1]) if content[0] == who else None

    def make(self, who: str = "") -> tuple[Nonce, str]:
        """A new nonce for a user, and the value of its cookie."""
        value = token_urlsafe(16)
        return Nonce(self._purpose, value), str(self._serializer.dumps([who, value]))
