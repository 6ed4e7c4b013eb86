"""Faults planted into a running project: the whole gate, on a real ledger and a real MLflow, catches each of them."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tests.projects.judged_project import NOW
from tests.projects.small_project import a_day, answer_queue, deliver, make_project
from tiltyard.schemas.records import LabeledSet, ModelId, Verdict, VerdictId
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.judge_challenger import judge_challenger
from tiltyard.tasks.models.promote_challenger import promote_challenger
from tiltyard.workspace.workspace import Workspace, open_workspace

SOUND = {"name": "sound", "estimator": "sklearn.linear_model.LogisticRegression"}
COLUMNS = {
    "id": "row_id",
    "features": {
        "x": {"kind": "number", "min": -100, "max": 100},
        "y": {"kind": "number"},
        "colour": {"kind": "category", "allowed": ["red", "green", "blue"]},
    },
}
GATE = {"metric": "accuracy", "minimum_labels": 50, "resamples": 200, "rule": "not_worse", "margin": 0.05}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a sound champion, trained on half of its labels, and enough evaluation labels to see faults."""
    workspace = make_project(
        tmp_path_factory.mktemp("faults") / "template",
        columns=COLUMNS,
        candidates=[SOUND],
        gate=GATE,
        query={"budget": 900},
    )
    for day in (0, 1):
        deliver(workspace, f"day-{day}.csv", a_day(day, rows=450))
        _answered(workspace)
        if not day:
            verdict = _judged(workspace, _trained(workspace))
            assert verdict.decision == "promote", verdict.reason
            promote_challenger.fn(str(workspace.project_file.parent), verdict.verdict_id)
    workspace.ledger.close()
    return workspace.project_file.parent


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "project"))


def _answered(workspace: Workspace) -> None:
    """What arrived is taken in, asked about and answered."""
    project = str(workspace.project_file.parent)
    land_objects.fn(project)
    for object_id in objects_to_check.fn(project):
        check_batch.fn(project, object_id)
    choose_samples.fn(project)
    answer_queue(workspace, NOW)


def _trained(workspace: Workspace, training_id: str | None = None) -> ModelId:
    project = str(workspace.project_file.parent)
    return fit_candidates.fn(project, training_id or snapshot_labels.fn(project, "training"))


def _judged(workspace: Workspace, model: ModelId, evaluation_id: str | None = None) -> Verdict:
    project = str(workspace.project_file.parent)
    rows = evaluation_id or snapshot_labels.fn(project, "evaluation")
    return workspace.ledger.champions.verdict(VerdictId(judge_challenger.fn(project, model, rows)))


def with_fault(folder: Path, estimator: str, **gate: Any) -> Workspace:
    """The project with another estimator, so that the next challenger has its fault."""
    content = yaml.safe_load((folder / "project.yaml").read_text("utf-8"))
    content["candidates"] = [{"name": "faulty", "estimator": estimator, "preprocessing": "none"}]
    content["gate"] |= gate
    (folder / "project.yaml").write_text(yaml.safe_dump(content), "utf-8")
    return open_workspace(folder)


def outcomes(verdict: Verdict) -> dict[str, str]:
    return {check.name: check.outcome for check in verdict.checks}


def planted_set(workspace: Workspace, kept_as: str, like: str, rows: pl.DataFrame) -> str:
    """A labeled set whose rows somebody chose by hand, as a faulty step could write it."""
    known = workspace.ledger.models.get_set(like)
    names = workspace.project.class_names
    workspace.ledger.models.keep_set(
        LabeledSet(
            set_id=kept_as,
            purpose=known.purpose,
            position=known.position,
            rows=rows.height,
            classes={name: rows.filter(pl.col("label") == name).height for name in names},
            file=workspace.labeled_sets.keep(kept_as, rows),
            recorded_at=NOW,
        )
    )
    return kept_as


def test_without_a_fault_every_check_but_the_gain_passes(folder: Path) -> None:
    workspace = open_workspace(folder)
    verdict = _judged(workspace, _trained(workspace))
    assert {name for name, outcome in outcomes(verdict).items() if outcome != "pass"} <= {"gain"}
    assert verdict.rows > 100
    assert verdict.evidence
    assert {"slices", "dominance", "perturbation", "calibration", "leaks", "churn"} <= set(verdict.evidence)


