"""A small project that the Python API alone made: a day of data, labels, a champion."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

import tiltyard
from tests.projects.judged_project import LENIENT
from tests.projects.small_project import CONTENT, a_day


def true_labels(rows: pd.DataFrame) -> list[str]:
    """What an expert says of each row."""
    return [
        "yes" if x + 0.5 * y + (colour == "red") > 0 else "no" for x, y, colour in rows[["x", "y", "colour"]].values
    ]


def made_project(folder: Path) -> "tiltyard.Project":
    """A project in a fresh folder, with 120 rows to take in and one that is bad."""
    (folder / "incoming").mkdir(parents=True)
    (folder / "project.yaml").write_text(yaml.safe_dump({**CONTENT, "gate": LENIENT}), "utf-8")
    (folder / "incoming" / "day-1.csv").write_text(a_day(1, 120) + "abc,1.0,red,9999\n", "utf-8")
    return tiltyard.open(folder)


def annotate_queue(project: "tiltyard.Project", by: str = "ada") -> None:
    """An expert labels everything in the queue."""
    queue = project.queue()
    project.annotate(queue.assign(label=true_labels(queue)), by=by)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project with a champion, made once."""
    folder = tmp_path_factory.mktemp("template") / "my-project"
    project = made_project(folder)
    project.ingest()
    project.ask(budget=60)
    annotate_queue(project)
    project.train()
    project.judge()
    project.promote(by="lead")
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "tiltyard.Project":
    """A copy of that project in ``my-project`` below the current folder, opened."""
    shutil.copytree(template, tmp_path / "my-project")
    monkeypatch.chdir(tmp_path)
    return tiltyard.open("my-project")
