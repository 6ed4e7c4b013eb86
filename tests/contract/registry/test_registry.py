"""The registry on a real MLflow: whole models only, our own trust list, one version however often it is logged."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from tiltyard.evaluation.predictions import predict_rows, predictions_hash
from tiltyard.schemas.errors import NotFound, RegistryError, Unavailable
from tiltyard.schemas.project import Candidate, Project
from tiltyard.schemas.records import Check, Interval, Model, ModelId, TrainingId, Verdict, VerdictId
from tiltyard.stores.registry import mlflow_model as model_folder
from tiltyard.stores.registry.registry import CHALLENGER, CHAMPION, RegisteredModel, Registry
from tiltyard.stores.registry.runs import Training
from tiltyard.training.estimators import named_types
from tiltyard.training.search.tuning import Fitted, Trial, fit_candidates

NOW = datetime(2026, 1, 2, tzinfo=UTC)


class Own(LogisticRegression):  # type: ignore[misc]  # scikit-learn ships no types
    """A class of the user's own."""


class Forgetful(LogisticRegression):  # type: ignore[misc]  # scikit-learn ships no types
    """Keeps what it learnt where no file can hold it."""

    learnt: Any = None

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        super().fit(X, y, sample_weight)
        Forgetful.learnt = self.coef_
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "coef_": np.zeros_like(self.coef_)}


PROJECT = Project.model_validate(
    {
        "name": "shop",
        "columns": {"features": {"x": {"kind": "number"}, "city": {"kind": "category"}, "note": {"kind": "text"}}},
        "classes": ["no", "yes"],
        "gate": {"metric": "f1"},
        "tuning": {"minimum_labels": 10},
    }
)


