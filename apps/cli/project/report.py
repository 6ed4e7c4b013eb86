"""``tiltyard report``: a project's whole story, or that of one verdict, as one HTML file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import say, show_json
from tiltyard.schemas.errors import NotFound

if TYPE_CHECKING:
    from tiltyard.schemas.records import Verdict
    from tiltyard.workspace.workspace import Workspace

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
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    verdict = verdict_meant(workspace, what) if what else None
    written = _written(workspace, verdict, out)
    if as_json:
        show_json({"report": written, "verdict": verdict.verdict_id if verdict else None})
    else:
        say(f"Report: {written}")


def verdict_meant(workspace: "Workspace", what: str) -> "Verdict":
    """The verdict whose id begins so, else the last one on the model that is named so; NotFound otherwise."""
    from tiltyard.workspace.lookup import model_named, verdict_named

    if named := verdict_named(workspace, what):
        return named
    model = model_named(workspace, what)
    judged = [one for one in workspace.ledger.champions.verdicts() if one.challenger_id == model.model_id]
    if not judged:
        raise NotFound(f"model {model.model_id[:8]} was not judged yet; 'tiltyard judge' does")
    return judged[-1]


def _written(workspace: "Workspace", verdict: "Verdict | None", out: Path | None) -> Path:
    """The page as a file."""
    # They bring matplotlib and scikit-learn.
    from tiltyard.reports.html.page import write
    from tiltyard.reports.html.project_page import write_report
    from tiltyard.reports.html.verdict_page import verdict_page

    beside = workspace.project_file.parent
    if verdict is None:
        return write_report(workspace, out or beside / "report.html")
    return write(out or beside / f"verdict-{verdict.verdict_id[:8]}.html", verdict_page(workspace, verdict))
