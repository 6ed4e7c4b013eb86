"""Pages kept where people look for them: with the challenger's run in MLflow."""

from dataclasses import replace

from tiltyard.reports.html.project_data import Beside, facts_of
from tiltyard.reports.html.project_page import page_of
from tiltyard.reports.html.verdict_data import verdict_facts_of
from tiltyard.reports.html.verdict_page import page_of_verdict
from tiltyard.schemas.records import Verdict
from tiltyard.workspace.models.verdict_tags import PAGE, mark
from tiltyard.workspace.workspace import Workspace

PROJECT_PAGE = "project.html"


def keep_pages(workspace: Workspace, verdict: Verdict) -> str:
    """Draw a verdict's page and the project's, and keep both with the challenger's run; where the first is shown.

    Kept again, they take the place of the former. What is to be done next is left out: it changes, and they stay as
    they were. The address is empty where nobody serves MLflow.
    """
    challenger = workspace.ledger.models.get(verdict.challenger_id)
    workspace.registry.keep_page(challenger, PROJECT_PAGE, _project_page(workspace))
    address = workspace.registry.keep_page(challenger, page_name(verdict), _verdict_page(workspace, verdict))
    mark(workspace, verdict, PAGE)
    return address


def _project_page(workspace: Workspace) -> str:
    """The project's page as it is kept."""
    facts = facts_of(workspace)
    lasting = replace(facts, headline=replace(facts.headline, next_step="") if facts.headline else None)
    return page_of(lasting, Beside())


def _verdict_page(workspace: Workspace, verdict: Verdict) -> str:
    """The verdict's page as it is kept."""
    facts = verdict_facts_of(workspace, verdict)
    return page_of_verdict(replace(facts, headline=replace(facts.headline, next_step="")))


def page_name(verdict: Verdict) -> str:
    """The file that a verdict's page is kept in."""
    return f"verdict-{verdict.verdict_id[:12]}.html"
