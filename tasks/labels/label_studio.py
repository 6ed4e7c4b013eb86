"""Label in Label Studio: push open assignments there, each once, and pull the annotations back."""

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
"""How far a pull reaches back before the newest known annotation, because they may become visible out of order."""


@dataclass(frozen=True, slots=True)
class PushResult:
    """The result of a push: the numbers of assignments leased to Label Studio, already there, sent, and of suggestions;
    ``doubled`` lists assignments that are in several tasks there."""

    url: str
    made_project: bool
    held: int
    known: int
    sent: int
    suggestions: int
    doubled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PullResult:
    """The result of a pull: tasks read, annotations stored or already known, and refused ones with the reason."""

    url: str
    since: datetime | None
    tasks: int
    stored: int
    known: int
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """The state of both sides; ``annotators`` maps Label Studio's users to annotator names."""

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
    """Send open assignments to the project in Label Studio, which is created if missing.

    At most ``count`` assignments (default: all) are leased to Label Studio for ``hold_days``, and the queue hands them
    to no one else meanwhile. Those already there are not sent again, even after an interrupted push. Experts see
    suggestions only ``with_suggestions``.
    """
    workspace = open_workspace(project)
    with open_label_studio(workspace.settings) as server:
        found, made = _find_or_create_project(workspace, server, new_project)
        _sync_appearance(workspace, server, found, with_suggestions)
        held = _lease(workspace, count, timedelta(days=hold_days))
        sent, suggestions, met = 0, 0, Counter[str]()
        for start in range(0, len(held), BATCH):
            batch = held[start : start + BATCH]
            known = _count_tasks(server, found, batch)
            tasks = [
                build_task(one, workspace.project, with_suggestions) for one in batch if not known[one.assignment_id]
            ]
            sent += server.import_tasks(found.number, tasks) if tasks else 0
            suggestions += sum("predictions" in task for task in tasks)
            met += known
        if suggestions:
            server.change_project(found.number, {"show_collab_predictions": True, "model_version": SUGGESTED})
    doubled = tuple(sorted(name for name, times in met.items() if times > 1))
    return PushResult(found.url, made, len(held), len(met), sent, suggestions, doubled)


@step("pull-annotations")
def pull_annotations(project: str, everything: bool = False, users: str = "") -> PullResult:
    """Store the annotations made in Label Studio since the last pull, or all of them.

    The end of the last pull follows from the ledger. ``users`` maps e-mails to annotators as the setting does, and
    overrides it. All annotations of a pull are stored together: if only a part were stored, the newest would hide
    that older ones are missing.
    """
    workspace = open_workspace(project)
    annotations = workspace.ledger.annotations
    stored = annotations.keyed(f"{HOLDER} ")
    since = None if everything or not stored else max(map(remote_time, stored)) - OVERLAP
    with open_label_studio(workspace.settings) as server:
        found = server.project(project_marker(workspace.project.name))
        if found is None:
            raise LabelStudioError(_missing_message(workspace, server))
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
    """The state of both sides; nothing is changed."""
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


def _find_or_create_project(workspace: Workspace, server: LabelStudio, new_project: bool) -> tuple[Found, bool]:
    """The project in Label Studio, and whether it was just created.

    If assignments were pushed before but their project is not found, a second project would query everything again.
    """
    found = server.project(project_marker(workspace.project.name))
    if found is not None:
        return found, False
    known = HOLDER in workspace.ledger.assignments.holders(workspace.clock())
    if not new_project and (known or workspace.ledger.annotations.keyed(f"{HOLDER} ")):
        raise LabelStudioError(f"{_missing_message(workspace, server)}, or use --new-project to create a new one there")
    return server.make_project(new_project_fields(workspace.project)), True


def _missing_message(workspace: Workspace, server: LabelStudio) -> str:
    """The message when the project is not found in Label Studio."""
    sign = project_marker(workspace.project.name)
    return (
        f"no project at {server.url!r} has {sign} in its description; push first, or put the marker back into the "
        "description of the project that it belongs to"
    )


def _sync_appearance(workspace: Workspace, server: LabelStudio, found: Found, with_suggestions: bool) -> None:
    """Update the project's appearance from the project file, and hide suggestions unless requested."""
    wanted = appearance_fields(workspace.project) | ({} if with_suggestions else {"show_collab_predictions": False})
    changed = {name: value for name, value in wanted.items() if found.fields.get(name) != value}
    if changed:
        server.change_project(found.number, changed)


def _lease(workspace: Workspace, count: int | None, lease_for: timedelta) -> list[Assignment]:
    """Lease assignments to Label Studio, first those that it already has."""
    assignments, now = workspace.ledger.assignments, workspace.clock()
    wanted = assignments.waiting_for(HOLDER, now) if count is None else count
    return assignments.lease(HOLDER, now, wanted, lease_for)


def _count_tasks(server: LabelStudio, found: Found, batch: list[Assignment]) -> Counter[str]:
    """The number of tasks of each assignment; assignments without a task are left out."""
    wanted = {str(one.assignment_id) for one in batch}
    tasks = server.tasks_with(found.number, "assignment_id", sorted(wanted))
    return Counter(name for name in map(assignment_id_of, tasks) if name in wanted)


def _annotators(workspace: Workspace, server: LabelStudio, users: str) -> dict[int, str]:
    """The annotator name of each Label Studio user, by user number."""
    mapping = parse_user_mapping(workspace.settings.label_studio_users) | parse_user_mapping(users)
    known = [access.annotator for access in workspace.ledger.access.current()]
    return {number: annotator_name(email, mapping, known) for number, email in server.users().items()}


def _assignments(workspace: Workspace, tasks: Iterable[Task]) -> dict[str, Assignment]:
    """The labeled assignments by id; unknown ids are left out."""
    found: dict[str, Assignment] = {}
    for name in {assignment_id_of(task) for task in tasks if task.get("annotations")}:
        try:
            found[name] = workspace.ledger.assignments.get(name)
        except NotFound:
            continue  # its annotations are refused and listed
    return found
