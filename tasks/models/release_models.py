"""Delete the bytes of rejected models that the project file does not keep; their records stay."""

from tiltyard.gate.retention import deletable_models
from tiltyard.tasks.step import step
from tiltyard.workspace.checks.disk_usage import format_bytes
from tiltyard.workspace.triggers import gate_history
from tiltyard.workspace.workspace import open_workspace


@step("delete-rejected-models", alone=("train",))
def delete_rejected_models(project: str) -> list[str]:
    """Delete the bytes of rejected models beyond ``models.keep_rejected``; a line with their number, or nothing.

    Each deletion is recorded before it begins, so that a crash leaves nothing that looks like damage, and the next run
    continues. Models that a step may still load are kept.
    """
    workspace = open_workspace(project)
    keep = workspace.project.models.keep_rejected
    if keep is None:
        return []
    ended, freed, number = workspace.let_go.ended(), 0, 0
    for model in deletable_models(workspace.ledger.models.all(), gate_history(workspace), keep):
        if model.model_id not in ended:
            workspace.let_go.begin(model.model_id, model.artifact.sha256)
            freed += workspace.registry.let_go(model)
            workspace.let_go.end(model.model_id)
            number += 1
    if not number:
        return []
    models = "1 rejected model" if number == 1 else f"{number} rejected models"
    return [f"deleted the bytes of {models}, {format_bytes(freed)}, as models.keep_rejected says; each can be rebuilt"]
