"""The registry against an MLflow server: models kept by the server, and models kept in our own folder."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.servers.mlflow_server import running_mlflow
from tiltyard.schemas.errors import SettingsError
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import ModelId, StoredFile, TrainingId
from tiltyard.stores.registry.client import open_client
from tiltyard.stores.registry.registry import Registry
from tiltyard.stores.registry.runs import Training
from tiltyard.training.search.tuning import Fitted, fit_candidates

PROJECT = Project.model_validate(
    {"name": "small", "columns": {"features": {"x": {"kind": "number"}}}, "classes": ["no", "yes"]}
)
ROWS = pd.DataFrame({"x": np.linspace(-1, 1, 40)})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running MLflow server with a database and a folder of its own."""
    with running_mlflow(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit_candidates(ROWS, np.where(ROWS["x"] > 0, "yes", "no"), PROJECT, 0)


@pytest.mark.parametrize("ours", [False, True])
def test_a_server_keeps_runs_models_and_aliases(server: str, fitted: Fitted, tmp_path: Path, ours: bool) -> None:
    registry = Registry(server, tmp_path / "artifacts" if ours else None, f"small-{ours}")
    training = Training(
        model_id=ModelId("m" * 32), training_id=TrainingId("t" * 32), fitted=fitted, golden=ROWS.head(5), rows=40
    )
    registered = registry.log_training(training)
    assert registered.artifact.name.startswith("models/" if ours else "mlflow-artifacts:/")
    assert registry.log_training(training) == registered
    record = type("Recorded", (), {"model_id": "m", "recipe": {}, "artifact": registered.artifact})
    assert np.array_equal(registry.load(record).predict(ROWS), fitted.model.predict(ROWS))  # type: ignore[arg-type]  # a record's two fields
    size = registry.size_of(record)  # type: ignore[arg-type]  # a record's two fields
    registry.set_alias(registered.version, "champion")
    assert registry.aliases() == {"champion": "1"}
    assert registry.close_stale_runs() == 0
    assert isinstance(registered.artifact, StoredFile)
    assert registry.let_go(record) == size  # type: ignore[arg-type]  # a record's two fields
    assert not registry.has_bytes(record)  # type: ignore[arg-type]  # a record's two fields
    assert registry.let_go(record) == 0  # type: ignore[arg-type]  # a record's two fields


def test_a_server_that_asks_for_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who lacks it is told so, and is not kept waiting: no other attempt changes it."""
    password = "long enough for MLflow"
    with running_mlflow(tmp_path, password=password) as address:
        for given in ("", "another password"):
            monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "tiltyard")
            monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", given)
            with pytest.raises(SettingsError, match="MLFLOW_TRACKING_PASSWORD"):
                open_client(address)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)
        assert open_client(address).search_experiments(max_results=1)
