"""The stop set is drawn by chance from rows that nobody trains on, and stays what it was as the pool grows."""

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tests.projects.judged_project import a_judged_day, judged_project
from tiltyard.query.stopping import decision_kappa
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.project import Stopping
from tiltyard.schemas.records import Model, ModelId
from tiltyard.workspace.evaluation_set import compare_population
from tiltyard.workspace.stopping import measure_stability, stop_set, stopping_status
from tiltyard.workspace.workspace import Workspace, open_workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return judged_project(tmp_path_factory.mktemp("stopping") / "project")


@pytest.fixture
def own(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A copy that a test may change."""
    shutil.copytree(workspace.project_file.parent, tmp_path / "project")
    return open_workspace(tmp_path / "project")


def said(workspace: Workspace, model: Model) -> dict[str, object] | None:
    return measure_stability(workspace, model, workspace.registry.load(model))


def test_the_set_is_random_rows_of_the_evaluation_set_up_to_the_number(workspace: Workspace) -> None:
    position = workspace.ledger.position()
    every = pl.concat(workspace.pool.scan(workspace.pool_files(), 10_000)).filter("evaluation")
    rows = stop_set(workspace, position)
    assert set(rows["sample_id"]) == set(every["sample_id"])
    few = workspace.project.model_copy(update={"stopping": Stopping.model_construct(rows=5)})
    first = stop_set(replace(workspace, project=few), position)
    assert first["sample_id"].to_list() == rows["sample_id"].head(5).to_list()
    assert rows["_order"].is_sorted()
    assert rows["sample_id"].to_list() != sorted(rows["sample_id"])


def test_agreement_with_the_model_before_stays_the_same_when_the_pool_grows(own: Workspace) -> None:
    first, second = own.ledger.models.all()
    assert said(own, first) is None
    before = said(own, second)
    rows = stop_set(own, own.ledger.models.get_set(second.training_id).position)
    frame = feature_frame(rows, own.project)
    decisions = [own.registry.load(model).predict(frame) for model in (first, second)]
    kappa = decision_kappa(*(side.astype(str) for side in decisions))
    assert before == {"kappa": kappa, "rows": rows.height, "previous": first.model_id}
    a_judged_day(own, 2)
    assert said(own, second) == before


@pytest.mark.parametrize(("population", "stopping"), [(20_000, 2000), (20_000, 5), (25, 5), (25, 24), (5, 2000)])
@pytest.mark.parametrize("window", [None, 1])
def test_rows_that_a_verdict_has_read_tell_the_same_stop_set_as_the_pool(
    own: Workspace, population: int, stopping: int, window: int | None
) -> None:
    a_judged_day(own, 2)
    changes = {
        "evaluation": own.project.evaluation.model_copy(update={"population": population}),
        "stopping": Stopping.model_construct(rows=stopping),
        "gate": own.project.gate.model_copy(update={"window": window}),
    }
    few = replace(own, project=own.project.model_copy(update=changes))
    first, second, third = own.ledger.models.all()
    evaluations = [one for one in own.ledger.models.sets() if one.purpose == "evaluation"]
    trainings = [own.ledger.models.get_set(model.training_id) for model in (first, second, third)]
    for evaluation in evaluations:
        known = compare_population(few, second, first, evaluation.set_id)
        for training in trainings:
            rows, pool = stop_set(few, training.position, known), stop_set(few, training.position)
            assert rows["sample_id"].to_list() == pool["sample_id"].to_list()
            assert feature_frame(rows, few.project).equals(feature_frame(pool, few.project))


def test_models_of_other_columns_are_not_compared(own: Workspace) -> None:
    last = own.ledger.models.all()[-1]
    changed = own.project.model_dump(mode="json")
    changed["columns"]["features"]["y"]["kind"] = "integer"
    version = replace(own.ledger.models.project_version(last.project_hash), project_hash="e" * 64, body=changed)
    own.ledger.models.remember_project(version)
    twin = replace(last, model_id=ModelId("f" * 32), project_hash="e" * 64)
    assert said(own, own.ledger.models.keep(replace(twin, project_hash=last.project_hash))) is not None
    other = own.ledger.models.keep(replace(twin, model_id=ModelId("d" * 32)))
    assert said(own, other) is None


def test_advice_needs_no_model_and_says_that_it_is_early(workspace: Workspace) -> None:
    advice = stopping_status(workspace)
    assert not advice.enough
    assert advice.sentence.startswith("too early to say")
