"""Experts who label in Label Studio: open assignments go there, each once, and what is said there comes back."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tiltyard.labels.files.label_studio_annotations import (
    LocalState,
    Refused,
    Task,
    annotator_name,
    assignment_id_of,
    parse_task_annotations,
    parse_user_mapping,
    remote_time,
)
from tiltyard.labels.files.label_studio_tasks import (
    HOLDER,
    SUGGESTED,
    appearance_fields,
    build_task,
    new_project_fields,
    project_marker,
)
from tiltyard.schemas.errors import LabelStudioError, NotFound
from tiltyard.schemas.records import Assignment
from tiltyard.stores.integrations.label_studio import Found, LabelStudio, open_label_studio
from tiltyard.tasks.step import step
from tiltyard.workspace.workspace import Workspace, open_workspace

BATCH: Final = 100
"""Assignments looked up and sent at once."""

OVERLAP: Final = timedelta(minutes=10)
"""How far a pull reaches back before the newest answer that is known: answers may become visible out of order."""


@dataclass(frozen=True, slots=True)
class PushResult:
    """What a push did: how many assignments are held for Label Studio, were there before, were sent, with how many
    suggestions; ``doubled`` names assignments that stand there in several tasks."""

    url: str
    made_project: bool
    held: int
    known: int
    sent: int
    suggestions: int
    doubled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PullResult:
    """What a pull did: tasks that were read, annotations that were new or known, and what was refused and why."""

    url: str
    since: datetime | None
    tasks: int
    stored: int
    known: int
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """How things stand between the ledger and Label Studio; ``annotators`` has who each user there is here."""

    url: str
    version: str
    title: str | None
    tasks: int
    held: int
    annotations: int
    newest: datetime | None
    annotators: dict[str, str]


@step("push-assignments")
def push_assignments(
    project: str,
    count: int | None = None,
    with_suggestions: bool = False,
    hold_days: float = 7,
    new_project: bool = False,
) -> PushResult:
    """Send open assignments to the project's twin in Label Studio, which is made if it is not there.

    At most ``count`` assignments (all, when none is given) are held for Label Studio, for so many days from now, and
    the queue gives them to nobody else meanwhile. Those that are there already are not sent again, whenever an
    earlier push was interrupted. Experts see no suggestion unless that is asked for.
    """
    workspace = open_workspace(project)
    with open_label_studio(workspace.settings) as server:
        found, made = _twin(workspace, server, new_project)
        _keep_appearance(workspace, server, found, with_suggestions)
        held = _hold(workspace, count, timedelta(days=hold_days))
        sent, suggestions, met = 0, 0, Counter[str]()
        for start in range(0, len(held), BATCH):
            batch = held[start : start + BATCH]
            there = _already_there(server, found, batch)
            tasks = [
                build_task(one, workspace.project, with_suggestions) for one in batch if not there[one.assignment_id]
            ]
            sent += server.import_tasks(found.number, tasks) if tasks else 0
            suggestions += sum("predictions" in task for task in tasks)
            met += there
        if suggestions:
            server.change_project(found.number, {"show_collab_predictions": True, "model_version": SUGGESTED})
    doubled = tuple(sorted(name for name, times in met.items() if times > 1))
    return PushResult(found.url, made, len(held), len(met), sent, suggestions, doubled)


@step("pull-annotations")
def pull_annotations(project: str, everything: bool = False, users: str = "") -> PullResult:
    """Store what was said in Label Studio since the last pull, or all of it.

    Where the last pull ended follows from the ledger. ``users`` maps e-mails to annotators as the setting does, and
    goes before it. All of the pull's annotations are stored together: of a part, the newest would hide that older
    ones are missing.
    """
    workspace = open_workspace(project)
    annotations = workspace.ledger.annotations
    stored = annotations.keyed(f"{HOLDER} ")
    since = None if everything or not stored else max(map(remote_time, stored)) - OVERLAP
    with open_label_studio(workspace.settings) as server:
        found = server.project(project_marker(workspace.project.name))
        if found is None:
            raise LabelStudioError(_lost(workspace, server))
        tasks = server.answered_tasks(found.number, since)
        annotators = _annotators(workspace, server, users)
    facts = LocalState(workspace.project, _assignments(workspace, tasks), annotators, stored)
    taken = parse_task_annotations(tasks, facts)
    annotations.submit(
        taken.annotations,
        contract_hash=workspace.contract_hash,
        now=workspace.clock(),
        labeling=workspace.project.labeling,
    )
    return PullResult(found.url, since, len(tasks), len(taken.annotations), taken.known, tuple(taken.refused))


@step("compare-with-label-studio")
def compare_with_label_studio(project: str, users: str = "") -> SyncStatus:
    """How things stand there and here; nothing is changed."""
    workspace = open_workspace(project)
    stored = workspace.ledger.annotations.keyed(f"{HOLDER} ")
    with open_label_studio(workspace.settings) as server:
        found = server.project(project_marker(workspace.project.name))
        emails, annotators = server.users(), _annotators(workspace, server, users)
        return SyncStatus(
            url=found.url if found else server.url,
            version=server.version(),
            title=found.title if found else None,
            tasks=int(found.fields.get("task_number") or 0) if found else 0,
            held=workspace.ledger.assignments.holders(workspace.clock()).get(HOLDER, 0),
            annotations=len(stored),
            newest=max(map(remote_time, stored), default=None),
            annotators={emails[number]: annotators[number] for number in sorted(emails)},
        )


def _twin(workspace: Workspace, server: LabelStudio, new_project: bool) -> tuple[Found, bool]:
    """The project in Label Studio and whether it was made just now.

    What was pushed before must be somewhere: if its project is not found, a second one would ask everything again.
    """
    found = server.project(project_marker(workspace.project.name))
    if found is not None:
        return found, False
    known = HOLDER in workspace.ledger.assignments.holders(workspace.clock())
    if not new_project and (known or workspace.ledger.annotations.keyed(f"{HOLDER} ")):
        raise LabelStudioError(f"{_lost(workspace, server)}, or say --new-project to begin there anew")
    return server.make_project(new_project_fields(workspace.project)), True


def _lost(workspace: Workspace, server: LabelStudio) -> str:
    """What to say when the project is not found in Label Studio."""
    sign = project_marker(workspace.project.name)
    return (
        f"no project at {server.url!r} has {sign} in its description; push first, or put the marker back into the "
        "description of the project that it belongs to"
    )


def _keep_appearance(workspace: Workspace, server: LabelStudio, found: Found, with_suggestions: bool) -> None:
    """Make the project look as the project file says now, and blind unless suggestions are asked for."""
    wanted = appearance_fields(workspace.project) | ({} if with_suggestions else {"show_collab_predictions": False})
    changed = {name: value for name, value in wanted.items() if found.fields.get(name) != value}
    if changed:
        server.change_project(found.number, changed)


def _hold(workspace: Workspace, count: int | None, lease_for: timedelta) -> list[Assignment]:
    """Lease assignments under Label Studio's name, those that it holds already first."""
    assignments, now = workspace.ledger.assignments, workspace.clock()
    wanted = assignments.waiting_for(HOLDER, now) if count is None else count
    return assignments.lease(HOLDER, now, wanted, lease_for)


def _already_there(server: LabelStudio, found: Found, batch: list[Assignment]) -> Counter[str]:
    """In how many tasks each of some assignments stands; those that stand in none are left out."""
    wanted = {str(one.assignment_id) for one in batch}
    tasks = server.tasks_with(found.number, "assignment_id", sorted(wanted))
    return Counter(name for name in map(assignment_id_of, tasks) if name in wanted)


def _annotators(workspace: Workspace, server: LabelStudio, users: str) -> dict[int, str]:
    """Who each user there is here, by their number."""
    mapping = parse_user_mapping(workspace.settings.label_studio_users) | parse_user_mapping(users)
    known = [access.annotator for access in workspace.ledger.access.current()]
    return {number: annotator_name(email, mapping, known) for number, email in server.users().items()}


def _assignments(workspace: Workspace, tasks: Iterable[Task]) -> dict[str, Assignment]:
    """The assignments that were answered, by id; what is none of ours is left out."""
    found: dict[str, Assignment] = {}
    for name in {assignment_id_of(task) for task in tasks if task.get("annotations")}:
        try:
            found[name] = workspace.ledger.assignments.get(name)
        except NotFound:
            continue  # its annotations are refused by name
    return found
