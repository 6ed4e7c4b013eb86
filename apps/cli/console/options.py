"""The options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

ProjectPath = Annotated[
    Path,
    typer.Option("--project", "-p", envvar="TILTYARD_PROJECT", help="Folder or file of the project."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else there.")]
By = Annotated[str | None, typer.Option("--by", help="Who decides; default: the name you are logged in with.")]
HERE = Path()
