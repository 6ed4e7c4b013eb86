"""Errors at the Python API: one sentence that the user can act on, without the traceback of the code inside."""

import os
from collections.abc import Callable
from functools import wraps
from getpass import getuser
from typing import Final, ParamSpec, TypeVar

from pydantic import ValidationError

from tiltyard.schemas.errors import SettingsError, TiltyardError

P = ParamSpec("P")
R = TypeVar("R")

DEBUG: Final = "TILTYARD_DEBUG"
"""The variable that keeps whole tracebacks."""

PREFIXES: Final = {"Settings": "TILTYARD_", "LabelingSettings": "TILTYARD_LABEL_"}
"""The beginning of the variables of each class of settings."""


def plain_errors(function: Callable[P, R]) -> Callable[P, R]:
    """The function, whose errors begin at the caller's line: no frame of the code inside, no chained cause.

    That holds for TiltyardError, and for OSError: a file that is missing or protected. A setting in the environment
    that cannot be read is a SettingsError. Errors of any other kind are bugs, or errors of the caller's own code, and
    keep their whole traceback; so do all when TILTYARD_DEBUG is set.
    """

    @wraps(function)
    def plain(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (TiltyardError, OSError) as error:
            if os.environ.get(DEBUG):
                raise
            raise error.with_traceback(None) from None
        except ValidationError as error:
            if error.title not in PREFIXES:
                raise
            raise SettingsError(setting_sentence(error)) from None

    return plain


def setting_sentence(error: ValidationError) -> str:
    """The sentence about a setting in the environment that cannot be read: its variable, the fault and the value."""
    wrong = error.errors()[0]
    name = str(wrong["loc"][0])
    # A message never contains a secret, even one that cannot be read.
    given = "" if "secret" in name else f", got {wrong['input']!r}"
    return f"environment variable {PREFIXES[error.title]}{name.upper()}: {wrong['msg']}{given}"


def person(name: str | None) -> str:
    """The name to record for a decision: the one that was given, else the name that the user is logged in with."""
    return name or getuser()


def stated(reason: str) -> str:
    """The reason for a decision. Raises TiltyardError for an empty one."""
    if not reason.strip():
        raise TiltyardError("reason: give a reason; it is recorded permanently")
    return reason
