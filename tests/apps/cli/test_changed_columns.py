"""A project whose columns change after months of batches: the loop goes on, or says in a sentence why it cannot."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tests.clients.commands import done, tiltyard
from tests.projects.judged_project import LENIENT, NOW, judged_project
from tests.projects.small_project import a_day, answer_queue, deliver, make_project
from tiltyard.schemas.errors import ProjectFileError
from tiltyard.tasks.ingest.check_batch import check_batch
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.models.promote_challenger import pending_verdict, promote_challenger
from tiltyard.tasks.models.rebuild_model import rebuild_model
from tiltyard.tasks.models.score_pool import batches_to_score, score_pool
from tiltyard.tasks.monitoring.compare_with_training import compare_with_training
from tiltyard.tasks.monitoring.watch_champion import watch_champion
from tiltyard.workspace.evaluation_set import first_rows
from tiltyard.workspace.workspace import Workspace, open_workspace

COMMITTEE = {"budget": 24, "strategy": "committee_vote"}
PLAIN = {
    "name": "bare",
    "estimator": "sklearn.tree.DecisionTreeClassifier",
    "parameters": {"max_depth": 2, "random_state": 0},
    "preprocessing": "none",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of x, y and colour, a model and a verdict each."""
    workspace = judged_project(tmp_path_factory.mktemp("columns") / "template")
    assert workspace.ledger.champions.champion_id
    workspace.ledger.close()
    return workspace.project_file.parent


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "project"))


def change(folder: Path, *gone: str, more: dict[str, Any] | None = None, **keys: Any) -> Workspace:
    """The project with some features gone, others added or of another kind, and other top-level keys."""
    content = yaml.safe_load((folder / "project.yaml").read_text("utf-8")) | keys
    features = {name: column for name, column in content["columns"]["features"].items() if name not in gone}
    content["columns"]["features"] = features | (more or {})
    content["display"] = {"columns": list(content["columns"]["features"])}
    (folder / "project.yaml").write_text(yaml.safe_dump(content), "utf-8")
    return open_workspace(folder)


def a_day_with(number: int, column: str, values: list[str]) -> str:
    """A day's CSV with one more column."""
    first, *lines = a_day(number).splitlines()
    rows = [f"{line},{values[place % len(values)]}" for place, line in enumerate(lines)]
    return "\n".join([f"{first},{column}", *rows]) + "\n"


def without(column: str, day: str) -> str:
    """A day's CSV without one of its columns."""
    rows = [line.split(",") for line in day.splitlines()]
    place = rows[0].index(column)
    return "\n".join(",".join(cell for at, cell in enumerate(row) if at != place) for row in rows) + "\n"


def once_round(workspace: Workspace, day: str) -> None:
    """A day of the loop by commands: data, questions, answers, a challenger, its verdict, what follows of it."""
    project = ("--project", workspace.project_file)
    deliver(workspace, f"day-{len(workspace.ledger.batches.all())}.csv", day)
    for command in ("ingest", "ask"):
        done(command, *project)
    answer_queue(workspace, NOW)
    for command in ("train", "judge"):
        done(command, *project)
    if verdict := pending_verdict.fn(str(workspace.project_file)):
        promote_challenger.fn(str(workspace.project_file), verdict)


def look_at_all(workspace: Workspace) -> None:
    """Every command and step that asks a model of before, or reads rows of before."""
    project, file = ("--project", workspace.project_file), str(workspace.project_file)
    first, *_, last = workspace.ledger.models.all()
    oldest = workspace.pool.parquet.read(workspace.pool_files()[0])["sample_id"][0]
    for model in (first, last):
        done("show", model.model_id, *project)
        done("explain", oldest, "--model", model.model_id, *project)
        assert rebuild_model.fn(file, model.model_id).equal
    assert done("diff", first.model_id, last.model_id, *project, "--json").data["flips"]["rows"] > 0
    page = workspace.project_file.parent / "page.html"
    verdicts = workspace.ledger.champions.verdicts()
    for verdict in (verdicts[0], verdicts[-1]):
        done("report", verdict.verdict_id, *project, "--out", page)
        assert "could not be asked again" not in page.read_text("utf-8")
    for batch in batches_to_score.fn(file):
        score_pool.fn(file, batch)
    watch_champion.fn(file)
    done("judge", "--what-if", *project)
    done("report", *project, "--out", page)
    for command in ("status", "history", "verify"):
        done(command, *project)


