"""A project's columns may bear any name, ours too, in any part: the loop runs, and shows the names as they are."""

import csv
import json
import random
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from tests.projects.small_project import CONTENT, LENIENT
from tests.tasks.labels.test_changed_classes import cycle
from tiltyard.apps.cli.main import app
from tiltyard.schemas.project import OURS
from tiltyard.schemas.project.columns import APART, RESERVED
from tiltyard.workspace.workspace import open_workspace

ODD = [
    "batch", "annotator", "weight", "index", "__x__", "a b", "a.b", "a:b", "it's", '"quoted"', "née", "%", "a{b}",
    "[0]", "<tag>", "a,b", "a\tb", "=1+1", "-", "0", "no", "None", "nan", "class", "def", "self", "payload", "act",
    "note", "target", "y", "_sample", "_entity", "_label", "order", "at", "value", "reason", "level_0", "variable",
    "length of x", APART, f"{OURS}of sample", f"{APART}label", "ßtraße", "日本語", "🙂",
]  # fmt: skip
"""Names that somebody's library trips over."""

NAMES = [*sorted(RESERVED), *ODD]


def write_csv(path: Path, header: list[str], rows: int, labels: tuple[str, ...] = ("pro", "con")) -> None:
    chance = random.Random(len(header))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for row in range(rows):
            label = chance.choice(labels)
            middle = 3 * labels.index(label)
            cells = [f"{chance.gauss(middle, 1):.4f}" for _ in header[4:]]
            moment = f"2026-01-01T00:{row // 60:02}:{row % 60:02}Z"
            writer.writerow([f"key {row}", moment, f"group {row % 40}", label, *cells])


def said_by(*command: str) -> str:
    done = CliRunner().invoke(app, list(command))
    assert done.exit_code == 0, f"{command}: {done.output} {done.exception!r}"
    return done.output


def run_the_loop(folder: Path) -> None:
    project = str(folder)
    said_by("ingest", "--project", project)
    cycle(folder)
    sample = open_workspace(folder).ledger.annotations.until()[0].sample_id
    for command in (
        ["explain", sample],
        ["status"],
        ["report"],
        ["history"],
        ["verify"],
        ["ask"],
        ["quarantine", "list"],
    ):
        said_by(*command, "--project", project)
    said_by("export-labels", str(folder / "labels.csv"), "--project", project)
    said_by("export-labels", str(folder / "labels.jsonl"), "--project", project)


def content(**columns: object) -> dict[str, object]:
    classes = [{"name": "pro", "key": "p"}, {"name": "con", "key": "c"}]
    return {**CONTENT, "classes": classes, "columns": columns, "gate": LENIENT, "triggers": {"labels": 5}}


def test_every_name_is_a_feature(tmp_path: Path) -> None:
    header = ["the id", "when", "who", "truth", *NAMES]
    write_csv(tmp_path / "incoming" / "a.csv", header, 150)
    columns = content(id="the id", time="when", features={name: {"kind": "number"} for name in [*NAMES]},
                      reference=["who"], entity="who", label="truth")  # fmt: skip
    (tmp_path / "project.yaml").write_text(yaml.safe_dump(columns, allow_unicode=True), "utf-8")
    run_the_loop(tmp_path)
    workspace = open_workspace(tmp_path)
    assert workspace.ledger.champions.champion_id is not None
    told = workspace.ledger.annotations.until()[0].payload
    assert set(told) == {*NAMES, "the id", "when", "who"}, "shown by the project's own names"
    assert all(isinstance(told[name], float) for name in NAMES)
    with (tmp_path / "labels.jsonl").open(encoding="utf-8") as lines:
        assert json.loads(next(lines))["payload"] == told


@pytest.mark.parametrize("turn", range(4))
def test_names_of_ours_play_every_part(tmp_path: Path, turn: int) -> None:
    names = ["sample_id", "row", "evaluation", "label"]
    key, moment, entity, label = names[turn:] + names[:turn]
    features = ["annotations", "line", "sample_key", "_purpose"]
    write_csv(tmp_path / "incoming" / "a.csv", [key, moment, entity, label, *features], 150)
    kinds = {name: {"kind": "number"} for name in features}
    columns = content(id=key, time=moment, features=kinds, context={entity: {"kind": "category"}}, entity=entity,
                      label=label)  # fmt: skip
    columns["display"] = {"columns": [features[0], entity]}
    columns["gate"] = {**LENIENT, "slices": {"columns": [entity, "line"]}}
    (tmp_path / "project.yaml").write_text(yaml.safe_dump(columns), "utf-8")
    run_the_loop(tmp_path)
    told = open_workspace(tmp_path).ledger.annotations.until()[0].payload
    assert set(told) == {key, moment, entity, *features}
    (tmp_path / "more.csv").write_text(f"{key},label\nkey 3,pro\n" if key != "label" else "sample_id,label\n", "utf-8")
    if key not in {"label", "sample_id"}:
        said_by(
            "import-labels", str(tmp_path / "more.csv"), "--by", key, "--annotator", "ada", "--project", str(tmp_path)
        )


@pytest.mark.parametrize("name", ["label", "Label", "class", "target", "y"])
def test_init_takes_the_commonest_names_of_labels(tmp_path: Path, name: str) -> None:
    data = tmp_path / "data.csv"
    write_csv(data, ["key", "when", "who", name, "sample_id", "x"], 60)
    said_by("init", str(data), "--into", str(tmp_path / "p"))
    project = open_workspace(tmp_path / "p").project
    assert project.columns.label == name
    assert project.class_names == ["con", "pro"]
    assert "sample_id" in project.columns.features
    said_by("ingest", "--project", str(tmp_path / "p"))
    assert json.loads(said_by("status", "--project", str(tmp_path / "p"), "--json"))["samples"] == 60
