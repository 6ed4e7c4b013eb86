"""Tokens: made once, shown once, kept only as a hash."""

import secrets
from typing import Final

from tiltyard.schemas.canonical import sha256_of

PREFIX: Final = "tyd_"
RANDOM_BYTES: Final = 32
LENGTH: Final = len(PREFIX) + 43


def new_token() -> str:
    """A token with 256 random bits; whoever has it is the annotator.

    >>> token = new_token()
    >>> len(token), token[:4], token == new_token()
    (47, 'tyd_', False)
    """
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def token_hash(token: str) -> str:
    """What the ledger keeps of a token: its SHA-256, 64 hex digits.

    A token is random and long, so that a slow hash would protect nothing more, and the ledger finds it by its
    hash: no secret is compared byte by byte.
    """
    return sha256_of(token)


def looks_like_token(text: str) -> bool:
    """Whether a text can be a token at all; what cannot is not looked up."""
    return len(text) == LENGTH and text.startswith(PREFIX) and text.isascii()
