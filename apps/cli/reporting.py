"""``tiltyard report``: the project's whole story as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from apps.cli.options import HERE, AsJson, ProjectPath
from apps.cli.screen import say, show_json

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="The file to write; default: report.html beside the project."),
]


def report(project: ProjectPath = HERE, out: Out = None, as_json: AsJson = False) -> None:
    """Write the project's story as one HTML file that needs nothing but a browser.

    Champions and verdicts with every check, where every row is and why, and the labels; a file of that name is
    replaced.
    """
    from tiltyard.pages.project_page import write_report
    from tiltyard.stores.workspace import open_workspace

    workspace = open_workspace(project)
    written = write_report(workspace, out or workspace.project_file.parent / "report.html")
    if as_json:
        show_json({"report": written})
    else:
        say(f"Report: {written}")
