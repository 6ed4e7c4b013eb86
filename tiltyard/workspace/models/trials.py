"""The trials behind a model, as MLflow shows them: the runs below its training's run."""

from typing import Any, Final

from tiltyard.schemas.records import Model
from tiltyard.stores.registry.client import asking
from tiltyard.workspace.workspace import Workspace

MOST: Final = 1000
OWN: Final = ("candidate", "estimator", "rows")


def trials_of(workspace: Workspace, model: Model) -> list[dict[str, Any]]:
    """What was tried, in that order: each trial's state, recipe, rows, mean score with its deviation, and problem.

    Scores are by cross-validation on the training set. Raises RegistryError,
    or Unavailable while MLflow is away.
    """
    with asking(f"list the trials of model {model.model_id[:8]}"):
        runs = workspace.registry.client.search_runs(
            [workspace.registry.experiment_id], f"tags.`mlflow.parentRunId` = '{model.run_id}'", max_results=MOST
        )
    return [_row(run) for run in sorted(runs, key=lambda run: (run.info.start_time, run.info.run_name))]


def _row(run: Any) -> dict[str, Any]:
    """One run as a row."""
    params, metrics, tags = run.data.params, run.data.metrics, run.data.tags
    return {
        "trial": run.info.run_name,
        "state": str(run.info.status).lower(),
        "candidate": params.get("candidate", ""),
        "rows": params.get("rows"),
        "parameters": {name: value for name, value in sorted(params.items()) if name not in OWN},
        "mean": metrics.get("fold_mean"),
        "deviation": metrics.get("fold_deviation"),
        "threshold": metrics.get("threshold"),
        "problem": tags.get("problem", ""),
    }
