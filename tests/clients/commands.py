"""The command line as tests call it: arguments in, exit code and both streams out."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from tiltyard.apps.cli.main import app


@dataclass(frozen=True, slots=True)
class Told:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The one JSON document on stdout; it must be all there is."""
        return json.loads(self.out)


def tiltyard(*arguments: str | Path, lines: str = "", **environment: str) -> Told:
    """Run a command in this process; ``lines`` is what is typed into it."""
    environment = {"COLUMNS": "80", **environment}
    result = CliRunner().invoke(app, [str(one) for one in arguments], input=lines, env=environment)
    return Told(result.exit_code, result.stdout, result.stderr)


def done(*arguments: str | Path, lines: str = "", **environment: str) -> Told:
    """Run a command that must succeed."""
    told = tiltyard(*arguments, lines=lines, **environment)
    assert told.code == 0, f"{arguments}: {told.err or told.out}"
    return told
