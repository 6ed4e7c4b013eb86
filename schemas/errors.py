"""Errors that a user can act upon.

Each message says what was wrong, where, and what to do. The command line prints it as one line and
exits with 2; a web page answers with the same text; a flow stores it. Tiltyard raises no
exception outside this family for a user's own mistake.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TypeVar

from tiltyard.schemas.redaction import redacted

T = TypeVar("T")


class TiltyardError(Exception):
    """A mistake that the reader of the message can correct; secrets are redacted from the message."""

    def __init__(self, *said: object) -> None:
        """Redact the message."""
        super().__init__(*(redacted(one) if isinstance(one, str) else one for one in said))


class ProjectFileError(TiltyardError):
    """The project file breaks its contract."""


class ObjectError(TiltyardError):
    """An object cannot be taken in as it is; it stays landed and quarantined."""


class LedgerError(TiltyardError):
    """The ledger refuses what was asked of it, or its bytes differ from what was written."""


class AnnotationError(TiltyardError):
    """An annotation does not fit its project; nothing was stored."""


class TrainingError(TiltyardError):
    """There is not enough to train from, or a candidate does not keep scikit-learn's contract."""


class RegistryError(TiltyardError):
    """A model is missing, incomplete, or its bytes are not those that were recorded."""


class PromotionConflict(TiltyardError):
    """The champion changed since the verdict was written; judge again."""


class SettingsError(TiltyardError):
    """What the environment or the command line says cannot be done on this machine."""


class LabelStudioError(TiltyardError):
    """Label Studio is not there, does not take the token, or answers what cannot be used."""


class Unavailable(TiltyardError):
    """A store, a queue or a server does not answer now; the same may work in a minute, so a step is tried again."""


class NotFound(TiltyardError):
    """There is no such batch, sample, model or file."""


def the_one(found: Sequence[T], noun: str, name: str, remedy: str) -> T:
    """The one thing whose id begins with a name; NotFound where there is none or more than one, with the remedy.

    >>> the_one(["abcd"], "model", "abc", "see 'history'")
    'abcd'
    >>> the_one([], "model", "abc", "see 'history'")
    Traceback (most recent call last):
    tiltyard.schemas.errors.NotFound: no model begins with 'abc'; see 'history'
    >>> the_one(["ab", "ac"], "batch", "a", "see 'list'")
    Traceback (most recent call last):
    tiltyard.schemas.errors.NotFound: more than one batch begins with 'a'; see 'list'
    """
    if len(found) != 1:
        raise NotFound(f"{'more than one' if found else 'no'} {noun} begins with {name!r}; {remedy}")
    return found[0]


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known word that a wrong one comes close to, if there is one.

    >>> closest("colunms", ["columns", "classes"]), closest("xyz", ["b", "a"])
    ('columns', None)
    """
    return next(iter(get_close_matches(name, sorted(known), n=1)), None)


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names the closest known word, or the known words when none is close.

    >>> nearest("colums", ["columns", "classes"])
    "did you mean 'columns'?"
    >>> nearest("xyz", ["b", "a"])
    'known: a, b'
    >>> nearest("xyz", [])
    'there is none yet'
    """
    names = sorted(known)
    if not names:
        return "there is none yet"
    close = closest(name, names)
    return f"did you mean {close!r}?" if close else f"known: {', '.join(names)}"
