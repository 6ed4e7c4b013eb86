"""Which verdicts the registry shows: MLflow follows the ledger, and a crash may have come between."""

from typing import Final

from tiltyard.schemas.records import Verdict
from tiltyard.workspace.workspace import Workspace

VERDICT: Final = "verdict"
PAGE: Final = "page"


def tag(workspace: Workspace, verdict: Verdict, what: str) -> None:
    """Tag the challenger's version: the verdict, or its page, is shown whole. The last thing that is done for it."""
    version = workspace.ledger.models.get(verdict.challenger_id).registry_version
    workspace.registry.tag(version, _tag(what, verdict), verdict.decision)


def unpublished(workspace: Workspace, what: str) -> list[Verdict]:
    """The gate's verdicts that the registry does not show, or whose page it does not have, oldest first.

    What a person or a watch decided is a move of the champion, which the alias shows.
    """
    verdicts = [one for one in workspace.ledger.champions.verdicts() if one.decision != "roll_back"]
    if not verdicts:
        return []  # MLflow need not be asked, whose import takes seconds
    listed, models = workspace.registry.listed(), workspace.ledger.models
    versions = {model.model_id: model.registry_version for model in models.all()}
    tags = {number: one.tags for number, one in listed.items()}
    return [one for one in verdicts if _tag(what, one) not in tags.get(versions[one.challenger_id], {})]


def show_verdict(workspace: Workspace, verdict: Verdict) -> None:
    """Show a verdict with its numbers and checks in the registry; it may be repeated."""
    workspace.registry.log_verdict(workspace.ledger.models.get(verdict.challenger_id), verdict)
    tag(workspace, verdict, VERDICT)


def _tag(what: str, verdict: Verdict) -> str:
    """The key of the tag that says so."""
    return f"{what} {verdict.verdict_id[:12]}"
