"""``tiltyard report``: a project's whole story, or that of one verdict, as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import say, show_json

What = Annotated[
    str | None,
    typer.Argument(
        metavar="VERDICT|MODEL",
        help="The beginning of a verdict's id; or a model (id, version, champion, challenger), for its last verdict.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="The file to write; default: report.html or verdict-ID.html beside the project file.",
    ),
]


def report(what: What = None, project: ProjectPath = HERE, out: Out = None, as_json: AsJson = False) -> None:
    """Write the project's story, or one verdict's, as one HTML file that needs nothing but a browser.

    The project's page has champions, verdicts, what labels bought and cost, and where every row is. A verdict's page
    has its headline, every check, both models side by side, and the samples they decide differently. A file of that
    name is replaced. Pages show samples' values: hand them on as you would hand on the data.
    """
    from tiltyard.project.opening import open as open_project

    page = open_project(project).report(what or None)
    written = page.save(out)
    if as_json:
        show_json({"report": written, "verdict": page.verdict.verdict_id if page.verdict else None})
    else:
        say(f"Report: {written}")
