"""All that is known of a model: the ids that make it again, what was said of it, and what it was compared by."""

from typing import Any, Final

from tiltyard.schemas.canonical import digest
from tiltyard.schemas.records import Model
from tiltyard.stores.registry.client import translate_errors
from tiltyard.training.versioning import model_contract
from tiltyard.workspace.lookup import recorded_project_of, version_of
from tiltyard.workspace.workspace import Workspace


def model_card(workspace: Workspace, model: Model) -> dict[str, Any]:
    """Version, data, recipe, code, environment and files of a model, from the ledger alone; plain JSON."""
    version = version_of(workspace, model.model_id)
    return {
        "model": model.model_id,
        "version": version.number,
        "why": f"{version.step}: {version.why}",
        "champion": workspace.ledger.champions.champion_id == model.model_id,
        "trained at": model.recorded_at.isoformat(timespec="seconds"),
        "data": _data(workspace, model),
        "recipe": dict(model.recipe),
        "threshold": model.threshold,
        "seed": model.seed,
        "code": model.code_version,
        "environment": dict(model.environment),
        "project file": {
            "hash": model.project_hash,
            "contract": digest(model_contract(recorded_project_of(workspace, model)))[:16],
        },
        "in its trials": dict(model.metrics),
        "stored": {
            "file": model.artifact.name,
            "sha256": model.artifact.sha256,
            "predictions": model.predictions_hash,
            "mlflow version": model.registry_version,
            "mlflow run": model.run_id,
        },
    }


def said_of(workspace: Workspace, model: Model) -> dict[str, Any]:
    """The verdicts on a model, first to last, its moves to and from the champion's place, and what it lives on.

    ``importance`` is that of the last verdict that recorded it; empty before the first verdict.
    """
    champions = workspace.ledger.champions
    verdicts = champions.verdicts_on(model.model_id)
    told = [(verdict.evidence or {}).get("importance") for verdict in verdicts]
    return {
        "verdicts": verdicts,
        "promotions": [move for move in champions.history() if model.model_id in (move.model_id, move.previous_id)],
        "importance": next((importance for importance in reversed(told) if importance), []),
    }


def made_of(workspace: Workspace, model: Model) -> dict[str, Any]:
    """What a model was made of, item by item, for comparing it with another: nothing that always differs."""
    facts = model_card(workspace, model)
    same = ("data", "recipe", "threshold", "seed", "code", "environment", "in its trials")
    return {"project file": recorded_project_of(workspace, model), **{name: facts[name] for name in same}}


def _data(workspace: Workspace, model: Model) -> dict[str, Any]:
    """The version of the data: training set, ledger position, and the pool as it was then."""
    labeled = workspace.ledger.models.get_set(model.training_id)
    files = workspace.pool_files(labeled.position)
    return {
        "training set": labeled.set_id,
        "labels": labeled.rows,
        "classes": dict(labeled.classes),
        "ledger position": labeled.position,
        "pool": digest(sorted(file.sha256 for file in files))[:16],
        "pool files": len(files),
        "pool rows": sum(file.rows for file in files),
    }


MOST: Final = 1000
OWN: Final = ("candidate", "estimator", "rows")


def trials_of(workspace: Workspace, model: Model) -> list[dict[str, Any]]:
    """What was tried, in that order: each trial's state, recipe, rows, mean score with its deviation, and problem.

    Scores are by cross-validation on the training set. Raises RegistryError,
    or Unavailable while MLflow is away.
    """
    with translate_errors(f"list the trials of model {model.model_id[:8]}"):
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
