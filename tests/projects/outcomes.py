"""How a story ended, without ids and times: batches, labels, sets, verdicts and moves, compared with a recorded end.

``python -m tests.projects.outcomes 'bank, made' FOLDER`` records the project in a folder. A change that alters an
outcome on purpose records it again, and the changelog has a line about it.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tiltyard.tasks.models import fit_candidates
from tiltyard.workspace.models import training
from tiltyard.workspace.workspace import Workspace, open_workspace

RECORDED: Final = Path(__file__).parents[1] / "fixtures" / "outcomes.json"


def recorded(name: str, *, real: bool) -> dict[str, Any]:
    """The recorded end of a story, on its real data or on a made sample."""
    return {part: value for part, value in _story(name, real).items() if part != "identity"}


@contextmanager
def recorded_ids(name: str, *, real: bool) -> Iterator[None]:
    """Give models the ids that they had in the recorded story: today's code counts as the code of then.

    A model's id seeds the draw of samples, so other code asks for other samples and ends elsewhere, by chance alone.
    """
    identity = _story(name, real)["identity"]
    with pytest.MonkeyPatch.context() as patch:
        for module in (training, fit_candidates):
            patch.setattr(module, "code_version", lambda: identity["code_version"])
            patch.setattr(module, "environment_of", lambda _project: dict(identity["environment"]))
        yield


def _story(name: str, real: bool) -> dict[str, Any]:
    """All that is recorded of a story."""
    return dict(json.loads(RECORDED.read_text("utf-8"))[f"{name}, {'real' if real else 'made'}"])


def outcome_of(workspace: Workspace) -> dict[str, Any]:
    """The end of a project's story as JSON knows it; models are counted in the order in which they were trained."""
    ledger = workspace.ledger
    keys = {landed.object_id: landed.key for landed in ledger.batches.objects()}
    numbers = {model.model_id: number for number, model in enumerate(ledger.models.all(), start=1)}
    rows = ("attempt", "state", "read", "accepted", "quarantined", "duplicate")
    found = {
        "batches": [[keys[one.object_id], *(getattr(one, name) for name in rows)] for one in ledger.batches.all()],
        "annotations": ledger.annotations.count(),
        "models": len(numbers),
        "sets": [[one.purpose, one.rows] for one in ledger.models.sets()],
        "verdicts": [
            [
                numbers[one.challenger_id],
                one.champion_id and numbers[one.champion_id],
                one.decision,
                one.rows,
                one.metric,
            ]
            for one in ledger.champions.verdicts()
        ],
        "moves": [[one.number, numbers[one.model_id], one.kind] for one in ledger.champions.history()],
    }
    return dict(json.loads(json.dumps(found)))


def record(name: str, folder: Path) -> None:
    """Write a story's end down."""
    known = json.loads(RECORDED.read_text("utf-8")) if RECORDED.is_file() else {}
    workspace = open_workspace(folder)
    last = workspace.ledger.models.all()[-1]
    identity = {"code_version": last.code_version, "environment": dict(last.environment)}
    known[name] = {"identity": identity, **outcome_of(workspace)}
    lines = [f'"{story}": {{\n' + _lines(end) + "\n}" for story, end in sorted(known.items())]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def _lines(end: dict[str, Any]) -> str:
    """One line for each part of an end."""
    return ",\n".join(f'  "{part}": {json.dumps(value)}' for part, value in end.items())


if __name__ == "__main__":
    record(sys.argv[1], Path(sys.argv[2]))
