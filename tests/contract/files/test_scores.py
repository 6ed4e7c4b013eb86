"""What models said of texts is kept: the answers are the same with it, without it, and when it is damaged."""

from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.projects.small_project import LENIENT, make_project
from tests.tasks.models.test_training_steps import NOW, a_day_passes
from tiltyard.evaluation import predictions
from tiltyard.evaluation.predictions import Predictions
from tiltyard.schemas.records import Model
from tiltyard.stores.files import FileStore, ParquetStore
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.judge_challenger import judge_challenger
from tiltyard.tasks.models.promote_challenger import promote_challenger
from tiltyard.tasks.models.score_pool import batches_to_score, score_pool
from tiltyard.workspace.models import scores
from tiltyard.workspace.models.scores import Book, drop_oldest, predictions_on
from tiltyard.workspace.workspace import Workspace, open_workspace

COLUMNS = {
    "features": {"x": {"kind": "number"}, "y": {"kind": "number"}, "colour": {"kind": "text"}},
    "reference": ["row_id"],
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a text whose first model is champion, a second day, and answers."""
    gate = {**LENIENT, "margin": 1.0}
    workspace = make_project(tmp_path_factory.mktemp("texts") / "p", columns=COLUMNS, candidates=[], gate=gate)
    a_day_passes(workspace, 0)
    project = str(workspace.project_file)
    model = fit_candidates.fn(project, snapshot_labels.fn(project, "training"))
    verdict = judge_challenger.fn(project, model, snapshot_labels.fn(project, "evaluation"))
    promote_challenger.fn(project, verdict)
    a_day_passes(workspace, 1)
    return workspace.project_file.parent


def go_on(folder: Path) -> dict[str, Any]:
    """What the next tick comes to: the verdict, the predictions, and what is asked."""
    project = str(folder / "project.yaml")
    workspace = open_workspace(folder)
    model = fit_candidates.fn(project, snapshot_labels.fn(project, "training"))
    verdict_id = judge_challenger.fn(project, model, snapshot_labels.fn(project, "evaluation"))
    verdict = workspace.ledger.champions.verdict(verdict_id)
    for batch in batches_to_score.fn(project):
        score_pool.fn(project, batch)
    names = sorted(workspace.predictions.files.names())
    told = [workspace.predictions.files.read(name) for name in names]
    choose_samples.fn(project, 30)
    asked = [(one.sample_id, one.suggestion) for one in workspace.ledger.assignments.lease("ada", NOW, 1000)]
    return {"verdict": replace(verdict, recorded_at=NOW), "predictions": told, "asked": asked}


def test_a_tick_comes_to_the_same_with_answers_kept_forgotten_and_damaged(
    judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = go_on(copytree(judged, tmp_path / "kept"))
    assert (judged / "workspace" / "scores").is_dir()
    damaged = copytree(judged, tmp_path / "damaged")
    for number, file in enumerate(sorted((damaged / "workspace" / "scores").iterdir())):
        content = file.read_bytes()
        file.write_bytes([b"", content[:-9], content.replace(b"PAR1", b"PARX")][number % 3])
    assert go_on(damaged) == kept
    monkeypatch.setattr(scores, "has_texts", lambda _project: False)
    monkeypatch.setattr("tiltyard.tasks.labels.choose_samples.has_texts", lambda _project: False)
    assert go_on(copytree(judged, tmp_path / "forgotten")) == kept


def asked(judged: Path, folder: Path) -> tuple[Workspace, Model, pl.DataFrame]:
    """A copy of the project without kept answers, its champion, and the pool."""
    copytree(judged, folder)
    for file in (folder / "workspace" / "scores").iterdir():
        file.unlink()
    workspace = open_workspace(folder)
    model = workspace.ledger.models.get(str(workspace.ledger.champions.champion_id))
    return workspace, model, pl.concat(workspace.pool.scan(workspace.pool_files()))


def test_a_model_is_asked_for_new_rows_only_and_not_loaded_where_all_is_known(
    judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, model, rows = asked(judged, tmp_path / "p")
    fitted, counted = workspace.fitted(model), list[int]()

    def counting(one: Any, frame: Any, project: Any) -> Predictions:
        counted.append(len(frame))
        return whole(one, frame, project)

    whole = predictions.predict_rows
    monkeypatch.setattr(predictions, "predict_rows", counting)
    few, mixed = rows.head(20), rows.sample(fraction=1, shuffle=True, seed=3)
    first = predictions_on(workspace, model, lambda: fitted, few)
    said = predictions_on(workspace, model, lambda: fitted, mixed)
    again = predictions_on(workspace, model, lambda: pytest.fail("all is known"), few)
    elsewhere = open_workspace(copytree(tmp_path / "p", tmp_path / "q"))
    there = predictions_on(elsewhere, model, lambda: pytest.fail("all is known"), mixed)
    assert counted == [20, rows.height - 20]
    for one, other in ((first, again), (said, there)):
        assert np.array_equal(one.probabilities, other.probabilities)
        assert one.decisions.tolist() == other.decisions.tolist()
    places = [mixed["sample_id"].to_list().index(sample) for sample in few["sample_id"]]
    assert np.array_equal(said.probabilities[places], first.probabilities)
    assert said.decisions[places].tolist() == first.decisions.tolist()


def test_another_project_file_or_another_model_has_answers_of_its_own(judged: Path, tmp_path: Path) -> None:
    workspace, model, rows = asked(judged, tmp_path / "p")
    fitted = workspace.fitted(model)
    predictions_on(workspace, model, lambda: fitted, rows)
    changed = replace(workspace, project=workspace.project.model_copy(update={"seed": 99}))
    other = replace(model, artifact=replace(model.artifact, sha256="0" * 64))
    for where, which in ((changed, model), (workspace, other)):
        with pytest.raises(LookupError, match="asked"):
            predictions_on(where, which, lambda: (_ for _ in ()).throw(LookupError("asked")), rows)


def predicted(number: int) -> Predictions:
    shares = np.linspace(0, 1, number)
    return Predictions(np.column_stack([shares, 1 - shares]), np.array(["a"] * number), ("a", "b"), "b")


def test_no_more_is_kept_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "MOST_CELLS", 20)
    book = Book.read("one", FileStore(tmp_path))
    book.add(pl.Series([f"s{number}" for number in range(8)]), predicted(8))
    book.add(pl.Series([f"t{number}" for number in range(8)]), predicted(8))
    book.add(pl.Series(["u"]), predicted(1))
    kept = Book.read("one", FileStore(tmp_path)).rows
    assert kept is not None
    assert sorted(kept["sample_id"]) == [*(f"s{number}" for number in range(8)), "t0", "t1"]


def test_the_models_that_were_asked_longest_ago_make_room(tmp_path: Path) -> None:
    files = FileStore(tmp_path)
    for name in ("old", "mid", "new"):
        Book.read(name, files).add(pl.Series([f"{name}{number}" for number in range(50)]), predicted(50))
    Book.read("old", files)  # asked again
    size = max(path.stat().st_size for path in tmp_path.iterdir())
    assert drop_oldest(files, "new", most_bytes=2 * size) == 1
    assert sorted(name.partition("-")[0] for name in files.names()) == ["new", "old"]


def test_a_disk_that_takes_no_more_costs_only_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ParquetStore, "keep", full)
    book = Book.read("one", FileStore(tmp_path))
    book.add(pl.Series(["s"]), predicted(1))
    assert book.looked_up(pl.Series(["s", "t"])) is not None
