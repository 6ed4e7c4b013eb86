"""Turn a command's failure into one line on stderr and an exit code that programs can rely on.

0: done. 1: something is wrong with the project's stores, or a bug in Tiltyard. 2: the user's mistake, or a store that
cannot be reached. 130: interrupted.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, Final

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from tiltyard.apps.cli.console.help import add_examples
from tiltyard.apps.cli.console.output import show_json, to_one_line
from tiltyard.project.errors import DEBUG, PREFIXES, person, setting_sentence
from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.redaction import redacted

USAGE_ERROR: Final = 2
FAILURE: Final = 1
INTERRUPTED: Final = 130


class CommandGroup(TyperGroup):
    """The group of all commands: reports every failure as one line on stderr with the right exit code."""

    def __init__(self, **made: Any) -> None:
        """Take the commands as Typer makes them, and add an example to each."""
        super().__init__(**made)
        add_examples(self)

    def main(self, args: Sequence[str] | None = None, *_: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run the command that the arguments name and exit with its code; in Typer's other mode, return it."""
        words = list(sys.argv[1:] if args is None else args)
        code = self._run(words, extra)
        if standalone_mode:
            sys.exit(code)
        return code

    def _run(self, words: list[str], extra: dict[str, Any]) -> int:
        """Run a command and report its failure; its exit code."""
        try:
            code = super().main(words, standalone_mode=False, **extra)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader is closed (``tiltyard history | head``); nothing can be written any more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILURE
        except (KeyboardInterrupt, typer.Abort):
            code = INTERRUPTED
        except Exception as error:  # every failure is reported as one line
            return _report(*_describe(error), "--json" in words)
        if code == INTERRUPTED:  # Typer itself turns Ctrl-C into this code, without a message
            return _report("interrupted; everything stored before is kept", INTERRUPTED, "--json" in words)
        return code if isinstance(code, int) else 0


def _report(sentence: str, code: int, as_json: bool) -> int:
    """Write a failure's message to stderr, and to stdout as JSON if asked for; the exit code."""
    sentence = redacted(sentence)
    if as_json and code != INTERRUPTED:
        show_json({"error": to_one_line(sentence)})
    sys.stderr.write(f"tiltyard: {to_one_line(sentence)}\n")
    return code


def _describe(error: Exception) -> tuple[str, int]:
    """The message for a failure, and its exit code."""
    if os.environ.get(DEBUG):
        sys.stderr.write(redacted(traceback.format_exc()))
    if isinstance(error, TiltyardError):
        return str(error), USAGE_ERROR
    if isinstance(error, typer.TyperException):
        return _usage(error), USAGE_ERROR
    if isinstance(error, ValidationError) and error.title in PREFIXES:
        return setting_sentence(error), USAGE_ERROR
    if isinstance(error, OSError):
        return _file(error), USAGE_ERROR
    remedy = "" if os.environ.get(DEBUG) else f"; set {DEBUG}=1 and run the command again for the traceback"
    return f"this is a bug in Tiltyard, {type(error).__name__}: {error}{remedy}", FAILURE


def _usage(error: typer.TyperException) -> str:
    """The message for a wrong command or option, with the help to read."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "tiltyard"
    inner = getattr(getattr(context, "command", None), "commands", [])
    wrong = error.format_message().rstrip(".") or f"which of {', '.join(inner)}?"
    return f"{wrong} (see '{path} --help')"


def _file(error: OSError) -> str:
    """The message for a file that cannot be read or written."""
    where = f"{error.filename!r}: " if error.filename else ""
    remedy = f"; give {person(None)!r} the right to it" if isinstance(error, PermissionError) else ""
    return f"{where}{error.strerror or error}{remedy}"
