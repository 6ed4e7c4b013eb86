"""Pages kept where people look for them: with the challenger's run in MLflow."""

from dataclasses import replace

from tiltyard.reports.html.project_data import Beside, collect_project_data
from tiltyard.reports.html.project_page import render_project
from tiltyard.reports.html.verdict_data import collect_verdict_data
from tiltyard.reports.html.verdict_page import render_verdict
from tiltyard.schemas.records import Verdict
from tiltyard.workspace.models.verdict_tags import PAGE, tag
from tiltyard.workspace.workspace import Workspace

PROJECT_PAGE = "project.html"


def publish_pages(workspace: Workspace, verdict: Verdict) -> str:
    """Draw a verdict's page and the project's, and keep both with the challenger's run; where the first is shown.

    Publishing again replaces the previous pages. The next step is left out: it changes, and the pages stay as
    they were. The address is empty where nobody serves MLflow.
    """
    challenger = workspace.ledger.models.get(verdict.challenger_id)
    workspace.registry.keep_page(challenger, PROJECT_PAGE, _project_page(workspace))
    address = workspace.registry.keep_page(challenger, page_name(verdict), _verdict_page(workspace, verdict))
    tag(workspace, verdict, PAGE)
    return address


def _project_page(workspace: Workspace) -> str:
    """The project's page as it is kept."""
    facts = collect_project_data(workspace)
    lasting = replace(facts, headline=replace(facts.headline, next_step="") if facts.headline else None)
    return render_project(lasting, Beside())


def _verdict_page(workspace: Workspace, verdict: Verdict) -> str:
    """The verdict's page as it is kept."""
    facts = collect_verdict_data(workspace, verdict)
    return render_verdict(replace(facts, headline=replace(facts.headline, next_step="")))


def page_name(verdict: Verdict) -> str:
    """The file that a verdict's page is kept in."""
    return f"verdict-{verdict.verdict_id[:12]}.html"
