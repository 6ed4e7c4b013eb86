"""Fit the candidates on every label; the best becomes the challenger."""

from tiltyard.schemas.records import LabeledSet, Model, ModelId, TrainingId
from tiltyard.stores.registry.registry import CHALLENGER, RegisteredModel
from tiltyard.stores.registry.runs import Training
from tiltyard.tasks.step import step
from tiltyard.workspace.lookup import show_version
from tiltyard.workspace.models.provenance import code_version, environment_of
from tiltyard.workspace.models.training import Refit, fit_from, model_id_of, warm_recipe
from tiltyard.workspace.workspace import Workspace, open_workspace

GOLDEN_ROWS = 20


@step("fit-candidates", alone=("train",))
def fit_candidates(project: str, training_id: str) -> ModelId:
    """Fit, log and record the best candidate for a training set; its id, a hash of its inputs.

    A known model is not fitted again. Raises TrainingError when there are too few labels or only one class, or a
    candidate breaks scikit-learn's contract.
    """
    workspace = open_workspace(project)
    warm = warm_recipe(workspace)
    model_id = model_id_of(training_id, workspace.project, warm)
    if workspace.ledger.models.known(model_id) is None:
        refit = fit_from(workspace, TrainingId(training_id), warm)
        labeled = workspace.ledger.models.get_set(training_id)
        registered = workspace.registry.log_training(_training(workspace, model_id, labeled, refit))
        _record(workspace, model_id, labeled, refit, registered)
        workspace.registry.set_alias(registered.version, CHALLENGER)
    show_version(workspace, model_id)
    return model_id


def _training(workspace: Workspace, model_id: ModelId, labeled: LabeledSet, refit: Refit) -> Training:
    """The training to log in MLflow: the model, its trials, and the ids from which it can be rebuilt."""
    return Training(
        model_id=model_id,
        training_id=TrainingId(labeled.set_id),
        fitted=refit.fitted,
        golden=refit.frame.head(GOLDEN_ROWS),
        rows=labeled.rows,
        metrics=dict(refit.fitted.best.metrics),
        tags={
            "ledger_position": str(labeled.position),
            "project_hash": workspace.project.project_hash,
            "code_version": code_version(),
            "seed": str(workspace.project.seed),
            **_search_tags(refit),
        },
    )


def _search_tags(refit: Refit) -> dict[str, str]:
    """The search's method, its number of trials, and the number that the time limit skipped."""
    return {f"search_{name}": str(value) for name, value in refit.fitted.recipe["search"].items()}


def _record(
    workspace: Workspace, model_id: ModelId, labeled: LabeledSet, refit: Refit, registered: RegisteredModel
) -> Model:
    """Record the candidate in the ledger; from then on it can be judged."""
    now, best = workspace.clock(), refit.fitted.best
    return workspace.ledger.models.keep(
        Model(
            model_id=model_id,
            training_id=TrainingId(labeled.set_id),
            project_hash=workspace.remember_project(now),
            recipe=dict(refit.fitted.recipe),
            seed=workspace.project.seed,
            code_version=code_version(),
            environment=environment_of(workspace.project),
            metrics=dict(best.metrics),
            threshold=best.threshold,
            run_id=registered.run_id,
            registry_version=registered.version,
            artifact=registered.artifact,
            predictions_hash=refit.predictions_hash,
            recorded_at=now,
        )
    )
