"""Projects with a filled queue, as pages meet them: samples put into the ledger by hand, with a model's word."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tiltyard.apps.labeling.auth import grant_access, new_token
from tiltyard.schemas.canonical import sha256_of
from tiltyard.schemas.records import (
    Assignment,
    AssignmentId,
    Factor,
    Payload,
    Purpose,
    Query,
    QueryId,
    Role,
    SampleId,
    Suggestion,
)
from tiltyard.workspace.workspace import Workspace, open_workspace

MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
NUMBERS: dict[str, Any] = {
    "name": "small",
    "description": "Does the point lie above the line?",
    "guidelines": "Say **yes** when it lies above.\n\n- On the line is above.\n",
    "columns": {
        "features": {
            "x": {"kind": "number", "unit": "cm", "description": "from left to right"},
            "y": {"kind": "number", "unit": "cm"},
            "colour": {"kind": "category"},
        }
    },
    "classes": [{"name": "no", "key": "n"}, {"name": "yes", "key": "y"}],
    "labeling": {"reveal": "always"},
}
"""A table project with two classes that have keys."""


def made_project(folder: Path, payloads: Iterable[Payload], content: dict[str, Any], **asked: Any) -> Workspace:
    """A project whose queue holds these samples, the first of them first; ``asked`` goes to ``fill``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "project.yaml").write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    workspace = open_workspace(folder)
    fill(workspace, list(payloads), **asked)
    return workspace


def fill(
    workspace: Workspace,
    payloads: Sequence[Payload],
    *,
    slots: int = 1,
    purpose: Purpose = "query",
    suggested: Sequence[Suggestion | None] = (),
) -> None:
    """Query these samples; the predictions in ``suggested`` are used in turn."""
    count = len(workspace.ledger.assignments.queries())
    query = Query(QueryId(f"{count:032x}"), "margin_kmeans", None, len(payloads), 0, "asked by hand", MADE_AT)
    asked = [
        _assignment(query, payload, slot, purpose=purpose, priority=1.0 - place / 10_000, said=_round(suggested, place))
        for place, payload in enumerate(payloads)
        for slot in range(slots)
    ]
    workspace.ledger.assignments.ask(query, asked)


def numbers(count: int, start: int = 0) -> list[Payload]:
    """Samples of the small project, each with its number in ``x``."""
    return [
        {"x": float(number), "y": number / 2, "colour": None if number % 4 == 3 else "red"}
        for number in range(start, start + count)
    ]


def says(label: str, probability: float = 0.81, *names: str) -> Suggestion:
    """What a model said, with the columns that decided."""
    other = "no" if label == "yes" else "yes"
    factors = tuple(Factor(name, 0.5) for name in names)
    return Suggestion(label, probability, {label: probability, other: 1 - probability}, factors)


def token_for(workspace: Workspace, annotator: str, role: Role = "annotator") -> str:
    """A token with which somebody may come into a project."""
    token = new_token()
    grant_access([workspace.project_file], annotator, role, token, "the tests")
    return token


def sample_id_of(payload: Payload) -> SampleId:
    """The made id of a made sample."""
    return SampleId(sha256_of(repr(sorted(payload.items())))[:32])


def _round(suggested: Sequence[Suggestion | None], place: int) -> Suggestion | None:
    return suggested[place % len(suggested)] if suggested else None


def _assignment(
    query: Query, payload: Payload, slot: int, *, purpose: Purpose, priority: float, said: Suggestion | None
) -> Assignment:
    sample = sample_id_of(payload)
    return Assignment(
        assignment_id=AssignmentId(sha256_of(f"{query.query_id} {sample} {slot}")[:32]),
        query_id=query.query_id,
        sample_id=sample,
        slot=slot,
        purpose=purpose,
        strategy=query.strategy,
        score=0.5,
        probability=None,
        model_id=None,
        payload=payload,
        priority=priority,
        suggestion=said,
    )


def kept(workspace: Workspace) -> list[tuple[str, str, str | None]]:
    """What the ledger keeps of annotators, acts and labels, in order."""
    return [(one.annotator, one.act, one.label) for one in workspace.ledger.annotations.until()]