@pytest.mark.parametrize(
    ("kind", "missing", "values"),
    [
        ("number", True, ["1.5", "-2"]),
        ("category", False, ["north", "south"]),
        ("timestamp", False, ["2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"]),
    ],
)
def test_a_feature_that_is_added_is_missing_in_the_rows_of_before(
    folder: Path, kind: str, missing: bool, values: list[str]
) -> None:
    before = open_workspace(folder)
    champion = before.ledger.champions.champion_id
    workspace = change(folder, more={"z": {"kind": kind, "missing": missing}}, query=COMMITTEE)
    once_round(workspace, a_day_with(2, "z", values))
    rows = first_rows(workspace, 1000)
    assert 0 < rows["z"].null_count() < rows.height
    verdict = workspace.ledger.champions.verdicts()[-1]
    assert verdict.champion_id == champion, "the champion of before is judged, too"
    assert verdict.champion
    assert verdict.rows
    trained = workspace.labeled_rows(workspace.ledger.models.all()[-1].training_id)
    assert 0 < trained["z"].null_count() < trained.height
    if kind == "number":
        look_at_all(workspace)


def test_a_column_that_is_new_since_the_champion_is_no_drift(folder: Path) -> None:
    workspace = change(folder, more={"z": {"kind": "number"}})
    deliver(workspace, "day-2.csv", a_day_with(2, "z", ["1", "2"]))
    done("ingest", "--project", workspace.project_file)
    assert "z" not in [one["column"] for one in compare_with_training.fn(str(workspace.project_file))]


def test_a_feature_that_is_removed_is_missing_to_the_models_of_before(folder: Path) -> None:
    champion = open_workspace(folder).ledger.champions.champion_id
    workspace = change(folder, "colour", query=COMMITTEE)
    once_round(workspace, without("colour", a_day(2)))
    assert workspace.ledger.champions.verdicts()[-1].champion_id == champion
    look_at_all(workspace)


def test_a_model_that_takes_the_columns_as_they_are_has_those_of_its_time(tmp_path: Path) -> None:
    numbers = {"x": {"kind": "number"}, "y": {"kind": "number"}}
    columns = {"features": numbers, "context": {"colour": {"kind": "category"}}, "reference": ["row_id"]}
    begun = make_project(tmp_path / "project", gate=LENIENT, candidates=[PLAIN], columns=columns)
    once_round(begun, a_day(0))
    assert begun.ledger.champions.champion_id
    workspace = change(tmp_path / "project", "y", more={"z": {"kind": "integer"}})
    once_round(workspace, without("y", a_day_with(2, "z", ["1", "2"])))
    assert workspace.ledger.champions.verdicts()[-1].champion
    look_at_all(workspace)


@pytest.mark.parametrize(
    ("name", "then", "now"),
    [("colour", "category", "text"), ("count", "integer", "number"), ("words", "text", "category")],
)
def test_a_kind_that_holds_all_values_of_the_one_before_goes_on(folder: Path, name: str, then: str, now: str) -> None:
    values = ["1", "2", "3"] if then == "integer" else ["red", "green"]
    day = a_day if name == "colour" else lambda number: a_day_with(number, name, values)
    if name != "colour":
        once_round(change(folder, more={name: {"kind": then}}), day(2))
    workspace = change(folder, more={name: {"kind": now}})
    once_round(workspace, day(len(workspace.ledger.batches.all())))
    assert workspace.ledger.champions.verdicts()[-1].champion
    first, *_, last = workspace.ledger.models.all()
    pair = done("diff", first.model_id, last.model_id, "--project", workspace.project_file, "--json").data
    assert pair["flips"]["rows"] > 0


@pytest.mark.parametrize(
    ("name", "now", "told"),
    [
        ("colour", "number", "'colour' is number in the project file, but category or text in the rows"),
        ("x", "integer", "'x' is integer in the project file, but number in the rows"),
        ("y", "text", "'y' is text in the project file, but number in the rows"),
    ],
)
def test_any_other_kind_is_refused_before_anything_is_written(folder: Path, name: str, now: str, told: str) -> None:
    workspace = change(folder, more={name: {"kind": now}})
    before = workspace.ledger.position()
    deliver(workspace, "day-2.csv", a_day(2))
    project = ("--project", workspace.project_file)
    for command in (("ingest",), ("ask",), ("train", "--force"), ("judge",)):
        said = tiltyard(*command, *project)
        assert said.code == 2
        assert told in " ".join(said.err.split())
        assert "give it back" in " ".join(said.err.split())
    file = str(workspace.project_file)
    for step in (choose_samples.fn, watch_champion.fn, lambda one: snapshot_labels.fn(one, "training")):
        with pytest.raises(ProjectFileError, match=told):
            step(file)
    landed = workspace.ledger.batches.objects()[0].object_id
    with pytest.raises(ProjectFileError, match=told):
        check_batch.fn(file, landed)
    assert workspace.ledger.position() == before
    back = change(folder, more={name: {"kind": "category" if name == "colour" else "number"}})
    once_round(back, a_day(3))
    assert isinstance(first_rows(back, 10), pl.DataFrame)
