"""Mirror the ledger's newest facts as an immutable, chained file."""

from tiltyard.tasks.step import step
from tiltyard.workspace.workspace import open_workspace


@step("seal-ledger")
def seal_ledger(project: str) -> int:
    """Seal what came since the last segment; how many facts that were."""
    workspace = open_workspace(project)
    return workspace.ledger.segments.seal(workspace.clock())
