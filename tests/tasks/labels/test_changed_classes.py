"""Classes come, go and change their names while the project lives: no step ends for it, and no label is lost."""

import json
import random
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from tests.projects.small_project import CONTENT, LENIENT
from tiltyard.apps.cli.main import app
from tiltyard.schemas.records import ModelId, VerdictId
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.judge_challenger import judge_challenger
from tiltyard.tasks.models.promote_challenger import promote_challenger
from tiltyard.tasks.models.score_pool import score_pool
from tiltyard.workspace.workspace import open_workspace

COLUMNS = {"features": {"x": {"kind": "number"}, "y": {"kind": "number"}}, "label": "truth"}
PLACES = {"a": (0, 0), "b": (4, 0), "c": (0, 4), "d": (4, 4)}


def write(folder: Path, *classes: object, **more: object) -> None:
    content = {**CONTENT, "columns": COLUMNS, "classes": list(classes), "gate": LENIENT, "triggers": {"labels": 5}}
    folder.mkdir(exist_ok=True)
    (folder / "project.yaml").write_text(yaml.safe_dump({**content, **more}), "utf-8")


def deliver(folder: Path, number: int, *labels: str, rows: int = 120) -> None:
    chance = random.Random(number)
    told = {label: PLACES[label if label in PLACES else "c"] for label in labels}
    lines = ["x,y,truth"]
    for _ in range(rows):
        label = chance.choice(labels)
        lines.append(f"{told[label][0] + chance.gauss(0, 0.7):.5f},{told[label][1] + chance.gauss(0, 0.7):.5f},{label}")
    (folder / "incoming").mkdir(exist_ok=True)
    (folder / "incoming" / f"{number}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    land_objects.fn(str(folder))
    for one in objects_to_check.fn(str(folder)):
        check_batch.fn(str(folder), one)


def cycle(folder: Path) -> tuple[ModelId, VerdictId]:
    """Train, judge, promote, ask and score; the new model and its verdict."""
    place = str(folder)
    model = fit_candidates.fn(place, snapshot_labels.fn(place, "training"))
    verdict = judge_challenger.fn(place, model, snapshot_labels.fn(place, "evaluation"))
    if open_workspace(folder).ledger.champions.verdict(verdict).decision == "promote":
        promote_challenger.fn(place, verdict)
    choose_samples.fn(place)
    ledger = open_workspace(folder).ledger
    for batch in ledger.batches.pooled():
        score_pool.fn(place, batch.batch_id)
    return model, verdict


def said_by(*command: str) -> str:
    done = CliRunner().invoke(app, list(command))
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(
    ("classes", "more", "delivered", "unknown", "retired"),
    [
        (["a", "b"], {}, ["a", "b"], {"c"}, set()),  # removed
        (["a", "b"], {"retired": ["c"]}, ["a", "b", "c"], set(), {"c"}),  # retired
        (["a", "b", {"name": "sea", "aliases": ["c"]}], {}, ["a", "sea", "c"], set(), set()),  # renamed
        (["a", "b", "sea"], {}, ["a", "b", "sea"], {"c"}, set()),  # renamed without an alias
        (["d", "a", "c", "b"], {}, ["a", "b", "c", "d"], set(), set()),  # added, in another order
        (["b", "d"], {"retired": ["c"], "positive": "d"}, ["b", "d"], {"a"}, {"c"}),  # nearly all others
    ],
)
def test_the_loop_goes_on(
    tmp_path: Path, classes: list[object], more: dict[str, object], delivered: list[str], unknown: set[str],
    retired: set[str],
) -> None:  # fmt: skip
    write(tmp_path, "a", "b", "c")
    deliver(tmp_path, 1, "a", "b", "c")
    first, _ = cycle(tmp_path)
    assert open_workspace(tmp_path).ledger.champions.champion_id == first
    before = len(open_workspace(tmp_path).ledger.annotations.until())
    write(tmp_path, *classes, **more)
    deliver(tmp_path, 2, *delivered)
    model, verdict = cycle(tmp_path)
    workspace = open_workspace(tmp_path)
    assert model != first
    assert len(workspace.ledger.annotations.until()) == before + 120, "every label is kept"
    assert set(workspace.ledger.models.get_set(workspace.ledger.models.get(model).training_id).classes) == set(
        workspace.project.class_names
    )
    assert workspace.ledger.champions.verdict(verdict).champion_id == first
    status = json.loads(said_by("status", "--project", str(tmp_path), "--json"))
    assert set(status["left_out"]["unknown"]) == unknown
    assert set(status["left_out"]["retired"]) == retired
    told = " ".join(said_by("status", "--project", str(tmp_path)).split())
    assert ("alias of a class" in told) == bool(unknown)
    sample = workspace.ledger.annotations.until()[0].sample_id
    for command in ("explain", "history", "report"):
        said_by(command, *([sample] if command == "explain" else []), "--project", str(tmp_path))
    said_by("export-labels", str(tmp_path / "labels.csv"), "--project", str(tmp_path))


def test_rows_of_a_class_that_was_not_known_yet_are_taken_once_it_is(tmp_path: Path) -> None:
    limits = {"limits": {"bad_rows": 0.9}}
    write(tmp_path, "a", "b", **limits)
    deliver(tmp_path, 1, "a", "b", "c")
    assert (waiting := open_workspace(tmp_path).ledger.batches.conservation().quarantined) > 20
    write(tmp_path, "a", {"name": "b", "aliases": ["c"]}, **limits)
    said_by("quarantine", "retry", "--all", "--project", str(tmp_path))
    ledger = open_workspace(tmp_path).ledger
    assert (ledger.batches.conservation().quarantined, ledger.annotations.count()) == (0, 120)
    assert waiting == sum(one.label == "c" for one in ledger.annotations.until())


def test_rollback_and_rebuild_answer_across_the_change(tmp_path: Path) -> None:
    write(tmp_path, "a", "b", "c")
    deliver(tmp_path, 1, "a", "b", "c")
    first, _ = cycle(tmp_path)
    write(tmp_path, "a", {"name": "sea", "aliases": ["c"]}, retired=["b"])
    deliver(tmp_path, 2, "a", "sea")
    second, verdict = cycle(tmp_path)
    project = ("--project", str(tmp_path))
    for model in (first, second):
        said_by("rebuild", model, *project)  # exit code 1 where predictions differ
        said_by("explain", open_workspace(tmp_path).ledger.annotations.until()[0].sample_id, *project)
    assert open_workspace(tmp_path).ledger.champions.verdict(verdict).champion_id == first
    if open_workspace(tmp_path).ledger.champions.champion_id == second:
        said_by("rollback", "--reason", "a test", *project)
    said_by("ask", *project)
    said_by("diff", first, second, *project)
    said_by("show", second, *project)


def test_a_foreign_label_in_an_import_ends_no_training(tmp_path: Path) -> None:
    write(tmp_path, "a", "b", "c")
    deliver(tmp_path, 1, "a", "b", "c")
    exported = tmp_path / "labels.jsonl"
    said_by("export-labels", str(exported), "--project", str(tmp_path))
    other = tmp_path / "other"
    write(other, "a", "b")
    deliver(other, 2, "a", "b")
    imported = CliRunner().invoke(app, ["import-labels", str(exported), "--project", str(other)])
    assert imported.exit_code == 2, "lines that were refused are told, the others are stored"
    assert "'c' is not a class; known: a, b" in imported.output
    cycle(other)
    said = [one.label for one in open_workspace(other).ledger.annotations.until() if one.origin == "import"]
    assert set(said) == {"a", "b"}
