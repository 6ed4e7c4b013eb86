"""Training from ids with every kind of search: recorded, shown in MLflow, and built again without searching."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.projects.small_project import CONTENT, a_day, answer_queue, deliver, make_project
from tiltyard.samples.evaluation_split import split_groups
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.project import parse_project
from tiltyard.schemas.records import Model
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.judge_challenger import judge_challenger
from tiltyard.tasks.models.promote_challenger import promote_challenger
from tiltyard.tasks.models.rebuild_model import rebuild_model
from tiltyard.training.search.tuning import choose_recipe
from tiltyard.workspace.gate_evaluation import dry_run
from tiltyard.workspace.models.training import fit_again, model_id_of
from tiltyard.workspace.workspace import Workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LOGISTIC = "sklearn.linear_model.LogisticRegression"
SEARCHED = {"name": "logistic", "estimator": LOGISTIC,
            "space": {"C": {"low": 0.001, "high": 100, "log": True}}}  # fmt: skip
MILD = {"metric": "accuracy", "minimum_labels": 8, "resamples": 200, "rule": "not_worse", "margin": 1.0}


def project_with(folder: Path, candidate: dict[str, Any] = SEARCHED, **tuning: Any) -> Workspace:
    """A small project with a search, after its first day's answers."""
    settings = {"minimum_labels": 8, "folds": 2, **tuning}
    workspace = make_project(folder, candidates=[candidate], tuning=settings, gate=MILD)
    a_day_passes(workspace, 0)
    return workspace


def a_day_passes(workspace: Workspace, day: int, content: str = "") -> None:
    """Rows arrive, are asked about, and are answered."""
    project = str(workspace.project_file)
    deliver(workspace, f"day-{day}.csv", content or a_day(day))
    land_objects.fn(project)
    for object_id in objects_to_check.fn(project):
        check_batch.fn(project, object_id)
    choose_samples.fn(project)
    answer_queue(workspace, NOW)


def train(workspace: Workspace) -> Model:
    project = str(workspace.project_file)
    return workspace.ledger.models.get(fit_candidates.fn(project, snapshot_labels.fn(project, "training")))


def is_rebuilt(workspace: Workspace, model: Model) -> bool:
    return rebuild_model.fn(str(workspace.project_file), model.model_id).equal


def test_a_search_is_recorded_shown_and_rebuilt_without_searching(tmp_path: Path) -> None:
    workspace = project_with(tmp_path, search="halving", trials=4, calibration="sigmoid", class_weight="balanced")
    model = train(workspace)
    assert model.recipe["search"] == {"method": "halving", "tried": 5, "left": 0}
    assert model.recipe["class_weight"] == "balanced"
    assert model.recipe["calibration"] == "sigmoid"
    assert 0.001 <= model.recipe["parameters"]["C"] <= 100
    client = workspace.registry.client
    run = client.get_run(model.run_id)
    assert run.data.tags["search_method"] == "halving"
    assert run.data.params["calibration"] == "sigmoid"
    nested = client.search_runs([workspace.registry.experiment_id], f"tags.mlflow.parentRunId = '{model.run_id}'")
    assert sorted(one.data.tags["trial"] for one in nested) == ["1", "2", "3", "4", "5"]
    assert [one.data.tags["stage"] for one in nested].count("calibrated") == 1
    assert is_rebuilt(workspace, model)


def test_folds_and_intervals_keep_the_rows_of_one_entity_together(tmp_path: Path) -> None:
    columns: dict[str, Any] = {**CONTENT["columns"], "reference": ["row_id", "who"], "entity": "who"}  # type: ignore[dict-item]  # the content is JSON
    workspace = make_project(
        tmp_path, columns=columns, tuning={"minimum_labels": 8, "folds": 3}, gate={**MILD, "metric": "log_loss"}
    )
    first, *lines = a_day(0).splitlines()
    whose = [f"{line},w{place // 4}" for place, line in enumerate(lines)]
    a_day_passes(workspace, 0, "\n".join([f"{first},who", *whose]) + "\n")
    model = train(workspace)
    rows = workspace.labeled_rows(model.training_id)
    frame, labels = feature_frame(rows, workspace.project), rows["label"].to_numpy().astype(str)
    own, apart = (
        choose_recipe(frame, labels, workspace.project, workspace.project.seed, units=units)
        for units in (split_groups(rows, workspace.project).to_numpy().astype(str), None)
    )
    assert model.metrics["log_loss"] != apart.best.metrics["log_loss"]
    assert model.metrics == own.best.metrics
    assert is_rebuilt(workspace, model)
    evaluation = snapshot_labels.fn(str(workspace.project_file), "evaluation")
    judge_challenger.fn(str(workspace.project_file), model.model_id, evaluation)
    (verdict,) = workspace.ledger.champions.verdicts()
    by_row = workspace.project.model_copy(
        update={"columns": workspace.project.columns.model_copy(update={"entity": None})}
    )
    other = dry_run(workspace, model, by_row, evaluation).judgement
    assert verdict.challenger
    assert other.challenger
    assert verdict.challenger.value == other.challenger.value
    assert verdict.challenger != other.challenger, "its bounds come from entities"


