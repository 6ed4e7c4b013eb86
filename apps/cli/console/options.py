"""The options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

ProjectPath = Annotated[
    Path,
    typer.Option("--project", "-p", envvar="TILTYARD_PROJECT", help="Folder or file of the project."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout, and nothing else.")]
By = Annotated[str | None, typer.Option("--by", help="Who decides; default: your login name.")]
HERE = Path()
