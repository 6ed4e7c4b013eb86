"""``tiltyard label-studio``: experts who label in Label Studio get assignments there, and their answers come back."""

from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console.errors import MISTAKE
from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import minute, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.tasks.labels.label_studio import Pulled, Pushed, Standing

SHOWN_REFUSALS = 20

label_studio = typer.Typer(
    no_args_is_help=True, help="Assignments to Label Studio, annotations back: push, pull, status."
)

Count = Annotated[
    int | None, typer.Option("--count", min=1, help="How many assignments wait there at most; default: all.")
]
WithSuggestions = Annotated[
    bool,
    typer.Option(
        "--with-suggestions", help="Show experts what the champion says before they answer, ticked beforehand."
    ),
]
HoldDays = Annotated[
    float, typer.Option("--hold-days", min=0.01, help="For how long our own queue gives them to nobody else.")
]
NewProject = Annotated[
    bool, typer.Option("--new-project", help="Begin anew there, although assignments were pushed before.")
]
Everything = Annotated[bool, typer.Option("--all", help="Read every task, not just what changed since the last pull.")]
Users = Annotated[
    list[str] | None,
    typer.Option("--user", metavar="EMAIL=ANNOTATOR", help="Who a user there is here; may be given several times."),
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

    The project there is made when it is not found by the marker in its description. Assignments that are there are
    held for Label Studio, so that our own queue hands them to nobody else; each push holds them longer. Suggestions
    never go with evaluation, random and gold samples.
    """
    from tiltyard.tasks.labels.label_studio import push_assignments

    pushed = push_assignments.fn(str(project), count, with_suggestions, hold_days, new_project)
    if as_json:
        show_json(pushed)
    else:
        _tell_push(pushed)


@label_studio.command("pull")
def pull(
    project: ProjectPath = HERE, everything: Everything = False, users: Users = None, as_json: AsJson = False
) -> None:
    """Store what was said in Label Studio since the last pull.

    A changed answer supersedes the earlier one; what was deleted there stays here. An answer that is no class of the
    project is named and stays there (exit code 2). Pull as often as you like: nothing is stored twice.
    """
    from tiltyard.tasks.labels.label_studio import pull_annotations
    from tiltyard.tasks.maintenance.seal_ledger import seal_ledger

    pulled = pull_annotations.fn(str(project), everything, ",".join(users or []))
    seal_ledger.fn(str(project))
    if as_json:
        show_json(pulled)
    else:
        _tell_pull(pulled)
    raise typer.Exit(MISTAKE if pulled.refused else 0)


@label_studio.command("status")
def status(project: ProjectPath = HERE, users: Users = None, as_json: AsJson = False) -> None:
    """Show how things stand there and here, and who each user there is here; nothing is changed."""
    from tiltyard.tasks.labels.label_studio import compare_with_label_studio

    standing = compare_with_label_studio.fn(str(project), ",".join(users or []))
    if as_json:
        show_json(standing)
    else:
        _tell_standing(standing)


def _tell_push(pushed: "Pushed") -> None:
    """Say what a push did."""
    made = "a new project" if pushed.made_project else "its project"
    say(f"{pushed.url}: {made} asks {pushed.held:,} assignments; {pushed.sent:,} are new, {pushed.known:,} were there.")
    if pushed.suggestions:
        say(f"{pushed.suggestions:,} show what the champion says before the expert answers.")
    if pushed.doubled:
        some = ", ".join(pushed.doubled[:3])
        say(f"{len(pushed.doubled):,} stand in several tasks there; look there for assignment_id {some} ...")
    say("Next: tiltyard label-studio pull, when experts have answered.")


def _tell_pull(pulled: "Pulled") -> None:
    """Say what a pull did."""
    since = f" since {minute(pulled.since.isoformat())}" if pulled.since else ""
    stored, known = f"{pulled.stored:,} annotations are new", f"{pulled.known:,} were known"
    say(f"{pulled.url}: {pulled.tasks:,} tasks read{since}; {stored}, {known}, {len(pulled.refused):,} refused.")
    shown = pulled.refused[:SHOWN_REFUSALS]
    rows = [{"task": one.task, "annotation": one.annotation, "by": one.annotator, "why": one.why} for one in shown]
    show_table(rows, "Refused")
    if len(pulled.refused) > SHOWN_REFUSALS:
        say(f"... and {len(pulled.refused) - SHOWN_REFUSALS:,} more")
    if pulled.refused:
        say("These stay in Label Studio. Mend them there, or the project file here, and pull with --all.")


def _tell_standing(standing: "Standing") -> None:
    """Say how things stand."""
    if standing.title is None:
        say(f"{standing.url}, version {standing.version}: no project of ours. Next: tiltyard label-studio push")
    else:
        say(f"{standing.url}, version {standing.version}: {standing.title!r} with {standing.tasks:,} tasks.")
    newest = f", the newest of {minute(standing.newest.isoformat())}" if standing.newest else ""
    say(f"It holds {standing.held:,} open assignments; {standing.annotations:,} annotations came from it{newest}.")
    show_table([{"user": email, "annotator": name} for email, name in standing.annotators.items()], "Who is who")
