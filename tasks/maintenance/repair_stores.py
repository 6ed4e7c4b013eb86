"""Repair what a crash left: alias and verdicts behind the ledger, runs that never ended, temporary files."""

from tiltyard.tasks.step import step
from tiltyard.workspace.models.verdict_tags import VERDICT, show_verdict, unpublished
from tiltyard.workspace.workspace import open_workspace


@step("repair-stores", alone=("ask", "champion", "ingest", "score", "train"))
def repair_stores(project: str) -> list[str]:
    """Make the registry say what the ledger says, and close what no process is working on; a line for each repair.

    It holds every turn of the project: a run that looks alive now is not, and a file half written is nobody's.
    """
    workspace = open_workspace(project)
    done = []
    if workspace.show_champion():
        done.append("the registry's champion alias was behind the ledger; it is right again")
    if missing := unpublished(workspace, VERDICT):
        for verdict in missing:
            show_verdict(workspace, verdict)
        done.append(f"{len(missing)} verdicts were missing in the registry; they are shown there again")
    if closed := workspace.registry.close_stale_runs():
        done.append(f"closed {closed} MLflow runs that a crash left open")
    if swept := workspace.sweep():
        done.append(f"removed {swept} files that a crash left half written")
    return done
