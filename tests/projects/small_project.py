"""A small project for tests: two numbers and a colour, an answer that follows from them, and an expert who knows."""

import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import yaml

from tiltyard.schemas.records import Assignment, NewAnnotation
from tiltyard.stores.files import FolderObjects
from tiltyard.stores.files.landing import ObjectStore
from tiltyard.stores.s3 import S3Objects
from tiltyard.workspace.workspace import Workspace, open_workspace

CONTENT = {
    "name": "small",
    "columns": {
        "features": {
            "x": {"kind": "number", "min": -100, "max": 100},
            "y": {"kind": "number"},
            "colour": {"kind": "category", "allowed": ["red", "green", "blue"]},
        },
        "reference": ["row_id"],
    },
    "classes": [{"name": "no", "key": "n"}, {"name": "yes", "key": "y"}],
    "limits": {"bad_rows": 0.2},
    "candidates": [{"name": "logistic", "estimator": "sklearn.linear_model.LogisticRegression"}],
    "tuning": {"minimum_labels": 8, "folds": 2},
    "query": {"budget": 24, "strategy": "margin_kmeans"},
    "evaluation": {"share": 0.35, "budget_share": 0.4},
    "gate": {"metric": "accuracy", "minimum_labels": 8, "resamples": 200},
    "triggers": {"labels": 12},
    "seed": 7,
}
"""The project file's content; small enough that a whole cycle takes a second."""

STUMP = {
    "name": "stump",
    "estimator": "sklearn.tree.DecisionTreeClassifier",
    "parameters": {"max_depth": 1, "random_state": 0},
}
"""A candidate that sees one column only."""

LENIENT = {"metric": "accuracy", "minimum_labels": 8, "resamples": 200, "rule": "not_worse", "margin": 0.3}
"""A gate for a handful of labels: they show that a model is not much worse, hardly ever that it is better."""


def make_project(folder: Path, **changes: object) -> Workspace:
    """A project in a fresh folder, opened; ``changes`` replace top-level keys of the project file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "project.yaml").write_text(yaml.safe_dump({**CONTENT, **changes}), "utf-8")
    return open_workspace(folder)


def a_day(number: int, rows: int = 60) -> str:
    """One day's CSV: row ids go on from day to day, values depend on the day's number only."""
    rng = np.random.default_rng(number)
    lines = ["x,y,colour,row_id"]
    for row in range(rows):
        x, y = rng.normal(0, 2, 2)
        lines.append(f"{x:.4f},{y:.4f},{rng.choice(['red', 'green', 'blue'])},{number * 1000 + row}")
    return "\n".join(lines) + "\n"


def deliver(workspace: Workspace, key: str, content: str) -> None:
    """Put an object where producers put them."""
    put_object(workspace.source, key, content.encode())


def put_object(source: ObjectStore, key: str, content: bytes) -> None:
    """Put bytes where producers put objects, into the folder or the bucket."""
    if isinstance(source, FolderObjects):
        path = source.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    else:
        assert isinstance(source, S3Objects)
        source.place.client.put_object(Bucket=source.bucket, Key=source.place.whole_key(key), Body=content)


def truth(assignment: Assignment) -> str:
    """What the expert knows of a sample."""
    payload = assignment.payload
    return "yes" if payload["x"] + 0.5 * payload.get("y", 0) + (payload.get("colour") == "red") > 0 else "no"


def copied(template: Path, folder: Path) -> Workspace:
    """A copy of a project, opened: what a test does to it, no other meets."""
    return open_workspace(Path(shutil.copytree(template, folder)))


def answer_queue(workspace: Workspace, now: datetime, annotator: str = "ada") -> int:
    """The expert answers all that waits; returns how many answers were new. A second call answers the rest."""
    waiting = workspace.ledger.assignments.lease(annotator, now, 10_000)
    answers = [
        NewAnnotation(
            # With the time: a sample whose answer was withdrawn is asked again, and that is another answer.
            client_key=f"{annotator} {assignment.sample_id} {now.isoformat()}",
            annotator=annotator,
            act="label",
            sample_id=assignment.sample_id,
            payload=assignment.payload,
            said_at=now,
            label=truth(assignment),
            assignment_id=assignment.assignment_id,
        )
        for assignment in waiting
    ]
    workspace.ledger.annotations.submit(answers, contract_hash=workspace.contract_hash, now=now)
    return len(answers)
