"""The steps that train, judge, promote, roll back, rebuild, score and repair, on a real ledger and a real MLflow."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.projects.small_project import a_day, answer_queue, copied, deliver, make_project
from tiltyard.samples.features import feature_frame, payloads_to_rows
from tiltyard.schemas.errors import NotFound, PromotionConflict, TiltyardError, TrainingError
from tiltyard.schemas.records import ModelId, VerdictId
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.maintenance.repair_stores import repair_stores
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.judge_challenger import judge_challenger, unjudged_challenger
from tiltyard.tasks.models.promote_challenger import pending_verdict, promote_challenger
from tiltyard.tasks.models.rebuild_model import rebuild_model
from tiltyard.tasks.models.roll_back_champion import roll_back_champion
from tiltyard.tasks.models.score_pool import batches_to_score, score_pool
from tiltyard.tasks.monitoring.compare_with_training import compare_with_training
from tiltyard.workspace.workspace import Workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after its first day: pooled, asked, answered; MLflow's database made."""
    workspace = make_project(
        tmp_path_factory.mktemp("models") / "template",
        gate={"metric": "accuracy", "minimum_labels": 8, "resamples": 200, "rule": "not_worse", "margin": 1.0},
    )
    assert workspace.registry.client
    deliver(workspace, "day-0.csv", a_day(0))
    go(workspace)
    workspace.ledger.close()
    return workspace.project_file.parent


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Workspace:
    return copied(template, tmp_path / "project")


def project_of(workspace: Workspace) -> str:
    return str(workspace.project_file.parent)


def go(workspace: Workspace) -> None:
    """Take in what arrived, ask, and let the expert answer."""
    project = project_of(workspace)
    land_objects.fn(project)
    for object_id in objects_to_check.fn(project):
        check_batch.fn(project, object_id)
    choose_samples.fn(project)
    answer_queue(workspace, NOW)


def train(workspace: Workspace) -> ModelId:
    project = project_of(workspace)
    return fit_candidates.fn(project, snapshot_labels.fn(project, "training"))


def judge(workspace: Workspace, model: ModelId) -> str:
    project = project_of(workspace)
    return judge_challenger.fn(project, model, snapshot_labels.fn(project, "evaluation"))


def make_champion(workspace: Workspace, day: int = 0) -> ModelId:
    """One more day, and a challenger that is put in the champion's place by a verdict of its own."""
    if day:
        deliver(workspace, f"day-{day}.csv", a_day(day))
        go(workspace)
    model = train(workspace)
    verdict = workspace.ledger.champions.verdict(judge(workspace, model))  # type: ignore[arg-type]  # a verdict's id
    if verdict.decision != "promote":
        pytest.fail(f"the gate kept the champion: {verdict.reason}")
    promote_challenger.fn(project_of(workspace), verdict.verdict_id)
    return model


def test_the_first_champion_passes_floors_only_and_the_alias_follows(workspace: Workspace) -> None:
    model = make_champion(workspace)
    assert workspace.ledger.champions.champion_id == model
    version = workspace.ledger.models.get(model).registry_version
    assert workspace.registry.aliases()["champion"] == version
    assert unjudged_challenger.fn(project_of(workspace), "any") is None


def test_fitting_and_judging_again_gives_what_was_recorded_first(workspace: Workspace) -> None:
    model = train(workspace)
    verdict = judge(workspace, model)
    position = workspace.ledger.position()
    assert train(workspace) == model
    assert judge(workspace, model) == verdict
    assert workspace.ledger.position() == position
    assert len(workspace.registry.client.search_model_versions(f"name = '{workspace.registry.name}'")) == 1


def test_too_few_labels_are_said_with_how_many_are_missing(tmp_path: Path) -> None:
    workspace = make_project(tmp_path)
    with pytest.raises(TrainingError, match="8 are missing"):
        train(workspace)


def test_a_verdict_that_keeps_cannot_be_promoted(workspace: Workspace) -> None:
    model = train(workspace)
    few = judge_challenger.fn(project_of(workspace), model, snapshot_labels.fn(project_of(workspace), "evaluation"))
    promote_challenger.fn(project_of(workspace), few)
    deliver(workspace, "day-1.csv", a_day(1))
    go(workspace)
    second = train(workspace)
    workspace.ledger.champions.decide(_kept(workspace, second))
    with pytest.raises(PromotionConflict, match="decided 'keep'"):
        promote_challenger.fn(project_of(workspace), "kept")
    assert workspace.ledger.champions.champion_id == model


def _kept(workspace: Workspace, model: ModelId):  # type: ignore[no-untyped-def]  # a verdict made by hand
    from dataclasses import replace

    first = workspace.ledger.champions.verdicts()[0]
    return replace(first, verdict_id=VerdictId("kept"), challenger_id=model, decision="keep", reason="no better")


def test_a_verdict_against_yesterdays_champion_conflicts(workspace: Workspace) -> None:
    make_champion(workspace)
    deliver(workspace, "day-1.csv", a_day(1))
    go(workspace)
    stale = judge(workspace, train(workspace))
    make_champion(workspace, day=2)
    with pytest.raises(PromotionConflict, match="judge the challenger again"):
        promote_challenger.fn(project_of(workspace), stale)
    assert pending_verdict.fn(project_of(workspace)) is None


