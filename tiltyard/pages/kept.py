"""Pages kept where people look for them: with the challenger's run in MLflow."""

from schemas.records import Verdict
from tiltyard.pages.project_page import project_page
from tiltyard.pages.verdict_page import verdict_page
from tiltyard.stores.shown_verdicts import PAGE, mark
from tiltyard.stores.workspace import Workspace

PROJECT_PAGE = "project.html"


def keep_pages(workspace: Workspace, verdict: Verdict) -> str:
    """Draw a verdict's page and the project's, and keep both with the challenger's run; where the first is shown.

    Both tell how things stand now; kept again, they take the place of the former. The address is empty where nobody
    serves MLflow.
    """
    challenger = workspace.ledger.models.get(verdict.challenger_id)
    workspace.registry.keep_page(challenger, PROJECT_PAGE, project_page(workspace))
    address = workspace.registry.keep_page(challenger, page_name(verdict), verdict_page(workspace, verdict))
    mark(workspace, verdict, PAGE)
    return address


def page_name(verdict: Verdict) -> str:
    """The file that a verdict's page is kept in."""
    return f"verdict-{verdict.verdict_id[:12]}.html"
