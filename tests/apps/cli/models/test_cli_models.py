"""``show``, ``diff``, ``explain`` and what ``history`` and ``ask`` tell of versions and stopping, on a real story."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tests.clients.commands import done, tiltyard
from tests.projects.judged_project import judged_project
from tiltyard.samples.features import feature_frame
from tiltyard.workspace.evaluation_set import first_rows
from tiltyard.workspace.lookup import show_version
from tiltyard.workspace.models.model_diff import compare_pair
from tiltyard.workspace.stopping import measure_stability
from tiltyard.workspace.workspace import Workspace, open_workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return judged_project(tmp_path_factory.mktemp("models") / "project")


@pytest.fixture
def own(workspace: Workspace, tmp_path: Path) -> Path:
    """A copy of the project that a test may change."""
    shutil.copytree(workspace.project_file.parent, tmp_path / "project")
    return tmp_path / "project"


def told(workspace: Workspace, *words: str) -> Any:
    return done(*words, "--project", workspace.project_file, "--json").data


def change(folder: Path, **changes: Any) -> Workspace:
    """The project with other top-level keys."""
    content = yaml.safe_load((folder / "project.yaml").read_text("utf-8")) | changes
    (folder / "project.yaml").write_text(yaml.safe_dump(content), "utf-8")
    return open_workspace(folder)


def test_show_lists_what_a_model_was_made_of(workspace: Workspace) -> None:
    last = workspace.ledger.models.all()[-1]
    labeled = workspace.ledger.models.get_set(last.training_id)
    facts = told(workspace, "show", "challenger")
    assert facts["model"] == last.model_id
    assert (facts["version"], facts["why"]) == ("1.0.1", f"patch: other labels: {labeled.rows} instead of 15")
    assert facts["data"]["training set"] == last.training_id
    assert facts["data"]["ledger position"] == labeled.position
    assert facts["data"]["classes"] == dict(labeled.classes)
    assert (facts["data"]["pool files"], facts["data"]["pool rows"]) == (2, 120)
    assert facts["recipe"]["estimator"] == "sklearn.linear_model.LogisticRegression"
    assert (facts["seed"], facts["code"]) == (7, last.code_version)
    assert facts["environment"]["numpy"] == last.environment["numpy"]
    assert facts["threshold"] == last.threshold
    assert facts["stored"]["sha256"] == last.artifact.sha256
    assert [trial["candidate"] for trial in facts["trials"]] == ["logistic"]
    assert facts["trials"][0]["state"] == "finished"
    assert [one["challenger_id"] for one in facts["verdicts"]] == [last.model_id]
    assert {row["column"] for row in facts["importance"]} == {"x", "y", "colour"}


@pytest.mark.parametrize("name", ["challenger", "champion", "1.0.1", None])
def test_a_model_is_named_in_many_ways(workspace: Workspace, name: str | None) -> None:
    champion = workspace.ledger.champions.champion_id
    assert champion
    facts = told(workspace, "show", name or champion[:6])
    assert facts["model"] == workspace.ledger.models.all()[1].model_id == champion
    assert facts["champion"]
    assert [move["number"] for move in facts["promotions"]] == [2]


def test_show_reads_well_within_80_columns(workspace: Workspace) -> None:
    out = done("show", "--project", workspace.project_file).out
    assert "version 1.0.1, the champion" in out
    for part in ("ledger position", "scikit-learn", "Trials", "Verdicts", "Moves of the champion", "is shuffled"):
        assert part in out
    assert max(map(len, out.splitlines())) <= 80 or "\n" not in out.strip()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "9.9"), "no model has version '9.9'"),
        (("show", "zz"), "no model begins with 'zz'"),
        (("explain", "ab"), "too short"),
        (("explain", "zzzz"), "no sample begins with 'zzzz'"),
    ],
)
def test_a_name_that_means_nothing_is_a_mistake(workspace: Workspace, words: tuple[str, ...], said: str) -> None:
    answer = tiltyard(*words, "--project", workspace.project_file)
    assert answer.code == 2
    assert said in answer.err


def test_diff_lists_what_differs_and_counts_the_flips(workspace: Workspace) -> None:
    first, second = workspace.ledger.models.all()
    data = told(workspace, "diff", "1.0.0", "1.0.1", "--samples", "1000")
    items = {one["item"]: (one["before"], one["after"]) for one in data["differences"]}
    sizes = [workspace.ledger.models.get_set(model.training_id).rows for model in (first, second)]
    assert items["data.labels"] == tuple(sizes)
    assert items["data.pool files"] == (1, 2)
    assert not [item for item in items if item.startswith(("environment", "code", "seed", "project file"))]
    rows = first_rows(workspace, 20_000)
    frame = feature_frame(rows, workspace.project)
    old, new = (workspace.registry.load(model).predict(frame).astype(str) for model in (first, second))
    flips = data["flips"]
    assert (flips["rows"], flips["flips"]) == (len(old), int((old != new).sum()))
    assert sum(row["samples"] for row in flips["by_classes"]) == flips["flips"] == len(flips["samples"]) > 0
    labels = {label.sample_id: label.label for label in _labels(workspace)}
    known = [one for one in flips["samples"] if one["label"]]
    assert {one["sample_id"]: one["label"] for one in known}.items() <= labels.items()
    assert flips["right"] == {
        "after": sum(one["after"] == one["label"] for one in known),
        "before": sum(one["before"] == one["label"] for one in known),
        "neither": 0,
    }
    trained = pl.concat([workspace.labeled_rows(model.training_id) for model in (first, second)])["sample_id"]
    assert not {one["sample_id"] for one in flips["samples"]} & set(trained)


def _labels(workspace: Workspace) -> Any:
    from tiltyard.workspace.lookup import current_labels

    return current_labels(workspace)


def test_diff_of_a_model_with_itself_is_nothing(workspace: Workspace) -> None:
    out = done("diff", "champion", "1.0.1", "--project", workspace.project_file).out
    assert "have the same inputs" in out
    assert "0 of " in out


def test_diff_reads_well(workspace: Workspace) -> None:
    out = done("diff", "1.0.0", "champion", "--project", workspace.project_file).out
    assert "predictions on evaluation rows flipped" in out
    assert "Flipped samples" in out
    assert "x" in out.split("Flipped samples")[1].splitlines()[1]


def test_models_of_other_columns_are_compared_but_told_nothing_of_stability(own: Path) -> None:
    columns = yaml.safe_load((own / "project.yaml").read_text("utf-8"))["columns"]
    columns["features"]["size"] = {"kind": "number"}
    changed = change(own, columns=columns)
    first, second = changed.ledger.models.all()
    data = told(changed, "diff", "1.0.0", "1.0.1")
    assert data["flips"]["rows"] == compare_pair(changed, first, second, 1).rows > 0
    assert data["differences"]
    assert measure_stability(changed, second, None) is None


def test_explain_weighs_the_parts_of_a_sample(workspace: Workspace) -> None:
    sample = workspace.labeled_rows(workspace.ledger.models.all()[1].training_id)[0]
    sample_id = sample["sample_id"].item()
    data = told(workspace, "explain", sample_id[:8])
    assert data["sample"] == sample_id
    assert data["label"] == sample["label"].item()
    model = workspace.load_model(data["model"])
    frame = feature_frame(sample, workspace.project)
    assert data["said"]["label"] == str(model.predict(frame)[0])
    assert data["said"]["probability"] == pytest.approx(model.predict_proba(frame).max(), abs=1e-4)
    assert {factor["name"] for factor in data["said"]["factors"]} <= {"x", "y", "colour"}
    assert data["said"]["factors"]
    other = told(workspace, "explain", sample_id, "--model", "1.0.0")
    assert other["model"] == workspace.ledger.models.all()[0].model_id
    shown = done("explain", sample_id, "--project", workspace.project_file).out
    assert "Parts behind the prediction" in shown
    assert f"Its label is {data['label']!r}." in shown


def test_history_and_mlflow_show_versions_with_their_reasons(workspace: Workspace) -> None:
    data = told(workspace, "history")
    assert [(one["number"], one["step"]) for one in data["versions"]] == [("1.0.0", "first"), ("1.0.1", "patch")]
    assert "Version 1.0.1, patch: other labels" in done("history", "--project", workspace.project_file).out
    first, second = workspace.ledger.models.all()
    client, name = workspace.registry.client, workspace.registry.name
    for _ in range(2):
        tags = client.get_model_version(name, second.registry_version).tags
        assert (tags["version"], tags["version_why"]) == ("1.0.1", f"patch: {data['versions'][1]['why']}")
        show_version(workspace, second.model_id)  # it may be repeated
    assert client.get_model_version(name, first.registry_version).tags["version"] == "1.0.0"


def test_ledger_and_mlflow_keep_what_a_verdict_found_of_the_model(workspace: Workspace) -> None:
    verdict = workspace.ledger.champions.verdicts()[-1]
    found = dict(verdict.evidence or {})
    assert {row["column"] for row in found["importance"]} == {"x", "y", "colour"}
    assert found["stability"]["previous"] == workspace.ledger.models.all()[0].model_id
    (kept,) = (workspace.folder / "artifacts").rglob(f"verdict-{verdict.verdict_id[:12]}.json")
    assert json.loads(kept.read_text("utf-8"))["evidence"] == found


def test_train_says_which_step_the_model_is(own: Path) -> None:
    change(own, tuning={"minimum_labels": 8, "folds": 3})
    out = done("train", "--force", "--project", own).out
    assert "It is version 1.1.0, minor: another recipe: tuning.folds is 3, was 2" in " ".join(out.split())


def test_ask_says_when_more_labels_hardly_pay(own: Path) -> None:
    assert "unlikely to improve" not in done("ask", "--budget", "1", "--project", own).out
    change(own, stopping={"kappa": 0.01, "models": 1})
    answer = done("ask", "--budget", "2", "--project", own)
    assert "Note: more labels are unlikely to improve the model: stabilizing predictions" in answer.out
    assert "Requested 1 label:" in answer.out  # it is advice
