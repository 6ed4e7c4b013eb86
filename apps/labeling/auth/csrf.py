"""The proof that a request comes from a page of ours: a signature of a nonce that this server made by chance."""

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Final, Literal, get_args

from itsdangerous import BadSignature, Signer, URLSafeTimedSerializer
from starlette.requests import Request

HEADER = "X-CSRF-Token"
FIELD = "csrf"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

Purpose = Literal["session", "proxy", "log-in"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)


@dataclass(frozen=True, slots=True)
class Nonce:
    """Random letters that this server gave one browser, and what for: what proves one purpose proves no other."""

    purpose: Purpose
    value: str


class Csrf:
    """Signs nonces for pages and checks what comes back."""

    def __init__(self, secret: str) -> None:
        """Sign with the server's secret, each purpose apart from the others and from what sessions are signed with."""
        self._signers = {purpose: Signer(secret, salt=f"tiltyard csrf {purpose}") for purpose in PURPOSES}

    def proof_of(self, nonce: Nonce) -> str:
        """What a page carries."""
        return self._signers[nonce.purpose].get_signature(nonce.value).decode()

    def holds(self, nonce: Nonce, proof: str | None) -> bool:
        """Whether a proof belongs to the nonce; compared in constant time."""
        return proof is not None and self._signers[nonce.purpose].verify_signature(nonce.value, proof)


class NonceCookies:
    """Nonces of browsers without a session: made here by chance, kept in a cookie that is signed."""

    def __init__(self, secret: str, purpose: Purpose, cookie: str, seconds: int) -> None:
        """Keep nonces of one purpose in a cookie, for so long."""
        self._serializer = URLSafeTimedSerializer(secret, salt=f"tiltyard nonce {purpose}")
        self._purpose: Purpose = purpose
        self.cookie, self.seconds = cookie, seconds

    def read(self, request: Request, who: str = "") -> Nonce | None:
        """The nonce of a request's cookie; none when we made none, or made it for somebody else or too long ago."""
        try:
            said = self._serializer.loads(request.cookies.get(self.cookie, ""), max_age=self.seconds)
        except BadSignature:
            return None
        return Nonce(self._purpose, said[1]) if said[0] == who else None

    def make(self, who: str = "") -> tuple[Nonce, str]:
        """A fresh nonce and the cookie that keeps it; ``who`` is whom it is for."""
        value = token_urlsafe(16)
        return Nonce(self._purpose, value), str(self._serializer.dumps([who, value]))
