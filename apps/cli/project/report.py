"""``tiltyard report``: a report on a project or on one verdict, as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, say, show_json

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
        help="The file to write; default: report.html or verdict-ID.html next to the project file.",
    ),
]


def report(what: What = None, project: ProjectPath = HERE, out: Out = None, as_json: AsJson = False) -> None:
    """Write a report on the project or on one verdict, as one HTML file for any browser.

    The project's page shows champions, verdicts, the value and cost of labels, and where every row ended. A verdict's
    page shows its summary, every check, both models side by side, and the samples they predict differently. An
    existing file is replaced. Pages contain samples' values: share them only as you would share the data.
    """
    from tiltyard.project.opening import open as open_project

    page = open_project(project).report(what or None)
    written = page.save(out)
    if as_json:
        show_json({"report": written, "verdict": page.verdict.verdict_id if page.verdict else None})
    else:
        say(f"Report: {written}")
