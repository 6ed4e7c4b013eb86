"""One way to write a value as text, so that equal values have equal bytes and equal hashes."""

import json
from hashlib import sha256
from typing import Any


def canonical_json(value: Any) -> str:
    """A JSON value with sorted keys and no spaces; NaN and infinities are refused with ValueError.

    >>> canonical_json({"b": [1, 2.5], "a": None})
    '{"a":null,"b":[1,2.5]}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def parse_json(text: str) -> Any:
    """The value that a JSON text stands for."""
    return json.loads(text)


def sha256_of(content: str | bytes) -> str:
    """The SHA-256 of a text (in UTF-8) or of bytes, 64 hex digits."""
    return sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def digest(value: Any) -> str:
    """The SHA-256 of a JSON value written canonically, 64 hex digits."""
    return sha256_of(canonical_json(value))