def test_a_search_that_the_clock_ended_is_rebuilt_from_its_record(tmp_path: Path) -> None:
    workspace = project_with(tmp_path, search="random", trials=5, seconds=1e-6)
    model = train(workspace)
    assert model.recipe["search"] == {"method": "random", "tried": 1, "left": 4}
    (name,) = workspace.searches.names()
    (tmp_path / "workspace" / "searches" / name).unlink()
    assert is_rebuilt(workspace, model)


def test_what_a_search_came_to_before_a_crash_is_not_searched_again(tmp_path: Path) -> None:
    workspace = project_with(tmp_path, search="random", trials=3, seconds=600)
    training_id = snapshot_labels.fn(str(tmp_path), "training")
    trial = {"candidate": "logistic", "estimator": LOGISTIC, "parameters": {"C": 0.777}, "mean": 0.9, "deviation": 0.0,
             "metrics": {}, "threshold": 0.42, "notes": []}  # fmt: skip
    recipe = {"candidate": "logistic", "estimator": LOGISTIC, "parameters": {"C": 0.777}, "preprocessing": "default"}
    summary = {"method": "random", "tried": 1, "left": 2}
    found = {"recipe": {**recipe, "search": summary}, "best": 0, "trials": [trial]}
    name = f"{model_id_of(training_id, workspace.project)}.json"
    workspace.searches.write(name, json.dumps(found).encode())
    model = train(workspace)
    assert (model.recipe["parameters"], model.threshold) == ({"C": 0.777}, 0.42)
    assert is_rebuilt(workspace, model)


def test_without_a_limit_of_seconds_nothing_is_kept_beside_the_ledger(tmp_path: Path) -> None:
    workspace = project_with(tmp_path, search="random", trials=2)
    train(workspace)
    assert list(workspace.searches.names()) == []


def test_a_warm_start_tries_the_champions_parameters_and_is_part_of_the_id(tmp_path: Path) -> None:
    loose = {**SEARCHED, "space": {"C": {"low": 10, "high": 100}}}
    workspace = project_with(tmp_path, loose, search="random", trials=1, start="warm")
    project = str(tmp_path)
    first = train(workspace)
    assert first.recipe["start"] == "cold"
    verdict = judge_challenger.fn(project, first.model_id, snapshot_labels.fn(project, "evaluation"))
    promote_challenger.fn(project, verdict)
    a_day_passes(workspace, 1)
    second = train(workspace)
    cold = model_id_of(second.training_id, workspace.project)
    assert second.model_id != cold
    nested = workspace.registry.client.search_runs(
        [workspace.registry.experiment_id], f"tags.mlflow.parentRunId = '{second.run_id}'"
    )
    tried = {one.data.tags["stage"]: one.data.params["C"] for one in nested}
    assert tried["warm"] == str(first.recipe["parameters"]["C"])
    assert is_rebuilt(workspace, second)


def test_a_model_that_was_recorded_before_searches_is_rebuilt(tmp_path: Path) -> None:
    workspace = project_with(tmp_path, {"name": "logistic", "estimator": LOGISTIC})
    model = train(workspace)
    old = {name: model.recipe[name] for name in ("candidate", "estimator", "parameters")}
    body = workspace.ledger.models.project_version(model.project_hash).body
    again = fit_again(workspace, replace(model, recipe=old), parse_project(dict(body), "then"))
    assert again.predictions_hash == model.predictions_hash
