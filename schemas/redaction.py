"""Redaction: passwords, tokens and keys are taken out of every text before it leaves: errors, logs, notices, states.

One function recognizes secrets by their shape, not by settings, so the program that wrote the text and the variable
that held the secret do not matter. Each pattern is bounded, so that a long text costs no more than its length.
"""

import logging
import re
from collections.abc import Callable
from typing import Any, Final

HIDDEN: Final = "***"
_NAMED: Final = (
    r"[\w.-]{0,40}(?:password|passwd|passphrase|pwd|secret|token|credentials?|signature|(?:api|access|account|shared"
    r"|private|license|auth|master)[_-]?key|auth(?:orization|[_-]?string)?)"
)
"""Names whose values are secrets wherever they stand."""

_IN_ADDRESSES: Final = rf"(?:{_NAMED}|x-amz-\w{{1,20}}|sig|key|sas|code|pass|pw|jwt|session(?:[_-]?id)?)"
"""Names whose values are secrets as parameters of an address."""

_USERINFO: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{0,40}:/{2,9}[^\s/?#'\"<>:\[]*:)([^\s<>]*)")
_PORT: Final = re.compile(r"\d{0,5}(?![\w@%])")
_END_OF_PLACE: Final = re.compile(r"[/?#'\"]")
_LONE: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{0,40}:/{2,9})[^\s/?#'\"<>@:]{12,400}@")
_ENCODED: Final = re.compile(r"((?i:%3a%2f%2f)[^\s&%]{0,100}(?i:%3a))[^\s&]{1,400}?((?i:%40))")
_PARAMETER: Final = re.compile(rf"((?:[?&;]|(?i:%3f|%26))(?i:{_IN_ADDRESSES})(?:=|(?i:%3d)))[^\s&;#'\"<>)]+")
_PAIR: Final = re.compile(rf"((?<![\w.-])(?i:{_NAMED})\s?=\s?)(?:'[^'\n]*'|\"[^\"\n]*\"|[^\s'\"&;,<>{{}}()]+)")
_QUOTED: Final = re.compile(rf"(['\"](?i:{_NAMED})['\"]\s?:\s?)(?:'[^'\n]*'|\"(?:[^\"\\\n]|\\.)*\")")
_SCHEME: Final = re.compile(r"(\b(?i:bearer|basic)\s{1,3})[A-Za-z0-9+/=._~-]{8,}")
_HEADER: Final = re.compile(r"((?i:cookie|x-[\w-]{0,20}(?:key|token)):\s?)[^\n'\"]+")
_KEYS: Final = re.compile(
    r"\b(?:tyd_[\w-]{20,}|whsec_[\w+/=-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|xox[abprs]-[\w-]{10,}|sk-[\w-]{20,}|pn[ub]_\w{16,}|hf_\w{20,}|A[KS]IA[0-9A-Z]{16}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
)
_HIDING: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    (_USERINFO, lambda found: found[1] + _without_password(found[2])),
    (_LONE, rf"\1{HIDDEN}@"),
    (_ENCODED, rf"\1{HIDDEN}\2"),
    (_PARAMETER, rf"\1{HIDDEN}"),
    (_SCHEME, rf"\1{HIDDEN}"),
    (_PAIR, rf"\1{HIDDEN}"),
    (_QUOTED, rf"\1'{HIDDEN}'"),
    (_HEADER, rf"\1{HIDDEN}"),
    (_KEYS, HIDDEN),
)


def redacted(text: str) -> str:
    """A text without the secrets that can be recognized by their shape; the rest is unchanged.

    >>> redacted("cannot reach http://bob:S3cret@host:9/x")
    'cannot reach http://bob:***@host:9/x'
    >>> redacted("GET https://hooks.example.com/in?room=1&token=abc failed")
    'GET https://hooks.example.com/in?room=1&token=*** failed'
    >>> redacted("see http://127.0.0.1:4200/runs/1")
    'see http://127.0.0.1:4200/runs/1'
    """
    for pattern, hidden in _HIDING:
        text = pattern.sub(hidden, text)
    return text


def _without_password(rest: str) -> str:
    """What follows ``user:`` in an address, or ``host:``, without the password where there is one.

    A password may hold any character, those that end an address among them, when it was not escaped.
    """
    at = rest.rfind("@")
    if at >= 0:
        return f"{HIDDEN}{rest[at:]}"
    if _PORT.match(rest):
        return rest
    end = _END_OF_PLACE.search(rest)
    return HIDDEN + (rest[end.start() :] if end else "")


class RedactedRecord(logging.LogRecord):
    """A log record without secrets in its message and traceback, for any logger and handler."""

    _traceback: str | None = None

    @property
    def exc_text(self) -> str | None:
        """The traceback as text, once a formatter made it."""
        return self._traceback

    @exc_text.setter
    def exc_text(self, text: str | None) -> None:
        """Keep a traceback without its secrets."""
        self._traceback = redacted(text) if text else text

    def getMessage(self) -> str:  # logging's own name
        """The message without its secrets."""
        return redacted(super().getMessage())


def redact_logs() -> None:
    """Let every logger of this process write redacted records from now on; a factory that somebody set stays."""
    if logging.getLogRecordFactory() is logging.LogRecord:
        logging.setLogRecordFactory(RedactedRecord)


def without_secrets(error: BaseException) -> BaseException:
    """The error itself where its text tells no secret, else one that says the same without it.

    Programs that show an error of another library (Prefect's states, a server's log) show its text.
    """
    said = _said(error)
    clean = redacted(said)
    if clean == said:
        return error
    told = RuntimeError(f"{type(error).__name__}: {clean}")
    return told.with_traceback(error.__traceback__)


def _said(error: BaseException) -> Any:
    """What an error says of itself; nothing where even that fails."""
    try:
        return str(error)
    except Exception:  # a foreign class may do anything
        return ""
