"""Access tokens: shown once, stored only as a hash."""

import secrets
from typing import Final

from tiltyard.schemas.canonical import sha256_of

PREFIX: Final = "tyd_"
RANDOM_BYTES: Final = 32
LENGTH: Final = len(PREFIX) + 43


def new_token() -> str:
    """A token with 256 random bits; it identifies the annotator.

    >>> token = new_token()
    >>> len(token), token[:4], token == new_token()
    (47, 'tyd_', False)
    """
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def token_hash(token: str) -> str:
    """The SHA-256 of a token, 64 hex digits: the ledger stores only this.

    A slow hash would not protect a long random token any better. The ledger looks tokens up by hash, so no secret is
    compared byte by byte.
    """
    return sha256_of(token)


def looks_like_token(text: str) -> bool:
    """Whether a text has the format of a token; other texts are not looked up."""
    return len(text) == LENGTH and text.startswith(PREFIX) and text.isascii()
