"""One training as MLflow shows it: a run with its data set, its parameters and metrics, and a nested run a trial."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from tiltyard.schemas.records import ModelId, TrainingId

if TYPE_CHECKING:  # scikit-learn costs a second to import, and most commands fit nothing
    from tiltyard.training.search.tuning import Fitted, Trial

LONGEST: Final = 500
"""Characters of a parameter that are kept; MLflow refuses longer ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What MLflow records about one training.

    ``golden`` are a few feature rows (n, columns) that the stored model must answer like the fitted one;
    ``rows`` is how many rows it was fitted from; ``tags`` are the ids that make it again (ledger position,
    project hash, code version).
    """

    model_id: ModelId
    training_id: TrainingId
    fitted: "Fitted"
    golden: pd.DataFrame
    rows: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def training_run(client: Any, experiment_id: str, training: Training) -> Iterator[str]:
    """The id of a new run that holds all of a training; it ends as FINISHED, or as FAILED on an exception."""
    tags = {**training.tags, "model_id": training.model_id, "training_id": training.training_id}
    run_id = client.create_run(experiment_id, run_name=f"training {training.model_id[:8]}", tags=tags).info.run_id
    try:
        _describe(client, run_id, training)
        for number, trial in enumerate(training.fitted.trials):
            _nest(client, experiment_id, run_id, number + 1, trial)
        yield run_id
    except BaseException:
        client.set_terminated(run_id, status="FAILED")
        raise
    client.set_terminated(run_id)


def metric_entities(values: Mapping[str, float]) -> list[Any]:
    """Metrics as MLflow's entities, stamped with this moment."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(name, float(value), now, 0) for name, value in values.items()]


def _describe(client: Any, run_id: str, training: Training) -> None:
    """Put data set, parameters and metrics on the training's run."""
    best = training.fitted.best
    values = {**{f"cv_{name}": value for name, value in best.metrics.items()}, **training.metrics}
    how = {name: training.fitted.recipe.get(name, "none") for name in ("class_weight", "calibration", "start")}
    given = {"candidate": best.candidate, "estimator": best.estimator, "rows": training.rows, **how, **best.parameters}
    client.log_batch(run_id, metrics=metric_entities(values), params=_params(given))
    client.log_inputs(run_id, [_dataset(training)])


def _nest(client: Any, experiment_id: str, parent: str, number: int, trial: "Trial") -> None:
    """One trial as a run below its training's; ``number`` is its place in the search, from 1."""
    tags = {
        "mlflow.parentRunId": parent,
        "trial": str(number),
        "stage": trial.stage,
        "rung": str(trial.rung),
        "state": trial.state,
        "problem": trial.problem[:LONGEST],
        "notes": "; ".join(trial.notes)[:LONGEST],
    }
    told = {tag: value for tag, value in tags.items() if value}
    run_id = client.create_run(experiment_id, run_name=f"{trial.candidate} {number}", tags=told).info.run_id
    spread = {"fold_mean": trial.mean, "fold_deviation": trial.deviation, "threshold": trial.threshold}
    values = {**trial.metrics, **{name: value for name, value in spread.items() if value is not None}}
    given = {"candidate": trial.candidate, "estimator": trial.estimator, "rows": trial.rows, **trial.parameters}
    client.log_batch(run_id, metrics=metric_entities(values), params=_params(given))
    client.set_terminated(run_id, status="FAILED" if trial.problem else "FINISHED")


def _params(given: Mapping[str, Any]) -> list[Any]:
    """Parameters as MLflow's entities."""
    from mlflow.entities import Param

    return [Param(name, str(value)[:LONGEST]) for name, value in given.items()]


def _dataset(training: Training) -> Any:
    """The training set as a data set input; named by its id, so nothing need be read to describe it."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    columns = [{"name": name, "type": str(dtype)} for name, dtype in training.golden.dtypes.items()]
    dataset = Dataset(
        name="training",
        digest=training.training_id[:36],
        source_type="code",
        source=json.dumps({"tags": {"training_id": training.training_id}}),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({"num_rows": training.rows}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])