def frame(n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    x[:3] = np.nan
    return pd.DataFrame({"x": x, "city": rng.choice(["Bonn", "Lima"], n), "note": rng.choice(["a day", "no"], n)})


@pytest.fixture(scope="session")
def fitted() -> Fitted:
    labels = np.where(np.nan_to_num(frame()["x"].to_numpy()) > 0.8, "yes", "no")
    return fit_candidates(frame(), labels, PROJECT, 0)


@pytest.fixture(scope="session")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One MLflow database for all these tests: making one takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def registry(uri: str, tmp_path: Path) -> Registry:
    """A registry with a name of its own in the shared database."""
    return Registry(uri, tmp_path / "artifacts", f"shop-{uuid4().hex[:8]}")


@dataclass(frozen=True)
class Made:
    """A training and what came of it."""

    training: Training
    registered: RegisteredModel
    model: Model = field(repr=False)


def training_of(fitted: Fitted, **changes: Any) -> Training:
    first = {
        "model_id": ModelId(uuid4().hex),
        "training_id": TrainingId("t" * 40),
        "rows": 80,
        "golden": frame().head(9),
    }
    return Training(**{**first, "fitted": fitted, "tags": {"ledger_position": "12"}, **changes})


def record_of(training: Training, registered: RegisteredModel) -> Model:
    return Model(
        model_id=training.model_id,
        training_id=training.training_id,
        project_hash="p",
        recipe={},
        seed=0,
        code_version="1",
        environment={},
        metrics={},
        threshold=None,
        run_id=registered.run_id,
        registry_version=registered.version,
        artifact=registered.artifact,
        predictions_hash="",
        recorded_at=NOW,
    )


@pytest.fixture
def logged(registry: Registry, fitted: Fitted) -> Made:
    training = training_of(fitted)
    registered = registry.log_training(training)
    return Made(training, registered, record_of(training, registered))


def test_a_logged_model_comes_back_and_says_the_same(registry: Registry, logged: Made, fitted: Fitted) -> None:
    loaded = registry.load(logged.model)
    told, before = (predict_rows(model, frame(), PROJECT) for model in (loaded, fitted.model))
    assert predictions_hash(told) == predictions_hash(before)
    assert fitted.best.threshold is not None
    assert list(loaded.classes_) == ["no", "yes"]
    assert logged.registered.version == "1"


def test_the_run_tells_the_training_and_each_trial_is_nested(registry: Registry, logged: Made, fitted: Fitted) -> None:
    run = registry.client.get_run(logged.registered.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["ledger_position"] == "12"
    assert run.data.params["candidate"] == fitted.best.candidate
    assert run.data.params["rows"] == "80"
    assert run.data.metrics["cv_f1"] == pytest.approx(fitted.best.metrics["f1"])
    (dataset,) = run.inputs.dataset_inputs
    assert dataset.dataset.digest == "t" * 36
    assert len(run.outputs.model_outputs) == 1
    nested = registry.client.search_runs(
        [registry.experiment_id], f"tags.mlflow.parentRunId = '{logged.registered.run_id}'"
    )
    assert {one.data.params["candidate"] for one in nested} == {trial.candidate for trial in fitted.trials}
    assert {one.info.status for one in nested} == {"FINISHED"}


def test_a_failed_trial_is_shown_as_failed(registry: Registry, fitted: Fitted) -> None:
    failed = Trial("broken", "x.Y", {}, None, None, {}, None, problem="ValueError: no")
    registry.log_training(training_of(replace(fitted, trials=(*fitted.trials, failed))))
    (run,) = registry.client.search_runs([registry.experiment_id], "attributes.status = 'FAILED'")
    assert run.data.tags["problem"] == "ValueError: no"


def test_logging_again_gives_the_first_registration(registry: Registry, logged: Made) -> None:
    assert registry.log_training(logged.training) == logged.registered
    assert registry.registered(logged.training.model_id) == logged.registered
    assert registry.registered("unknown") is None
    runs = registry.client.search_runs([registry.experiment_id], "tags.training_id LIKE 't%'")
    assert len(runs) == 1


def test_a_crash_before_the_version_is_made_is_taken_up_again(
    registry: Registry, fitted: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = training_of(fitted)
    with monkeypatch.context() as crash:
        crash.setattr(registry.client, "create_model_version", _crash)
        with pytest.raises(KeyboardInterrupt):
            registry.log_training(training)
    assert registry.registered(training.model_id) is None
    registered = registry.log_training(training)
    assert registered.version == "1"
    assert len(registry.client.search_logged_models([registry.experiment_id])) == 1
    assert registry.load(record_of(training, registered)) is not None


def test_a_crash_in_the_upload_leaves_nothing_registered_and_is_closed(
    registry: Registry, fitted: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = training_of(fitted)
    with monkeypatch.context() as crash:
        crash.setattr(registry.client, "log_model_artifacts", _crash)
        # SIGKILL runs no clean-up: the run stays open.
        crash.setattr(registry.client, "set_terminated", lambda *_args, **_rest: None)
        with pytest.raises(KeyboardInterrupt):
            registry.log_training(training)
    assert registry.registered(training.model_id) is None
    assert registry.close_stale_runs() >= 2  # the training's run, and the model that is half uploaded
    assert registry.close_stale_runs() == 0
    statuses = {run.info.status for run in registry.client.search_runs([registry.experiment_id])}
    assert statuses == {"KILLED"}
    assert registry.log_training(training).version == "1"


def _crash(*_args: Any, **_rest: Any) -> None:
    raise KeyboardInterrupt


def test_an_exception_ends_the_run_as_failed(
    registry: Registry, fitted: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.client, "log_model_artifacts", _crash)
    with pytest.raises(KeyboardInterrupt):
        registry.log_training(training_of(fitted))
    assert "FAILED" in {run.info.status for run in registry.client.search_runs([registry.experiment_id])}


def test_a_model_whose_stored_bytes_were_changed_while_uploading_is_not_registered(
    registry: Registry, fitted: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = registry.client.log_model_artifacts

    def truncated(logged_id: str, folder: str) -> None:
        path = Path(folder) / model_folder.MODEL_FILE
        path.write_bytes(path.read_bytes()[:-10])
        upload(logged_id, folder)

    monkeypatch.setattr(registry.client, "log_model_artifacts", truncated)
    training = training_of(fitted)
    with pytest.raises(RegistryError, match="not what was recorded"):
        registry.log_training(training)
    assert registry.registered(training.model_id) is None


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda path: path.unlink(), NotFound, "is missing; restore it"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"!"), RegistryError, "not what was recorded"),
        (lambda path: path.write_bytes(b""), RegistryError, "not what was recorded"),
    ],
)
def test_changed_or_missing_bytes_are_never_loaded(
    registry: Registry, logged: Made, damage: Callable[[Path], None], error: type[Exception], message: str
) -> None:
    assert registry.artifacts is not None
    damage(registry.artifacts / logged.registered.artifact.name)
    with pytest.raises(error, match=message):
        registry.load(logged.model)


def test_the_artifact_folder_may_be_moved(registry: Registry, logged: Made, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    assert registry.artifacts is not None
    registry.artifacts.rename(moved)
    assert Registry("sqlite:////nowhere/at.all", moved, registry.name).load(logged.model).predict(frame(4)).size == 4


def test_loading_from_the_folder_does_not_import_mlflow(registry: Registry, logged: Made) -> None:
    code = (
        "import sys; from pathlib import Path; from tiltyard.schemas.records import StoredFile\n"
        "from tiltyard.stores.registry.registry import Registry\n"
        f"registry = Registry({registry.uri!r}, Path({str(registry.artifacts)!r}), 'shop')\n"
        f"registry.load(type('Model', (), dict(model_id='m', recipe={{}}, artifact={logged.registered.artifact!r})))\n"
        "sys.exit('mlflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False).returncode == 0


@pytest.fixture
def strange(fitted: Fitted) -> Fitted:
    """A fitted model of the user's own class."""
    rows = frame().dropna()[["x"]]
    return replace(fitted, model=Own().fit(rows, np.where(rows["x"] > 0, "yes", "no")))


def test_a_type_that_is_not_trusted_is_refused_by_name(registry: Registry, strange: Fitted) -> None:
    with pytest.raises(RegistryError, match=rf"not trusted: {__name__}\.Own"):
        registry.log_training(training_of(strange, golden=frame().dropna()[["x"]]))


def test_the_users_own_classes_are_trusted_when_they_are_named(uri: str, tmp_path: Path, strange: Fitted) -> None:
    own = named_types([Candidate(name="own", estimator=f"{__name__}.Own")])
    registry = Registry(uri, tmp_path / "artifacts", f"own-{uuid4().hex[:8]}", own)
    training = training_of(strange, golden=frame().dropna()[["x"]])
    registered = registry.log_training(training)
    assert type(registry.load(record_of(training, registered))).__name__ == "Own"
    # The candidate has left the project file: what it was fitted by still stands in the model's own record.
    later, record = Registry(uri, tmp_path / "artifacts", registry.name), record_of(training, registered)
    with pytest.raises(RegistryError, match="not trusted"):
        later.load(record)
    assert type(later.load(replace(record, recipe={"estimator": f"{__name__}.Own"}))).__name__ == "Own"


def test_a_model_that_answers_otherwise_once_stored_is_not_registered(uri: str, tmp_path: Path, fitted: Fitted) -> None:
    rows = frame().dropna()[["x"]]
    forgetful = replace(fitted, model=Forgetful().fit(rows, np.where(rows["x"] > 0, "yes", "no")))
    registry = Registry(uri, tmp_path / "artifacts", f"f-{uuid4().hex[:8]}", [f"{__name__}.Forgetful"])
    with pytest.raises(RegistryError, match="answers otherwise once it was stored"):
        registry.log_training(training_of(forgetful, golden=rows))


def test_aliases_and_tags(registry: Registry, logged: Made) -> None:
    assert registry.aliases() == {}
    registry.set_alias("1", CHALLENGER)
    assert registry.show_champion(logged.model) is True
    assert registry.show_champion(logged.model) is False
    assert registry.aliases() == {CHAMPION: "1", CHALLENGER: "1"}
    registry.tag("1", "note", "kept")
    assert registry.client.get_model_version(registry.name, "1").tags["note"] == "kept"


def test_an_alias_cannot_show_what_is_not_there(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="MLflow could not set alias 'champion' to version 9"):
        registry.set_alias("9", CHAMPION)


def test_a_verdict_is_shown_on_run_and_version(registry: Registry, logged: Made, tmp_path: Path) -> None:
    verdict = Verdict(
        verdict_id=VerdictId("v" * 32),
        challenger_id=logged.model.model_id,
        champion_id=None,
        evaluation_id=None,
        decision="keep",
        metric="f1",
        rows=60,
        challenger=Interval(0.6, 0.5, 0.7),
        champion=None,
        gain=None,
        checks=(Check("labels", "pass", 60, 50, "60 evaluation labels"),),
        policy={},
        decided_by="gate",
        reason="too little",
        recorded_at=NOW,
    )
    for _ in range(2):
        registry.log_verdict(logged.model, verdict)
    run = registry.client.get_run(logged.registered.run_id)
    assert run.data.metrics["gate_challenger_low"] == 0.5
    assert "gate_gain_value" not in run.data.metrics
    assert registry.client.get_model_version(registry.name, "1").tags["verdict"] == "keep: too little"
    path = registry.client.download_artifacts(logged.registered.run_id, f"verdict-{'v' * 12}.json", str(tmp_path))
    assert '"60 evaluation labels"' in Path(path).read_text()


def test_projects_in_one_database_do_not_see_each_other(
    uri: str, tmp_path: Path, registry: Registry, logged: Made
) -> None:
    other = Registry(uri, tmp_path / "others", f"other-{uuid4().hex[:8]}")
    assert other.registered(logged.training.model_id) is None
    assert other.aliases() == {}


def test_mlflow_itself_can_read_what_was_logged(registry: Registry, logged: Made, fitted: Fitted) -> None:
    code = (
        "import sys, mlflow, pandas as pd\n"
        f"mlflow.set_tracking_uri({registry.uri!r})\n"
        f"model = mlflow.sklearn.load_model('models:/{registry.name}/1')\n"
        "rows = pd.DataFrame({'x': [0.5], 'city': ['Bonn'], 'note': ['a day']})\n"
        "print(mlflow.models.get_model_info('models:/%s/1').signature.inputs.input_names())\n"
        "print(model.predict_proba(rows)[0, 1])"
    ) % registry.name
    environment = {**os.environ, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "true", "PYTHONWARNINGS": "ignore"}
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout.splitlines()
    rows = pd.DataFrame({"x": [0.5], "city": ["Bonn"], "note": ["a day"]})
    assert told[0] == "['x', 'city', 'note']"
    assert float(told[1]) == pytest.approx(fitted.model.predict_proba(rows)[0, 1])


def test_it_is_quiet(
    uri: str, tmp_path: Path, fitted: Fitted, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        registry = Registry(uri, tmp_path / "artifacts", f"quiet-{uuid4().hex[:8]}")
        registry.log_training(training_of(fitted))
    assert capfd.readouterr() == ("", "")
    assert [entry for entry in caplog.records if entry.name.startswith(("mlflow", "alembic", "skops"))] == []


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("sqlite:////proc/nowhere/mlflow.db", RegistryError),
        ("nonsense://x", RegistryError),
        ("http://127.0.0.1:9", Unavailable),
    ],
)
def test_an_address_that_does_not_answer_is_told(
    address: str, kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(kind, match="cannot be opened"):
        Registry(address, tmp_path, "shop").aliases()
