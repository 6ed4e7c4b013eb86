"""``tiltyard label-studio``: send assignments to Label Studio, and store the annotations made there."""

from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, format_count, format_minute, say, show_json, show_table
from tiltyard.apps.cli.console.errors import USAGE_ERROR

if TYPE_CHECKING:
    from tiltyard.tasks.labels.label_studio import PullResult, PushResult, SyncStatus

SHOWN_REFUSALS = 20

label_studio = typer.Typer(
    no_args_is_help=True, help="Assignments to Label Studio, annotations back: push, pull, status."
)

Count = Annotated[
    int | None, typer.Option("--count", min=1, help="The maximum number of open assignments there; default: all.")
]
WithSuggestions = Annotated[
    bool,
    typer.Option("--with-suggestions", help="Show experts the champion's prediction, preselected."),
]
HoldDays = Annotated[
    float, typer.Option("--hold-days", min=0.01, help="Days for which Tiltyard's own queue does not hand them out.")
]
NewProject = Annotated[
    bool, typer.Option("--new-project", help="Create a new project there, even if assignments were pushed before.")
]
Everything = Annotated[bool, typer.Option("--all", help="Read every task, not only those changed since the last pull.")]
Users = Annotated[
    list[str] | None,
    typer.Option(
        "--user", metavar="EMAIL=ANNOTATOR", help="The annotator name of a Label Studio user; repeat it for several."
    ),
]


@label_studio.command("push")
def push(
    project: ProjectPath = HERE,
    count: Count = None,
    with_suggestions: WithSuggestions = False,
    hold_days: HoldDays = 7,
    new_project: NewProject = False,
    as_json: AsJson = False,
) -> None:
    """Send open assignments to Label Studio, each once.

    The project there is identified by a marker in its description, and created if it is missing. Pushed assignments are
    leased to Label Studio, so Tiltyard's own queue does not hand them out; each push extends the lease. Evaluation,
    random and gold samples never get suggestions.
    """
    from tiltyard.tasks.labels.label_studio import push_assignments

    pushed = push_assignments.fn(str(project), count, with_suggestions, hold_days, new_project)
    if as_json:
        show_json(pushed)
    else:
        _show_push(pushed)


@label_studio.command("pull")
def pull(
    project: ProjectPath = HERE, everything: Everything = False, users: Users = None, as_json: AsJson = False
) -> None:
    """Store the annotations made in Label Studio since the last pull.

    A changed annotation supersedes the earlier one; annotations deleted there stay here. An annotation that is not a
    class of the project is listed and stays there (exit code 2). Pull at any time: nothing is stored twice.
    """
    from tiltyard.tasks.labels.label_studio import pull_annotations
    from tiltyard.tasks.maintenance.seal_ledger import seal_ledger

    pulled = pull_annotations.fn(str(project), everything, ",".join(users or []))
    seal_ledger.fn(str(project))
    if as_json:
        show_json(pulled)
    else:
        _show_pull(pulled)
    raise typer.Exit(USAGE_ERROR if pulled.refused else 0)


@label_studio.command("status")
def status(project: ProjectPath = HERE, users: Users = None, as_json: AsJson = False) -> None:
    """Show the state of both sides, and the annotator name of each Label Studio user; nothing is changed."""
    from tiltyard.tasks.labels.label_studio import compare_with_label_studio

    standing = compare_with_label_studio.fn(str(project), ",".join(users or []))
    if as_json:
        show_json(standing)
    else:
        _show_sync_status(standing)


def _show_push(pushed: "PushResult") -> None:
    """Show what a push did."""
    made = "a new project" if pushed.made_project else "its project"
    held = format_count(pushed.held, "open assignment")
    say(f"{pushed.url}: {made} has {held}; {pushed.sent:,} new, {pushed.known:,} already there.")
    if pushed.suggestions:
        say(f"{format_count(pushed.suggestions, 'task')} with the champion's prediction preselected.")
    if pushed.doubled:
        some = ", ".join(pushed.doubled[:3])
        count = format_count(len(pushed.doubled), "assignment")
        say(f"{count} in several tasks there; look there for assignment_id {some} ...")
    say("Next: tiltyard label-studio pull, when experts have labeled.")


def _show_pull(pulled: "PullResult") -> None:
    """Show what a pull did."""
    since = f" since {format_minute(pulled.since.isoformat())}" if pulled.since else ""
    tasks, stored = format_count(pulled.tasks, "task"), format_count(pulled.stored, "new annotation")
    known = f"{pulled.known:,} already stored"
    say(f"{pulled.url}: {tasks} read{since}; {stored}, {known}, {len(pulled.refused):,} refused.")
    shown = pulled.refused[:SHOWN_REFUSALS]
    rows = [{"task": one.task, "annotation": one.annotation, "by": one.annotator, "why": one.why} for one in shown]
    show_table(rows, "Refused")
    if len(pulled.refused) > SHOWN_REFUSALS:
        say(f"... and {len(pulled.refused) - SHOWN_REFUSALS:,} more")
    if pulled.refused:
        say("These stay in Label Studio. Fix them there, or the project file here, and pull with --all.")


def _show_sync_status(standing: "SyncStatus") -> None:
    """Show the state of both sides."""
    server = f"{standing.url}, version {standing.version}"
    if standing.title is None:
        say(f"{server}: no project of Tiltyard there. Next: tiltyard label-studio push")
    else:
        say(f"{server}: {standing.title!r} with {format_count(standing.tasks, 'task')}.")
    newest = f", the newest of {format_minute(standing.newest.isoformat())}" if standing.newest else ""
    held = format_count(standing.held, "open assignment")
    say(f"It has {held}; {format_count(standing.annotations, 'annotation')} came from it{newest}.")
    show_table([{"user": email, "annotator": name} for email, name in standing.annotators.items()], "Annotator names")
