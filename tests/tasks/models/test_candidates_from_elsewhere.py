"""Candidates from outside scikit-learn through the steps: stored and judged, or refused before the search."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.projects.small_project import CONTENT, copied
from tests.tasks.models.test_training_steps import project_with, train
from tiltyard.apps.cli.project.health_checks import run_checks
from tiltyard.apps.cli.project.status import status
from tiltyard.schemas.errors import ProjectFileError, TrainingError
from tiltyard.schemas.project import parse_project
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.models.judge_challenger import judge_challenger
from tiltyard.training.search import tuning
from tiltyard.workspace.workspace import Workspace, open_workspace

FREQUENT = {"name": "frequent", "estimator": "tests.projects.own_estimators.Frequent"}
PIPELINE = {
    "name": "own",
    "estimator": "sklearn.pipeline.Pipeline",
    "parameters": {
        "steps": [
            ["spread", {"estimator": "tests.projects.own_estimators.Spread", "parameters": {"factor": 3.0}}],
            ["classifier", {"estimator": "sklearn.linear_model.LogisticRegression"}],
        ]
    },
    "grid": {"classifier__C": [0.1, 1.0]},
}


@pytest.fixture(scope="module")
def labeled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_with(tmp_path_factory.mktemp("labeled") / "p", FREQUENT).project_file.parent


def with_candidates(labeled: Path, folder: Path, *candidates: dict[str, Any], **changes: Any) -> Workspace:
    """A copy of the labeled project with other candidates."""
    copied(labeled, folder / "p")
    path = folder / "p" / "project.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    path.write_text(yaml.safe_dump({**content, "candidates": list(candidates), **changes}), "utf-8")
    return open_workspace(folder / "p")


@pytest.mark.parametrize(
    "candidate",
    [
        {"name": "boost", "estimator": "catboost.CatBoostClassifier", "parameters": {"iterations": 5}},
        PIPELINE,
    ],
    ids=["catboost", "own transformer"],
)
def test_it_is_trained_stored_loaded_and_judged(labeled: Path, tmp_path: Path, candidate: dict[str, Any]) -> None:
    workspace = with_candidates(labeled, tmp_path, candidate)
    project = str(workspace.project_file)
    model = train(workspace)
    judge_challenger.fn(project, model.model_id, snapshot_labels.fn(project, "evaluation"))
    assert workspace.fitted(model).classes_.tolist() == ["no", "yes"]


def test_what_cannot_be_stored_is_refused_before_the_search_with_a_remedy_that_works(
    labeled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(tuning, "run_search", lambda *_: pytest.fail("nothing is to be searched"))
        workspace = with_candidates(labeled, tmp_path / "refused", FREQUENT)
        with pytest.raises(TrainingError, match=r"'frequent' cannot be stored.*own_estimators\.Table.*'trusted'"):
            train(workspace)
    for number, trusted in enumerate(["tests.projects.own_estimators.Table", "tests.projects.own_estimators"]):
        workspace = with_candidates(labeled, tmp_path / str(number), FREQUENT, trusted=[trusted])
        assert workspace.fitted(train(workspace)).predict_proba is not None
    told = {finding.name: finding for finding in run_checks(workspace.project_file)}["trusted"]
    assert told.state == "warn"
    assert "tests.projects.own_estimators can run code here when a model is loaded" in told.said
    status(workspace.project_file)
    assert "Warning: anyone who can change tests.projects.own_estimators" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", ["", "a b", "a.", ".a", "a..b", "a:b", "1a", "a.*"])
def test_what_is_no_type_or_module_is_not_trusted(name: str) -> None:
    with pytest.raises(ProjectFileError, match="trusted"):
        parse_project({**CONTENT, "trusted": [name]}, "p.yaml")
