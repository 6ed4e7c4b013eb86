"""What a command says when it cannot do what was asked: one line, and an exit code that programs can trust.

0: done. 1: something is wrong with the project's stores, or the fault is ours. 2: the user's mistake, or a store that
does not answer. 130: interrupted.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, Final

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from tiltyard.apps.cli.console.help import explain
from tiltyard.apps.cli.console.output import one_line, show_json
from tiltyard.project.errors import DEBUG, PREFIXES, person, setting_sentence
from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.redaction import redacted

MISTAKE: Final = 2
OURS: Final = 1
INTERRUPTED: Final = 130


class Commands(TyperGroup):
    """The group of all commands: answers every failure with one line on stderr and the right exit code."""

    def __init__(self, **made: Any) -> None:
        """Take the commands as Typer makes them, and give each its example."""
        super().__init__(**made)
        explain(self)

    def main(self, args: Sequence[str] | None = None, *_: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run the command that the arguments name and exit with its code; in Typer's other mode, return it."""
        words = list(sys.argv[1:] if args is None else args)
        code = self._answered(words, extra)
        if standalone_mode:
            sys.exit(code)
        return code

    def _answered(self, words: list[str], extra: dict[str, Any]) -> int:
        """The exit code of a command, its failure told."""
        try:
            code = super().main(words, standalone_mode=False, **extra)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has gone (``tiltyard history | head``); nothing may be written any more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return OURS
        except (KeyboardInterrupt, typer.Abort):
            code = INTERRUPTED
        except Exception as error:  # every failure ends as one line
            return _told(*_sentence(error), "--json" in words)
        if code == INTERRUPTED:  # Typer itself answers Ctrl-C with this code, and says nothing
            return _told("interrupted; what was stored stays stored", INTERRUPTED, "--json" in words)
        return code if isinstance(code, int) else 0


def _told(sentence: str, code: int, as_json: bool) -> int:
    """Write a failure's sentence where people and programs look for it; the exit code."""
    sentence = redacted(sentence)
    if as_json and code != INTERRUPTED:
        show_json({"error": one_line(sentence)})
    sys.stderr.write(f"tiltyard: {one_line(sentence)}\n")
    return code


def _sentence(error: Exception) -> tuple[str, int]:
    """What to say about a failure, and its exit code."""
    if os.environ.get(DEBUG):
        sys.stderr.write(redacted(traceback.format_exc()))
    if isinstance(error, TiltyardError):
        return str(error), MISTAKE
    if isinstance(error, typer.TyperException):
        return _usage(error), MISTAKE
    if isinstance(error, ValidationError) and error.title in PREFIXES:
        return setting_sentence(error), MISTAKE
    if isinstance(error, OSError):
        return _file(error), MISTAKE
    again = "" if os.environ.get(DEBUG) else f"; set {DEBUG}=1 and run it again for the traceback"
    return f"this is a fault of ours, {type(error).__name__}: {error}{again}", OURS


def _usage(error: typer.TyperException) -> str:
    """A wrong command or option, and where to read about the right ones."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "tiltyard"
    inner = getattr(getattr(context, "command", None), "commands", [])
    wrong = error.format_message().rstrip(".") or f"which of {', '.join(inner)}?"
    return f"{wrong} (see '{path} --help')"


def _file(error: OSError) -> str:
    """A file that cannot be read or written."""
    where = f"{error.filename!r}: " if error.filename else ""
    remedy = f"; give {person(None)!r} the right to it" if isinstance(error, PermissionError) else ""
    return f"{where}{error.strerror or error}{remedy}"
