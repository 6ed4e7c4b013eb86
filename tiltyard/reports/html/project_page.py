"""The page of a whole project."""

from pathlib import Path

from tiltyard.reports.html.drawing import Chart
from tiltyard.reports.html.evidence_charts import Reign, champions_chart, choice_chart, learning_chart
from tiltyard.reports.html.page import render, write
from tiltyard.reports.html.project_data import Beside, ProjectData, collect_project_data
from tiltyard.workspace.workspace import Workspace


def write_report(workspace: Workspace, path: Path, beside: Beside | None = None) -> Path:
    """Write a project's report as one HTML file; its path. An existing file is replaced."""
    return write(path, project_page(workspace, beside))


def project_page(workspace: Workspace, beside: Beside | None = None) -> str:
    """A project's page as HTML, as of now."""
    return render_project(collect_project_data(workspace), beside or Beside())


def render_project(facts: ProjectData, beside: Beside) -> str:
    """The report as HTML."""
    charts = {
        "choice": choice_chart(beside.curves, facts.metric) if beside.curves else None,
        "learning": _learning(facts),
        "champions": _champions(facts),
    }
    return render("project.html", facts=facts, beside=beside, charts=charts)


def _learning(facts: ProjectData) -> Chart | None:
    """Every challenger by its labels."""
    promoted = sum(point["decision"] == "promote" for point in facts.curve)
    caption = (
        f"Each challenger, {facts.metric} with its interval: {len(facts.curve)} verdicts, {promoted} said promote."
    )
    return learning_chart(facts.curve, facts.metric, caption)


def _champions(facts: ProjectData) -> Chart | None:
    """The champions over time."""
    scored = [move for move in facts.moves if move["score"] is not None]
    reigns = [Reign(move["at"], move["score"].value, move["champion"], move["kind"] == "roll_back") for move in scored]
    back = sum(reign.is_back for reign in reigns)
    caption = (
        f"Who was champion when, and the {facts.metric} that its verdict saw: {len(reigns)} moves, {back} of them back."
    )
    return champions_chart(reigns, facts.written_at, facts.metric, caption)
