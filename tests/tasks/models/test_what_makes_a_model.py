"""What makes a model another model: labels, recipe, own code; a training is due for these and no other."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.projects.answered_project import with_answers
from tests.projects.small_project import CONTENT, copied, make_project
from tiltyard.evaluation.custom_metrics import evaluate_metric
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.records import Model, NewAnnotation
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.rebuild_model import rebuild_model
from tiltyard.tasks.models.training_due import training_due
from tiltyard.workspace.lookup import version_of
from tiltyard.workspace.workspace import Workspace, open_workspace, utc_now

ESTIMATOR = """
from sklearn.linear_model import LogisticRegression
from own_shop.strength import STRENGTH

class Own(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        self.C = STRENGTH
        return super().fit(X, y, sample_weight)
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with labels to train on, and MLflow's database made."""
    workspace = make_project(tmp_path_factory.mktemp("made") / "template")
    assert workspace.registry.client
    with_answers(workspace)
    workspace.ledger.close()
    return workspace.project_file.parent


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Workspace:
    return copied(template, tmp_path / "project")


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of the user's own, on Python's path."""
    folder = tmp_path / "code"
    (folder / "own_shop").mkdir(parents=True)
    (folder / "own_shop" / "models.py").write_text(ESTIMATOR)
    (folder / "own_shop" / "strength.py").write_text("STRENGTH = 0.1\n")
    (folder / "own_shop" / "metrics.py").write_text("def right(y, d, p, c):\n    return float((y == d).mean())\n")
    monkeypatch.syspath_prepend(str(folder))
    yield folder / "own_shop"
    for name in [name for name in sys.modules if name.startswith("own_shop")]:
        del sys.modules[name]


def changed(workspace: Workspace, **changes: Any) -> Workspace:
    """The project file with other top-level keys."""
    workspace.project_file.write_text(yaml.safe_dump({**CONTENT, **changes}), "utf-8")
    return open_workspace(workspace.project_file)


def train(workspace: Workspace) -> Model:
    project = str(workspace.project_file)
    return workspace.ledger.models.get(fit_candidates.fn(project, snapshot_labels.fn(project, "training")))


def answers(workspace: Workspace, model: Model) -> Any:
    rows = workspace.labeled_rows(model.training_id)
    return workspace.load_model(model.model_id).predict_proba(feature_frame(rows, workspace.project))


def due(workspace: Workspace) -> str:
    """Why a training is due, empty where none is."""
    said = training_due.fn(str(workspace.project_file))
    return said.why if said else ""


OWN = [{"name": "own", "estimator": "own_shop.models.Own", "preprocessing": "none"}]
NUMBERS = {**CONTENT["columns"], "features": {"x": {"kind": "number"}, "y": {"kind": "number"}}}  # type: ignore[dict-item]  # the content is JSON


def test_an_edited_module_makes_another_model_in_the_same_process(workspace: Workspace, modules: Path) -> None:
    now = changed(workspace, candidates=OWN, columns=NUMBERS)
    first = train(now)
    assert {"own module own_shop.models", "own module own_shop.strength"} <= set(first.environment)
    assert due(now) == ""
    assert train(now) == first
    assert rebuild_model.fn(str(now.project_file), first.model_id).equal
    (modules / "strength.py").write_text("STRENGTH = 9.9\n")
    assert due(now).startswith("own code changed: own_shop.strength; 0 new annotations")
    again = open_workspace(now.project_file)
    second = train(again)
    assert second.model_id != first.model_id
    assert not np.allclose(answers(again, second), answers(again, first))
    assert due(again) == ""
    version = version_of(again, second.model_id)
    assert (version.step, "own module own_shop.strength" in version.why) == ("minor", True)
    rebuilt = rebuild_model.fn(str(now.project_file), first.model_id)
    assert not rebuilt.equal
    assert set(rebuilt.changed) == {"own module own_shop.strength"}
    (modules / "strength.py").write_text("STRENGTH = 0.1\n")
    assert training_due.fn(str(now.project_file)).why.endswith(
        f"model {first.model_id[:8]} was made of that and of these labels already"
    )
    assert rebuild_model.fn(str(now.project_file), first.model_id).equal


def test_an_edited_metric_makes_another_model(workspace: Workspace, modules: Path) -> None:
    now = changed(workspace, gate={**CONTENT["gate"], "metric": "own_shop.metrics:right"})  # type: ignore[dict-item]  # the content is JSON
    first = train(now)
    (modules / "metrics.py").write_text("def right(y, d, p, c):\n    return float((y != d).mean())\n")
    assert due(now).startswith("own code changed: own_shop.metrics")
    second = train(open_workspace(now.project_file))
    assert second.model_id != first.model_id
    labels = np.array(["a", "b"])
    assert evaluate_metric("own_shop.metrics:right", labels, labels, np.zeros((2, 2)), ("a", "b")) == 0


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"candidates": [{"name": "nb", "estimator": "sklearn.naive_bayes.GaussianNB"}]},
            "logistic is gone",
        ),
        ({"seed": 8}, "seed is 8, was 7"),
        ({"tuning": {"minimum_labels": 8, "folds": 3}}, "tuning.folds is 3, was 2"),
        ({"effective_label": "latest"}, "effective_label is latest"),
        ({"description": "other words"}, ""),
        ({"triggers": {"labels": 5}}, ""),
    ],
)
def test_a_changed_recipe_makes_a_training_due_and_nothing_else_of_the_file_does(
    workspace: Workspace, changes: dict[str, Any], why: str
) -> None:
    train(workspace)
    assert due(workspace) == ""
    now = changed(workspace, **changes)
    said = due(now)
    assert bool(said) == bool(why)
    assert why in said
    train(now)
    assert due(now) == ""
    assert due(changed(workspace)) == ""  # back to a recipe whose model is known


def test_annotations_that_change_no_label_make_no_training_due(workspace: Workspace) -> None:
    model = train(workspace)
    annotations = workspace.ledger.annotations.until()
    for number in range(3):
        again = [_again(one, number, "skip" if number == 2 else "label") for one in annotations]
        now = utc_now()
        workspace.ledger.annotations.submit(again, contract_hash=workspace.contract_hash, now=now)
        if number < 2:
            said = training_due.fn(str(workspace.project_file))
            assert not said
            assert said.why == (
                f"{24 * (number + 1)} new annotations change no label that model {model.model_id[:8]} learnt from"
            )


def test_one_label_that_changed_is_enough_then(workspace: Workspace) -> None:
    train(workspace)
    annotations = list(workspace.ledger.annotations.until())
    again = [_again(one, 0, "label") for one in annotations]
    trained = set(workspace.labeled_rows(workspace.ledger.models.all()[0].training_id)["sample_id"])
    place = next(at for at, one in enumerate(again) if one.sample_id in trained)
    turned = replace(again[place], label="no" if again[place].label == "yes" else "yes")
    again[place] = replace(turned, annotator="ada", supersedes=annotations[place].annotation_id)
    workspace.ledger.annotations.submit(again, contract_hash=workspace.contract_hash, now=utc_now())
    assert due(workspace).startswith("24 new annotations")
    train(workspace)
    assert due(workspace) == ""


def _again(one: Any, number: int, act: Any) -> NewAnnotation:
    """The same answer once more, by another person; or a skip."""
    return NewAnnotation(
        client_key=f"again {number} {one.sample_id}",
        annotator=f"bea{number}",
        act=act,
        sample_id=one.sample_id,
        payload=one.payload,
        said_at=utc_now(),
        label=one.label if act == "label" else None,
    )


def test_a_project_without_own_code_keeps_its_models_ids(workspace: Workspace) -> None:
    """The id is what it was before own code counted, so that no project trains anew for nothing."""
    from tiltyard.schemas.canonical import digest
    from tiltyard.workspace.models.provenance import code_version, environment

    model = train(workspace)
    parts = [model.training_id, model.project_hash, model.seed, code_version(), environment()]
    assert model.model_id == digest(parts)[:32]
    assert dict(model.environment) == environment()
