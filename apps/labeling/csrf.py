"""The proof that a request comes from a page of ours: a signature of the session that other sites cannot read."""

from itsdangerous import Signer

HEADER = "X-CSRF-Token"
FIELD = "csrf"


class Csrf:
    """Signs sessions' nonces for pages and checks what comes back."""

    def __init__(self, secret: str) -> None:
        """Sign with the server's secret, apart from what sessions are signed with."""
        self._signer = Signer(secret, salt="tiltyard csrf")

    def proof_of(self, nonce: str) -> str:
        """What a page of the session carries."""
        return self._signer.get_signature(nonce).decode()

    def holds(self, nonce: str, proof: str | None) -> bool:
        """Whether a proof belongs to the session; compared in constant time."""
        return proof is not None and self._signer.verify_signature(nonce, proof)
