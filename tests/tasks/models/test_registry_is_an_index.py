"""MLflow is an index, never the truth: whatever it says, only bytes that the project made and hashed are loaded."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.projects.answered_project import with_answers
from tests.projects.small_project import LENIENT, copied, make_project
from tiltyard.schemas.canonical import sha256_of
from tiltyard.schemas.errors import NotFound, RegistryError
from tiltyard.schemas.records import Model, ModelId, StoredFile, TrainingId
from tiltyard.stores.registry.registry import CHAMPION, Registry
from tiltyard.stores.registry.uploads import is_address, local_path
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.judge_challenger import judge_challenger
from tiltyard.tasks.models.promote_challenger import promote_challenger
from tiltyard.tasks.models.rebuild_model import rebuild_model
from tiltyard.workspace.checks.verify import verify_workspace
from tiltyard.workspace.models.training import model_id_of
from tiltyard.workspace.workspace import Workspace, utc_now


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with labels to train on, and MLflow's database made."""
    workspace = make_project(tmp_path_factory.mktemp("index") / "template", gate=LENIENT)
    assert workspace.registry.client
    with_answers(workspace)
    workspace.ledger.close()
    return workspace.project_file.parent


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Workspace:
    return copied(template, tmp_path / "project")


@pytest.fixture(scope="module")
def crowned(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a champion."""
    workspace = copied(template, tmp_path_factory.mktemp("crowned") / "project")
    make_champion(workspace)
    assert verify_workspace(workspace).problems == []
    workspace.ledger.close()
    return workspace.project_file.parent


def train(workspace: Workspace) -> Model:
    project = str(workspace.project_file.parent)
    return workspace.ledger.models.get(fit_candidates.fn(project, snapshot_labels.fn(project, "training")))


def make_champion(workspace: Workspace) -> Model:
    project, model = str(workspace.project_file.parent), train(workspace)
    verdict = judge_challenger.fn(project, model.model_id, snapshot_labels.fn(project, "evaluation"))
    promote_challenger.fn(project, verdict)
    return model


def file_of(workspace: Workspace, model: Model) -> Path:
    return workspace.folder / "artifacts" / model.artifact.name


def plant(workspace: Workspace, model_id: str, content: bytes = b"planted") -> str:
    """What anybody can do who may write to MLflow: a version with the tags of a model of ours, and bytes of theirs."""
    client = workspace.registry.client
    run = client.create_run(client.create_experiment("planted"))
    place = workspace.folder / "artifacts" / "planted" / "model.skops"
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    tags = {"model_id": model_id, "artifact": "planted/model.skops", "sha256": sha256_of(content), "rows": "1"}
    made = client.create_model_version(workspace.registry.name, str(place.parent), run_id=run.info.run_id, tags=tags)
    return str(made.version)


def test_a_planted_version_is_never_taken_for_a_model(workspace: Workspace) -> None:
    training_id = snapshot_labels.fn(str(workspace.project_file.parent), "training")
    number = plant(workspace, model_id_of(training_id, workspace.project))
    model = train(workspace)
    assert model.registry_version != number
    assert model.artifact.sha256 != sha256_of(b"planted")
    assert workspace.load_model(model.model_id) is not None
    assert rebuild_model.fn(str(workspace.project_file.parent), model.model_id).equal
    (problem,) = verify_workspace(workspace).problems
    assert f"version {number} in MLflow says that it is model {model.model_id[:8]}" in problem


def _alias(workspace: Workspace, _model: Model) -> None:
    other = plant(workspace, "somebody")
    workspace.registry.set_alias(other, CHAMPION)


def _no_alias(workspace: Workspace, _model: Model) -> None:
    workspace.registry.client.delete_registered_model_alias(workspace.registry.name, CHAMPION)


def _other_hash(workspace: Workspace, model: Model) -> None:
    workspace.registry.tag(model.registry_version, "sha256", "f" * 64)


def _other_model(workspace: Workspace, model: Model) -> None:
    workspace.registry.tag(model.registry_version, "model_id", "f" * 32)


def _no_version(workspace: Workspace, model: Model) -> None:
    workspace.registry.client.delete_model_version(workspace.registry.name, model.registry_version)


def _other_bytes(workspace: Workspace, model: Model) -> None:
    file_of(workspace, model).write_bytes(b"other")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_alias, "alias 'champion' shows version 2, the ledger's champion is version 1"),
        (_alias, "MLflow lists version 2, which is not of this project's making"),
        (_no_alias, "alias 'champion' shows none, the ledger's champion is version 1"),
        (_other_hash, "version 1 in MLflow has sha256 ffffffffffff, the ledger has"),
        (_other_model, "version 1 in MLflow has model_id ffffffffffff, the ledger has"),
        (_no_version, "MLflow does not list version 1"),
        (_other_bytes, "is not what was recorded"),
    ],
)
def test_verify_says_what_differs_from_the_ledger(
    crowned: Path, tmp_path: Path, change: Callable[[Workspace, Model], None], said: str
) -> None:
    workspace = copied(crowned, tmp_path / "project")
    (model,) = workspace.ledger.models.all()
    change(workspace, model)
    assert any(said in problem for problem in verify_workspace(workspace).problems)


def test_a_training_that_was_cut_off_is_a_note_and_no_fault(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crash:
        crash.setattr("tiltyard.tasks.models.fit_candidates._record", _crash)
        with pytest.raises(KeyboardInterrupt):
            train(workspace)
    again = make_project(workspace.project_file.parent, gate=LENIENT, seed=8)
    train(again)
    found = verify_workspace(again)
    assert found.sound
    assert found.notes == ["MLflow lists version 1, of a training that was cut off; nothing is loaded by it"]


def _crash(*_args: Any, **_rest: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("changed", [False, True])
def test_after_a_crash_before_the_record_only_the_bytes_that_were_made_here_are_taken_up(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    with monkeypatch.context() as crash:
        crash.setattr("tiltyard.tasks.models.fit_candidates._record", _crash)
        with pytest.raises(KeyboardInterrupt):
            train(workspace)
    (stored,) = (workspace.folder / "artifacts").rglob("model.skops")
    if changed:
        # Whoever writes to MLflow may change its tags with the bytes.
        stored.write_bytes(b"other")
        workspace.registry.tag("1", "sha256", sha256_of(b"other"))
        for logged in workspace.registry.client.search_logged_models([workspace.registry.experiment_id]):
            workspace.registry.client.set_logged_model_tags(logged.model_id, {"sha256": sha256_of(b"other")})
    model = train(workspace)
    assert model.registry_version == ("2" if changed else "1")
    assert workspace.load_model(model.model_id) is not None


def test_a_challenger_whose_bytes_were_changed_is_not_promoted(workspace: Workspace) -> None:
    project, model = str(workspace.project_file.parent), train(workspace)
    verdict = judge_challenger.fn(project, model.model_id, snapshot_labels.fn(project, "evaluation"))
    file_of(workspace, model).write_bytes(b"other")
    with pytest.raises(RegistryError, match="not what was recorded"):
        promote_challenger.fn(project, verdict)
    assert workspace.ledger.champions.champion_id is None
    rebuilt = rebuild_model.fn(project, model.model_id)
    assert rebuilt.equal
    assert rebuilt.changed["stored bytes"] == (model.artifact.sha256[:12], "not what was recorded")


@pytest.mark.parametrize(
    "name",
    [
        "http://127.0.0.1:9/latest/meta-data/model.skops",
        "https://example.org/model.skops",
        "ftp://127.0.0.1/model.skops",
        "mlflow-artifacts://127.0.0.1:9/model.skops",
        "runs:/abc/model.skops",
        "models:/abc/model.skops",
        "dbfs:/model.skops",
        "file:///etc/passwd",
        "file://127.0.0.1/model.skops",
        "../../../../../etc/passwd",
        "/etc/passwd",
        "/tmp/../etc/model.skops",
    ],
)
def test_no_address_but_the_projects_own_is_asked(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlflow.artifacts.download_artifacts", _crash)
    registry = Registry(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "artifacts", "shop")
    record = replace(_RECORD, artifact=StoredFile(name, "0" * 64, 1))
    with pytest.raises((RegistryError, NotFound)):
        registry.load(record)


@given(st.text(min_size=1, max_size=40))
def test_a_local_name_never_leaves_the_folder(name: str) -> None:
    artifacts = Path("/nowhere/artifacts")
    try:
        outside = is_address(name)
        path = None if outside else local_path(name, artifacts)
    except (RegistryError, NotFound, ValueError):
        return
    assert path is None or path.name == "model.skops" or path.is_relative_to(artifacts)


_RECORD = Model(
    model_id=ModelId("m"),
    training_id=TrainingId("t"),
    project_hash="p",
    recipe={},
    seed=0,
    code_version="1",
    environment={},
    metrics={},
    threshold=None,
    run_id="r",
    registry_version="1",
    artifact=StoredFile("model.skops", "0" * 64, 1),
    predictions_hash="",
    recorded_at=utc_now(),
)
