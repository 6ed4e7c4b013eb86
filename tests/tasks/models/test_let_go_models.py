"""The bytes of rejected models go by the project file's word: noted first, safe under a crash; nothing else goes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.projects.answered_project import with_answers
from tests.projects.small_project import CONTENT, LENIENT, copied, make_project
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import Model
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.judge_challenger import judge_challenger
from tiltyard.tasks.models.promote_challenger import promote_challenger
from tiltyard.tasks.models.rebuild_model import rebuild_model
from tiltyard.tasks.models.release_models import delete_rejected_models
from tiltyard.workspace.checks.disk_usage import disk_usage
from tiltyard.workspace.checks.verify import verify_workspace
from tiltyard.workspace.workspace import Workspace, open_workspace


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a champion and five models that came after it, none of them promoted."""
    workspace = make_project(tmp_path_factory.mktemp("let-go") / "template", gate=LENIENT)
    project = str(workspace.project_file)
    with_answers(workspace)
    for seed in range(6):
        now = changed(workspace, seed=seed)
        model = fit_candidates.fn(project, snapshot_labels.fn(project, "training"))
        if seed == 0:
            verdict = judge_challenger.fn(project, model, snapshot_labels.fn(project, "evaluation"))
            promote_challenger.fn(project, verdict)
    now.ledger.close()
    return workspace.project_file.parent


def changed(workspace: Workspace, **changes: Any) -> Workspace:
    """The project file with other top-level keys."""
    workspace.project_file.write_text(yaml.safe_dump({**CONTENT, "gate": LENIENT, **changes}), "utf-8")
    return open_workspace(workspace.project_file)


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Workspace:
    return copied(template, tmp_path / "project")


def kept(workspace: Workspace) -> list[int]:
    """The places of the models whose bytes are there, in the order of training."""
    models = workspace.ledger.models.all()
    return [place for place, model in enumerate(models) if file_of(workspace, model).is_file()]


def file_of(workspace: Workspace, model: Model) -> Path:
    return workspace.folder / "artifacts" / model.artifact.name


@pytest.mark.parametrize(
    ("keep", "left"), [(None, [0, 1, 2, 3, 4, 5]), (9, [0, 1, 2, 3, 4, 5]), (1, [0, 3, 4, 5]), (0, [0, 4, 5])]
)
def test_the_newest_rejected_models_stay_with_all_that_is_needed(
    workspace: Workspace, keep: int | None, left: list[int]
) -> None:
    now = changed(workspace, seed=5, models={"keep_rejected": keep})
    before = disk_usage(now)["models"]
    said = delete_rejected_models.fn(str(now.project_file))
    assert kept(now) == left
    gone = 6 - len(left)
    assert bool(said) == bool(gone)
    if gone:
        assert said[0].startswith(f"deleted the bytes of {gone} rejected models, ")
        assert disk_usage(now)["models"] < before
    assert delete_rejected_models.fn(str(now.project_file)) == []
    assert verify_workspace(now).problems == []


def test_what_was_let_go_is_said_and_can_be_rebuilt(workspace: Workspace) -> None:
    now = changed(workspace, seed=5, models={"keep_rejected": 0})
    delete_rejected_models.fn(str(now.project_file))
    model = now.ledger.models.all()[1]
    with pytest.raises(NotFound, match=r"its file was deleted .* 'tiltyard rebuild"):
        now.load_model(model.model_id)
    rebuilt = rebuild_model.fn(str(now.project_file), model.model_id)
    assert rebuilt.equal
    assert rebuilt.changed == {}


@pytest.mark.parametrize("place", ["registry.let_go", "let_go.end"])
def test_a_crash_between_looks_like_no_damage_and_is_gone_on_with(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    now = changed(workspace, seed=5, models={"keep_rejected": 0})
    part, name = place.split(".")
    with monkeypatch.context() as crash:
        crash.setattr(getattr(now, part), name, _crash)
        with pytest.raises(KeyboardInterrupt):
            delete_rejected_models.fn(str(now.project_file))
    assert verify_workspace(now).problems == []
    delete_rejected_models.fn(str(now.project_file))
    assert kept(now) == [0, 4, 5]
    assert verify_workspace(now).problems == []


def _crash(*_args: Any) -> None:
    raise KeyboardInterrupt


def test_a_missing_champion_is_damage_whatever_notes_say(workspace: Workspace) -> None:
    champion = workspace.ledger.models.all()[0]
    workspace.let_go.begin(champion.model_id, champion.artifact.sha256)
    file_of(workspace, champion).unlink()
    assert "is missing" in verify_workspace(workspace).problems[0]


def test_the_file_of_a_project_without_the_key_means_what_it_meant(workspace: Workspace) -> None:
    hashes = {model.project_hash for model in workspace.ledger.models.all()}
    assert changed(workspace, seed=5, models={}).project.project_hash in hashes
    assert changed(workspace, seed=5, models={"keep_rejected": 3}).project.project_hash not in hashes


def test_what_a_project_weighs_adds_up(workspace: Workspace) -> None:
    found = disk_usage(workspace)
    assert {"models", "objects", "pool", "ledger"} <= set(found)
    assert sum(found.values()) == sum(path.stat().st_size for path in workspace.folder.rglob("*") if path.is_file())
