"""What can go wrong, in the words a user can act upon.

Each message says what was wrong, where, and what to do. The command line prints it as one line and
exits with 2; a web page answers with the same text; a flow stores it. Nothing of ours raises an
exception outside this family for a user's own mistake.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class TiltyardError(Exception):
    """A mistake that the reader of the message can mend."""


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


def not_one(found: int, noun: str, name: str) -> str:
    """What is wrong with the beginning of an id that means nothing, or more than one thing.

    >>> not_one(0, "model", "abc"), not_one(2, "batch", "a")
    ("no model begins with 'abc'", "more than one batch begins with 'a'")
    """
    return f"{'more than one' if found else 'no'} {noun} begins with {name!r}"


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
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"
