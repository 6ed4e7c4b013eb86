"""Whether a command line of an image, compose.yaml or a manifest is one: its program, words and options exist."""

import os
import re
import shlex
import subprocess
import sys
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Final

OURS: Final = ("tiltyard", "prefect", "mlflow", "moto_server")
BIN: Final = Path(sys.executable).parent
GROUP: Final = re.compile(r"^ *Usage: .*\bCOMMAND\b", re.MULTILINE)
"""A command that is made of others, so that the next word must be one of them."""
OPTION: Final = re.compile(r"(?<![\w-])--?[A-Za-z][A-Za-z-]*")


def problems_of(command: list[str]) -> list[str]:
    """What is wrong with a command line; a script for ``sh -c`` is looked at command by command."""
    if command[:1] == ["sh"]:
        parts = re.split(r";|&&|\|\|", command[-1])
        return [problem for part in parts for problem in problems_of(shlex.split(part))]
    if not command or command[0] not in OURS:
        return []
    words = _words(command[1:])
    told = help_of(command[0], *words)
    if told is None:
        return [f"no such command: {' '.join([command[0], *words])}"]
    known = set(OPTION.findall(told))
    given = [one.split("=")[0] for one in command[1:] if one.startswith("-")]
    return [f"{command[0]} {' '.join(words)} has no option {one}" for one in given if one not in known]


def _words(rest: list[str]) -> list[str]:
    """The words of a command: ``server start`` of ``server start --port 1``; flags come after."""
    after = [one for one in rest if one != "--no-prompt"]
    return list(takewhile(lambda one: re.fullmatch(r"[a-z][a-z-]*", one), after))


def help_of(program: str, *words: str) -> str | None:
    """What a command says of itself; none when there is no such command. Its last words may be arguments."""
    told = _told(program, *words)
    if told is not None or not words:
        return told
    above = help_of(program, *words[:-1])
    return None if above is None or GROUP.search(above) else above


@lru_cache(maxsize=64)
def _told(program: str, *words: str) -> str | None:
    """The help of a command, none when it refuses."""
    quiet = {"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb", "_TYPER_FORCE_DISABLE_TERMINAL": "1"}
    run = subprocess.run(
        [BIN / program, *words, "--help"], env={**os.environ, **quiet}, capture_output=True, text=True, check=False
    )
    return run.stdout if run.returncode == 0 else None
