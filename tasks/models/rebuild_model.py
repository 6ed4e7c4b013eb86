"""Rebuild a model from its ids, and see whether it says the same."""

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
    """Whether a model that was fitted again says the same; ``changed`` is what differs: then and now, by name."""

    model_id: ModelId
    equal: bool
    changed: Mapping[str, tuple[str, str]]


@step("rebuild-model")
def rebuild_model(project: str, model_id: str) -> RebuildResult:
    """Fit a model again from its training set, recipe, project file and seed as they were, and compare predictions.

    Code and environment are today's; where they differ from the model's, the result says so. It also says where the
    bytes that are stored are not those that were recorded: a model that is fitted again makes them no better.
    """
    workspace = open_workspace(project)
    model = workspace.ledger.models.get(model_id)
    version = workspace.ledger.models.project_version(model.project_hash)
    project_then = recorded_project(version.body)
    refit = fit_again(workspace, model, project_then)
    then = {**model.environment, "code": model.code_version}
    now = {**environment_of(project_then), "code": code_version()}
    changed = {name: (value, now.get(name, "")) for name, value in then.items() if now.get(name) != value}
    if fault := _stored(workspace, model):
        changed["stored bytes"] = (model.artifact.sha256[:12], fault)
    return RebuildResult(model.model_id, refit.predictions_hash == model.predictions_hash, changed)


def _stored(workspace: Workspace, model: Model) -> str:
    """What is wrong with a model's stored bytes, empty where they are what was recorded."""
    try:
        workspace.registry.check(model)
    except NotFound:
        return "" if model.model_id in workspace.let_go.begun() else "missing"
    except RegistryError:
        return "not what was recorded"
    return ""
