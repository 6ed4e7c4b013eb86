"""A project as it stands here and in Label Studio, for tests: what experts do there, what came of it here."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from tests.clients.commands import Told, tiltyard
from tests.servers.label_studio_server import Server
from tiltyard.schemas.records import Annotation, Assignment, AssignmentId, Purpose, Query, QueryId, SampleId, Suggestion
from tiltyard.workspace.workspace import Workspace

ADA, BEA = "ada@example.test", "bea@example.test"

DYING: Final = """
import os, sys
from tiltyard.stores.integrations.label_studio import LabelStudio
send, place, batches = LabelStudio.import_tasks, sys.argv[2], []
def dying(*arguments):
    batches.append(1)
    if len(batches) == 2 and place == "before":
        os.kill(os.getpid(), 9)
    sent = send(*arguments)
    if len(batches) == 2 and place == "after":
        os.kill(os.getpid(), 9)
    return sent
LabelStudio.import_tasks = dying
import tiltyard.tasks.labels.label_studio as steps
steps.BATCH = 5
steps.push_assignments.fn(sys.argv[1])
"""
"""A push in batches of five that is killed at the second, before or after it was sent."""


class Twin:
    """A project here and there."""

    def __init__(self, server: Server, workspace: Workspace) -> None:
        self.server, self.workspace = server, workspace

    def say(self, *words: str, **environment: str) -> Told:
        """Run a ``tiltyard label-studio`` command for the project."""
        settings = {**self.server.environment, **environment}
        return tiltyard("label-studio", *words, "-p", self.workspace.project_file, "--json", **settings)

    def push(self, *words: str) -> Any:
        """A push that must succeed."""
        told = self.say("push", *words)
        assert told.code == 0, told.err
        return told.data

    def pull(self, *words: str, code: int = 0) -> Any:
        """A pull with Ada's name mapped."""
        told = self.say("pull", "--user", f"{ADA}=ada", *words)
        assert told.code == code, told.err
        return told.data

    @property
    def there(self) -> dict[str, Any]:
        """The project's fields in Label Studio."""
        named = [
            one
            for one in self.server.call("GET", "/api/projects", page_size=100)["results"]
            if f"[tiltyard:{self.workspace.project.name}]" in one["description"]
        ]
        assert len(named) == 1
        fields: dict[str, Any] = self.server.call("GET", f"/api/projects/{named[0]['id']}")
        return fields

    def tasks(self) -> list[dict[str, Any]]:
        """All tasks there, in their order."""
        found = self.server.call("GET", "/api/tasks", project=self.there["id"], fields="all", page_size=10_000)
        tasks: list[dict[str, Any]] = found["tasks"]
        return sorted(tasks, key=lambda task: int(task["id"]))

    def user(self, email: str) -> int:
        """A user's number."""
        return next(int(one["id"]) for one in self.server.call("GET", "/api/users") if one["email"] == email)

    def answer(self, task: dict[str, Any], email: str, *choices: Any, skip: bool = False) -> int:
        """Answer a task as somebody: any token may, in Label Studio; the annotation's number."""
        body = {
            "result": result_of(*choices),
            "was_cancelled": skip,
            "completed_by": self.user(email),
            "lead_time": 3.25,
        }
        return int(self.server.call("POST", f"/api/tasks/{task['id']}/annotations/", body)["id"])

    def annotations(self) -> list[Annotation]:
        """What the ledger has from Label Studio."""
        return self.workspace.ledger.annotations.of_origin("label-studio")


def result_of(*choices: Any) -> list[dict[str, Any]]:
    """A result as the labeling page sends it."""
    return [{"from_name": "label", "to_name": "sample", "type": "choices", "value": {"choices": list(choices)}}]


def ask_by_hand(workspace: Workspace, purposes: Sequence[Purpose], one_sample: bool = False) -> list[Assignment]:
    """Open assignments of these purposes, each with something that the champion says, before all others."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    query = Query(QueryId("by hand"), "margin", None, len(purposes), 0, "a test", now)
    first = workspace.ledger.assignments.waiting()[0]
    asked = [
        replace(
            first,
            assignment_id=AssignmentId(f"{number:032x}"),
            query_id=query.query_id,
            sample_id=SampleId(f"{0 if one_sample else number:032x}"),
            slot=number,
            purpose=purpose,
            priority=3.0 - number / 100,
            suggestion=Suggestion("yes", 0.75, {"yes": 0.75, "no": 0.25}),
        )
        for number, purpose in enumerate(purposes)
    ]
    workspace.ledger.assignments.ask(query, asked)
    return asked
