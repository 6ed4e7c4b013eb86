"""``tiltyard label``: the queue in the terminal, one sample at a time; its sub-commands serve it to browsers."""

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import console, counted, say, show_json
from tiltyard.apps.cli.labels.answer_keys import Answers, Said
from tiltyard.apps.cli.labels.serve import secret, serve
from tiltyard.project.errors import person

if TYPE_CHECKING:
    from rich.console import Console

    from tiltyard.apps.cli.labels.session import Session

Annotator = Annotated[
    str | None,
    typer.Option("--annotator", envvar="TILTYARD_ANNOTATOR", help="Who answers; default: your login name."),
]
Count = Annotated[int | None, typer.Option(min=1, help="Stop after so many samples.")]


TOLD = {
    "label": ("label",),
    "skip": ("skip",),
    "cant_tell": ("can't tell", "can't tell"),
    "flag": ("flag",),
    "withdraw": ("taken back", "taken back"),
}
"""An act in words: one of it, and several."""

label = typer.Typer(invoke_without_command=True)
label.command("serve")(serve)
label.command("secret")(secret)


@label.callback()
def answer_in_terminal(
    context: typer.Context,
    project: ProjectPath = HERE,
    annotator: Annotator = None,
    count: Count = None,
    as_json: AsJson = False,
) -> None:
    """Answer the queue: one key, one label, next sample; in the browser with 'tiltyard label serve'.

    Every answer is on disk before the next sample is shown; stop whenever you like. s skips, ? says that nobody could
    tell, f flags the sample with a remark, u takes the last answer back, q quits. From a pipe, one line is one answer.
    """
    if context.invoked_subcommand is not None:
        return
    from tiltyard.apps.cli.labels.session import Session
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    session = Session(workspace, person(annotator))
    screen = console(to_stderr=as_json)
    try:
        _greet(screen, session)
        _answer_all(screen, session, Answers(workspace.project.classes), count)
    finally:
        session.end()
        _sum_up(session, as_json)


def _greet(screen: "Console", session: "Session") -> None:
    """Show the guidelines once."""
    from rich.markdown import Markdown
    from rich.rule import Rule

    if session.workspace.project.guidelines.strip():
        screen.print(Rule(f"{session.workspace.project.name}: guidelines", align="left"))
        screen.print(Markdown(session.workspace.project.guidelines))


def _answer_all(screen: "Console", session: "Session", answers: Answers, count: int | None) -> None:
    """Show sample after sample until the queue, the count or the annotator's patience ends."""
    while count is None or session.answered < count:
        if not session.take_next():
            screen.print("The queue is empty." if session.answered else "Nothing waits in the queue for you.")
            return
        _show(screen, session, answers)
        if not _answer(screen, session, answers):
            return


def _show(screen: "Console", session: "Session", answers: Answers) -> None:
    """Show the sample that is in hand."""
    from rich.rule import Rule

    from tiltyard.apps.cli.labels.sample_view import keys_view, sample_view

    assert session.current is not None
    screen.print(Rule(f"{session.answered} done, {session.waiting()} waiting", align="left", style="dim"))
    for part in sample_view(session.current, session.workspace.project):
        screen.print(part)
    screen.print(keys_view(answers))


def _answer(screen: "Console", session: "Session", answers: Answers) -> bool:
    """Take answers until the sample in hand is settled or taken back; whether to go on."""
    began = time.monotonic()
    while True:
        said = _listen(screen, answers)
        if said is None:
            screen.print("That is no answer here; see the keys above.")
            continue
        if said.act == "quit":
            return False
        if said.act == "flag":
            session.flag(said.note or _remark(screen))
            screen.print("Flagged; now give an answer, or skip.")
            continue
        if said.act == "undo" and not session.undo():
            screen.print("There is no answer of this session to take back.")
            continue
        if said.act != "undo":
            session.answer(said, lead_ms=round((time.monotonic() - began) * 1000))
            screen.print(f"-> {said.label or TOLD[said.act][0]}", style="green")
        return True


def _listen(screen: "Console", answers: Answers) -> Said | None:
    """What the annotator says next: a key at a terminal where every class has one, else a line; the end is quit."""
    if sys.stdin.isatty() and answers.by_key:
        key = typer.getchar()
        if key == "\x03":
            raise KeyboardInterrupt
        return answers.of_key(key)
    if sys.stdin.isatty():
        screen.print("> ", end="")
    line = sys.stdin.readline()
    return answers.of_line(line) if line else Said("quit")


def _remark(screen: "Console") -> str:
    """The remark of a flag, asked for at a terminal."""
    if not sys.stdin.isatty():
        return ""
    screen.print("What is the matter with it? ", end="")
    return sys.stdin.readline().strip()


def _sum_up(session: "Session", as_json: bool) -> None:
    """Say what was done and what comes next."""
    data = session.summary()
    if as_json:
        show_json(data)
        return
    done = ", ".join(counted(count, *TOLD[act]) for act, count in data["acts"].items()) or "no answers"
    say(f"This session: {done}. {data['waiting']} wait in the queue.")
    say(
        f"Next: tiltyard train ({data['training'].why})"
        if data["training"]
        else f"Next training: {data['training'].why}."
    )