@pytest.mark.parametrize(
    ("estimator", "gate", "caught_by"),
    [
        ("tests.projects.faulty_estimators.WrongWhereRed", {"margin": 0.5}, "slices"),
        ("tests.projects.faulty_estimators.Swapped", {}, "gain"),
        ("tests.projects.faulty_estimators.Boastful", {"margin": 1.0}, "calibration"),
        ("tests.projects.faulty_estimators.Slow", {"resources": {"latency_ms": 8}}, "latency"),
        ("tests.projects.faulty_estimators.Nervous", {"margin": 1.0}, "perturbation against champion"),
        ("sklearn.dummy.DummyClassifier", {"margin": 1.0}, "constant"),
    ],
    ids=["a slice made worse", "a label swap", "miscalibrated", "slow", "nervous", "constant"],
)
def test_a_faulty_model_never_becomes_champion(
    folder: Path, estimator: str, gate: dict[str, Any], caught_by: str
) -> None:
    workspace = with_fault(folder, estimator, **gate)
    verdict = _judged(workspace, _trained(workspace))
    assert verdict.decision == "keep"
    assert outcomes(verdict)[caught_by] == "fail", verdict.reason
    assert next(check.why for check in verdict.checks if check.name == caught_by) in verdict.reason


def test_a_slice_made_worse_is_named(folder: Path) -> None:
    workspace = with_fault(folder, "tests.projects.faulty_estimators.WrongWhereRed", margin=0.5)
    verdict = _judged(workspace, _trained(workspace))
    assert "colour 'red'" in verdict.reason
    assert verdict.evidence
    harmed = {(row["column"], row["value"]) for row in verdict.evidence["slices"] if row["outcome"] == "fail"}
    assert ("colour", "red") in harmed
    assert not {("colour", "blue"), ("colour", "green")} & harmed


def test_a_leak_across_the_split_is_caught(folder: Path) -> None:
    """A producer sends evaluation rows once more under new keys; they are labeled and trained on."""
    workspace = open_workspace(folder)
    seen = workspace.labeled_rows(snapshot_labels.fn(str(folder), "evaluation"))[:40]
    lines = [f"{x},{y},{colour},again {key}" for x, y, colour, key in seen.select("x", "y", "colour", "row_id").rows()]
    deliver(workspace, "again.csv", "\n".join(["x,y,colour,row_id", *lines]) + "\n")
    _answered(workspace)
    verdict = _judged(workspace, _trained(workspace))
    assert verdict.decision == "keep"
    assert outcomes(verdict)["same content"] == "fail"
    assert "duplicate with the same content" in verdict.reason


def test_a_model_that_saw_evaluation_rows_is_caught(folder: Path) -> None:
    workspace = open_workspace(folder)
    training, evaluation = (snapshot_labels.fn(str(folder), purpose) for purpose in ("training", "evaluation"))
    both = pl.concat([workspace.labeled_rows(training), workspace.labeled_rows(evaluation)[:5]])
    model = _trained(workspace, planted_set(workspace, "f" * 32, training, both))
    verdict = _judged(workspace, model)
    assert verdict.decision == "keep"
    assert outcomes(verdict)["overlap"] == "fail"


def test_a_metric_that_is_undefined_decides_nothing(folder: Path) -> None:
    """Evaluation labels of one class only: no area under the curve, and no promotion."""
    workspace = with_fault(folder, "tests.projects.faulty_estimators.Sound", metric="roc_auc")
    evaluation = snapshot_labels.fn(str(folder), "evaluation")
    one_class = workspace.labeled_rows(evaluation).filter(pl.col("label") == "no")
    verdict = _judged(workspace, _trained(workspace), planted_set(workspace, "e" * 32, evaluation, one_class))
    assert verdict.decision == "keep"
    assert (outcomes(verdict)["classes"], outcomes(verdict)["gain"]) == ("undecided", "undecided")
    assert verdict.gain is None
