"""Refit a model from its recorded inputs, and compare the predictions."""

from collections.abc import Mapping
from dataclasses import dataclass

from tiltyard.schemas.errors import NotFound, RegistryError
from tiltyard.schemas.project import recorded_project
from tiltyard.schemas.records import Model, ModelId
from tiltyard.tasks.step import step
from tiltyard.workspace.models.provenance import code_version, environment_of
from tiltyard.workspace.models.training import fit_again
from tiltyard.workspace.workspace import Workspace, open_workspace


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """Whether a refitted model predicts the same; ``changed`` has the differences: then and now, by name."""

    model_id: ModelId
    equal: bool
    changed: Mapping[str, tuple[str, str]]


@step("rebuild-model")
def rebuild_model(project: str, model_id: str) -> RebuildResult:
    """Refit a model from its recorded training set, recipe, project file and seed, and compare the predictions.

    Code and environment are the current ones; the result lists where they differ from the model's. It also reports
    stored bytes that are missing or changed, which a refit does not repair.
    """
    workspace = open_workspace(project)
    model = workspace.ledger.models.get(model_id)
    version = workspace.ledger.models.project_version(model.project_hash)
    project_then = recorded_project(version.body)
    refit = fit_again(workspace, model, project_then)
    then = {**model.environment, "code": model.code_version}
    now = {**environment_of(project_then), "code": code_version()}
    changed = {name: (value, now.get(name, "")) for name, value in then.items() if now.get(name) != value}
    if fault := _check_stored_bytes(workspace, model):
        changed["stored bytes"] = (model.artifact.sha256[:12], fault)
    return RebuildResult(model.model_id, refit.predictions_hash == model.predictions_hash, changed)


def _check_stored_bytes(workspace: Workspace, model: Model) -> str:
    """The problem with a model's stored bytes; empty if they match the record."""
    try:
        workspace.registry.check(model)
    except NotFound:
        return "" if model.model_id in workspace.let_go.begun() else "missing"
    except RegistryError:
        return "not what was recorded"
    return ""
