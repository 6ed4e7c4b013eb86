"""Repair the stores after a crash: alias and verdicts behind the ledger, unfinished runs, temporary files."""

from tiltyard.tasks.step import step
from tiltyard.workspace.models.verdict_tags import VERDICT, show_verdict, unpublished
from tiltyard.workspace.workspace import open_workspace


@step("repair-stores", alone=("ask", "champion", "ingest", "score", "train"))
def repair_stores(project: str) -> list[str]:
    """Make the registry match the ledger, and close runs that no process works on; a line for each repair.

    It holds every lock of the project: no other run is active, and no other process is writing a file.
    """
    workspace = open_workspace(project)
    done = []
    if workspace.show_champion():
        done.append("the registry's champion alias was behind the ledger; it is repaired")
    if missing := unpublished(workspace, VERDICT):
        for verdict in missing:
            show_verdict(workspace, verdict)
        done.append(f"verdicts missing in the registry, now restored there: {len(missing)}")
    if closed := workspace.registry.close_stale_runs():
        done.append(f"closed MLflow runs that a crash left open: {closed}")
    if swept := workspace.sweep():
        done.append(f"removed files that a crash left unfinished: {swept}")
    return done
