"""Publish validation, verdict and learning curve as artifacts in Prefect's UI, and announce them."""

from typing import Any, Final

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from tiltyard.reports.tables import batch_rows, check_rows, learning_curve, unusual_columns
from tiltyard.reports.verdict_summary import verdict_markdown
from tiltyard.schemas.events import BATCH_CHECKED, DRIFT_FOUND
from tiltyard.schemas.records import BatchId, VerdictId
from tiltyard.tasks.labels.announcements import announce
from tiltyard.tasks.step import step
from tiltyard.workspace.models.verdict_tags import PAGE, VERDICT, show_verdict, unpublished
from tiltyard.workspace.workspace import Workspace, open_workspace

MOST_CAUGHT_UP: Final = 5
"""The maximum number of earlier verdicts that one run publishes; a killed run leaves one."""


@step("publish-validation")
def publish_validation(project: str, batch_ids: list[BatchId]) -> None:
    """Publish a table of where the rows of some batches ended, and announce that they were checked."""
    workspace = open_workspace(project)
    batches = [workspace.ledger.batches.get(batch_id) for batch_id in batch_ids]
    objects = {landed.object_id: landed for landed in workspace.ledger.batches.objects()}
    create_table_artifact(
        batch_rows(batches, objects),
        key=_key(workspace, "validation"),
        description="Where each row went: read = accepted + quarantined + duplicate",
    )
    accepted, quarantined = sum(batch.accepted for batch in batches), sum(batch.quarantined for batch in batches)
    unusual = {objects[batch.object_id].key: unusual_columns(batch) for batch in batches if unusual_columns(batch)}
    text = f"{accepted} rows joined the pool, {quarantined} are in quarantine"
    text += "".join(f"; {key}: unusual in {columns}" for key, columns in unusual.items())
    facts = {"batches": batch_ids, "accepted": accepted, "quarantined": quarantined, "unusual": unusual}
    announce(workspace, BATCH_CHECKED, text, **facts)


@step("unpublished-verdicts")
def unpublished_verdicts(project: str) -> list[VerdictId]:
    """The newest verdicts that a killed run did not publish, oldest first."""
    return [verdict.verdict_id for verdict in unpublished(open_workspace(project), PAGE)][-MOST_CAUGHT_UP:]


@step("publish-verdict")
def publish_verdict(project: str, verdict_id: VerdictId) -> None:
    """Publish the verdict's page in MLflow, and its summary, checks and learning curve in Prefect."""
    # Imports matplotlib, which takes half a second that other steps do not need.
    from tiltyard.reports.html.publish import publish_pages

    workspace = open_workspace(project)
    verdict = workspace.ledger.champions.verdict(verdict_id)
    if verdict in unpublished(workspace, VERDICT):
        show_verdict(workspace, verdict)
    address = publish_pages(workspace, verdict)
    if address:
        text = "The verdict's page in MLflow"
        create_link_artifact(address, link_text=text, key=_key(workspace, "verdict-page"), description=text)
    markdown = verdict_markdown(verdict, address)
    create_markdown_artifact(markdown, key=_key(workspace, "verdict"), description="The gate's verdict")
    create_table_artifact(check_rows(verdict.checks), key=_key(workspace, "checks"), description="The gate's checks")
    _publish_learning_curve(workspace)


@step("publish-drift")
def publish_drift(project: str, moved: list[dict[str, Any]]) -> None:
    """Publish a table of the columns that drifted, and announce them."""
    workspace = open_workspace(project)
    create_table_artifact(moved, key=_key(workspace, "drift"), description="Columns that drifted")
    columns = [str(one["column"]) for one in moved]
    text = f"the newest data drifted in {', '.join(columns)}"
    announce(workspace, DRIFT_FOUND, text, columns=columns)


def _publish_learning_curve(workspace: Workspace) -> None:
    """Publish a table of labels and scores, one row per judged challenger."""
    models = workspace.ledger.models
    labels = models.rows_by_set()
    curve = learning_curve(models.all(), workspace.ledger.champions.verdicts(), labels)
    if curve:
        create_table_artifact(
            curve, key=_key(workspace, "learning-curve"), description=f"{workspace.project.gate.metric} by labels"
        )


def _key(workspace: Workspace, what: str) -> str:
    """An artifact's key; Prefect accepts only lower-case letters, digits and dashes."""
    return f"{workspace.project.name.replace('_', '-')}-{what}"