def test_a_roll_back_moves_the_champion_and_not_one_label(workspace: Workspace) -> None:
    project = project_of(workspace)
    first = make_champion(workspace)
    second = make_champion(workspace, day=1)
    annotations = workspace.ledger.annotations.until()
    assert roll_back_champion.fn(project, "ada", "odd answers") == 3
    assert workspace.ledger.champions.champion_id == first
    assert workspace.registry.aliases()["champion"] == workspace.ledger.models.get(first).registry_version
    assert workspace.ledger.annotations.until() == annotations
    last = workspace.ledger.champions.history()[-1]
    assert (last.kind, last.actor, last.reason, last.previous_id) == ("roll_back", "ada", "odd answers", second)
    third = make_champion(workspace, day=2)
    rows = workspace.labeled_rows(workspace.ledger.models.get(third).training_id)
    assert set(workspace.labeled_rows(workspace.ledger.models.get(second).training_id)["sample_id"]) < set(
        rows["sample_id"]
    )


def test_a_query_stores_what_the_champion_says_of_each_sample_and_why(workspace: Workspace) -> None:
    champion = make_champion(workspace)
    before = workspace.ledger.assignments.lease("eve", NOW, 1000)
    deliver(workspace, "day-1.csv", a_day(1))
    project = project_of(workspace)
    land_objects.fn(project)
    for object_id in objects_to_check.fn(project):
        check_batch.fn(project, object_id)
    assert choose_samples.fn(project)
    asked = workspace.ledger.assignments.lease("ada", NOW, 1000)
    model = workspace.load_model(champion)
    rows = feature_frame(payloads_to_rows([one.payload for one in asked], workspace.project), workspace.project)
    assert before == []
    assert {one.purpose for one in asked} >= {"query", "evaluation"}
    assert [one.suggestion.label for one in asked if one.suggestion] == model.predict(rows).tolist()
    for one, probabilities in zip(asked, model.predict_proba(rows), strict=True):
        assert one.suggestion
        assert one.suggestion.probabilities == dict(zip(model.classes_, probabilities.round(4), strict=True))
        assert {factor.name for factor in one.suggestion.factors} <= {"x", "y", "colour"}
    strongest = {one.suggestion.factors[0].name for one in asked if one.suggestion}
    assert {"x", "y"} <= strongest  # the expert's answer follows these two most


def test_a_roll_back_needs_somewhere_to_go(workspace: Workspace) -> None:
    project = project_of(workspace)
    with pytest.raises(NotFound, match="no champion to roll back from"):
        roll_back_champion.fn(project, "ada", "x")
    make_champion(workspace)
    with pytest.raises(NotFound, match="is the first"):
        roll_back_champion.fn(project, "ada", "x")
    deliver(workspace, "day-1.csv", a_day(1))
    go(workspace)
    never = train(workspace)
    make_champion(workspace, day=2)
    with pytest.raises(TiltyardError, match="never champion"):
        roll_back_champion.fn(project, "ada", "x", never)


def test_a_rebuilt_model_says_the_same(workspace: Workspace) -> None:
    model = train(workspace)
    rebuilt = rebuild_model.fn(project_of(workspace), model[:8])
    assert (rebuilt.model_id, rebuilt.equal, dict(rebuilt.changed)) == (model, True, {})


def test_a_rebuild_from_other_labels_is_noticed(workspace: Workspace) -> None:
    record = workspace.ledger.models.get(train(workspace))
    stored = workspace.ledger.models.get_set(record.training_id).file
    rows = workspace.labeled_sets.read(stored)
    swapped = rows.with_columns(pl.col("label").replace({"yes": "no", "no": "yes"}))
    workspace.labeled_sets.write(stored.name, swapped)
    assert not rebuild_model.fn(project_of(workspace), record.model_id).equal


def test_scores_are_stored_beside_batch_and_model_once(workspace: Workspace) -> None:
    project = project_of(workspace)
    assert batches_to_score.fn(project) == []
    model = make_champion(workspace)
    (batch,) = batches_to_score.fn(project)
    name = score_pool.fn(project, batch)
    assert name == f"{batch}-{model}.parquet"
    assert batches_to_score.fn(project) == []
    with workspace.predictions.files.at_hand(name) as path:
        scored = pl.read_parquet(path)
    (rows,) = workspace.pool.scan(workspace.pool_files(), 1000)
    expected = workspace.load_model(model).predict_proba(feature_frame(rows, workspace.project))[:, 1]
    assert np.allclose(scored["probability yes"].to_numpy(), expected)
    assert scored["sample_id"].to_list() == rows["sample_id"].to_list()


def test_moved_columns_are_named(workspace: Workspace) -> None:
    project = project_of(workspace)
    assert compare_with_training.fn(project) == []
    make_champion(workspace)
    head, *rows = a_day(5, rows=400).splitlines()
    moved = [f"{float(row.split(',')[0]) + 6:.4f},{row.split(',', 1)[1]}" for row in rows]
    deliver(workspace, "day-5.csv", "\n".join([head, *moved]) + "\n")
    go(workspace)
    found = compare_with_training.fn(project)
    assert {one["column"] for one in found} == {"x"}


def test_repair_puts_the_alias_right_and_sweeps(workspace: Workspace) -> None:
    project = project_of(workspace)
    make_champion(workspace)
    assert repair_stores.fn(project) == []
    second = train(workspace)
    workspace.registry.set_alias("1", "champion")
    workspace.registry.client.create_run(workspace.registry.experiment_id)
    (workspace.folder / "pool" / ".writing-left").write_bytes(b"half")
    done = repair_stores.fn(project)
    assert any("left unfinished: 1" in line for line in done)
    assert any("closed MLflow runs that a crash left open: 1" in line for line in done)
    assert second
    workspace.registry.client.delete_registered_model_alias(workspace.registry.name, "champion")
    assert any("alias" in line for line in repair_stores.fn(project))
