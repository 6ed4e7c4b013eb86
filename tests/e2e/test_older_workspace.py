"""A workspace that an older version made: it opens, verifies, predicts, rebuilds, retrains, judges and rolls back."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.clients.commands import done, tiltyard
from tests.projects.older_workspace import placed
from tiltyard.evaluation.predictions import predict_rows, predictions_hash
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.records import Model
from tiltyard.stores.registry.serialization import TRUSTED
from tiltyard.workspace.workspace import Workspace, open_workspace


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The older projects in a fresh folder; one of them has modules of its own, which are put on the path."""
    folder = placed(tmp_path_factory.mktemp("older"))
    sys.path.insert(0, str(folder / "tickets"))
    yield folder
    sys.path.remove(str(folder / "tickets"))


@dataclass
class LivedOn:
    """The project of tickets after it went on under today's code: what commands answered, and what lay there before."""

    folder: Path
    bytes_before: dict[str, str]
    answers: dict[str, Any]

    @property
    def workspace(self) -> Workspace:
        """The workspace as any process would open it."""
        return open_workspace(self.folder)

    @property
    def models(self) -> list[Model]:
        """Every model, first to last: words, boosted and one desk of then, and today's."""
        return self.workspace.ledger.models.all()


@pytest.fixture(scope="module")
def lived_on(older: Path) -> LivedOn:
    folder = older / "tickets"
    before, answers = hashes(folder), {}
    for name in ("status", "history", "verify", "doctor"):
        answers[f"{name} at first"] = tiltyard(name, "-p", folder, "--json").data
    models = [str(one.model_id) for one in open_workspace(folder).ledger.models.all()]
    answers["rebuild"] = [tiltyard("rebuild", one, "-p", folder, "--json").data for one in models]
    answers["train"] = done("train", "-p", folder, "--json").data
    answers["judge"] = done("judge", "-p", folder, "--json").data
    answers["promote"] = done("promote", "-p", folder, "--json").data
    answers["ask"] = done("ask", "-p", folder, "--json").data
    answers["rollback"] = done("rollback", "-p", folder, "--to", models[0], "--reason", "as before", "--json").data
    answers["verify"] = done("verify", "-p", folder, "--json").data
    return LivedOn(folder, before, answers)


def hashes(folder: Path) -> dict[str, str]:
    """What each model and landed file of a project hashes to, by its place."""
    kept = [*folder.rglob("*.skops"), *folder.rglob("*.parquet"), *folder.glob("workspace/segments/*")]
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in kept}


def test_it_opens_and_every_byte_is_what_the_ledger_says(lived_on: LivedOn) -> None:
    assert lived_on.answers["verify at first"]["problems"] == []
    assert lived_on.answers["verify"]["problems"] == []
    failed = [one for one in lived_on.answers["doctor at first"]["findings"] if one["state"] == "fail"]
    assert failed == []


def test_no_stored_byte_was_changed(lived_on: LivedOn) -> None:
    after = hashes(lived_on.folder)
    assert lived_on.bytes_before.items() <= after.items()


def test_labels_of_both_people_are_all_there(lived_on: LivedOn) -> None:
    annotations = lived_on.workspace.ledger.annotations.until()
    assert {one.annotator for one in annotations} == {"ada", "bea"}
    assert {one.act for one in annotations} == {"label", "skip"}
    assert len(annotations) == 3 * (60 + 16) + 52


def test_each_stored_model_predicts_as_the_one_that_is_fitted_again(lived_on: LivedOn) -> None:
    assert [answer["equal"] for answer in lived_on.answers["rebuild"]] == [True, True, True]


@pytest.mark.parametrize("number", [0, 1, 2], ids=["words", "boosted", "one desk"])
def test_each_stored_model_predicts_what_the_older_version_recorded(lived_on: LivedOn, number: int) -> None:
    workspace, model = lived_on.workspace, lived_on.models[number]
    frame = feature_frame(workspace.labeled_rows(model.training_id), workspace.project)
    assert predictions_hash(predict_rows(workspace.fitted(model), frame, workspace.project)) == model.predictions_hash


def test_the_next_model_learns_from_all_labels_and_may_become_champion(lived_on: LivedOn) -> None:
    last = lived_on.models[-1]
    assert len(lived_on.models) == 4
    sets = [one for one in lived_on.workspace.ledger.models.sets() if one.purpose == "training"]
    assert sets[-1].rows > sets[-2].rows
    assert lived_on.answers["judge"]["verdict"]["decision"] == "promote"
    moves = lived_on.workspace.ledger.champions.history()
    assert [one.kind for one in moves] == ["promotion", "promotion", "promotion", "roll_back"]
    assert moves[2].model_id == last.model_id


def test_it_rolls_back_to_a_model_of_then(lived_on: LivedOn) -> None:
    workspace = lived_on.workspace
    assert workspace.ledger.champions.champion_id == lived_on.models[0].model_id
    assert workspace.registry.aliases()["champion"] == lived_on.models[0].registry_version


def test_a_new_archive_holds_names_of_today_only(lived_on: LivedOn) -> None:
    from skops.io import get_untrusted_types

    content = next((lived_on.folder / "workspace" / "artifacts").rglob(lived_on.models[-1].artifact.name))
    own = {name for name in get_untrusted_types(file=content) if name.startswith("tiltyard.")}
    assert own
    assert own <= TRUSTED


def test_mlflow_loads_a_model_of_then_by_itself(lived_on: LivedOn) -> None:
    import mlflow.sklearn

    workspace, model = lived_on.workspace, lived_on.models[0]
    folder = (workspace.folder / "artifacts" / model.artifact.name).parent
    rows = feature_frame(workspace.labeled_rows(model.training_id), workspace.project)
    told = mlflow.sklearn.load_model(str(folder)).predict_proba(rows)
    assert np.allclose(told, workspace.fitted(model).predict_proba(rows))


def test_a_project_file_of_then_names_our_own_pandera_model(older: Path) -> None:
    folder = older / "digits"
    assert "pandera: examples.digits.pandera_schema:Digits" in (folder / "project.yaml").read_text("utf-8")
    workspace = open_workspace(folder)
    assert {batch.contract_hash for batch in workspace.ledger.batches.all()} == {workspace.contract_hash}
    header, first, *_ = (folder / "incoming" / "2026-01-06.csv").read_text("utf-8").splitlines()
    time, *cells = first.split(",")
    blank = ",".join([time, *(["0"] * 64), "9000"])
    inked = [
        ",".join([time.replace("2026-01-06", f"2026-02-{day:02}"), *cells[:-1], f"90{day:02}"]) for day in range(1, 21)
    ]
    (folder / "incoming" / "blank.csv").write_text("\n".join([header, blank, *inked, ""]), "utf-8")
    (batch,) = done("ingest", "-p", folder, "--json").data["batches"]
    assert (batch["accepted"], batch["quarantined"]) == (20, 1)
