"""``tiltyard label``: label the queue in the terminal, one sample at a time; its sub-commands serve it to browsers."""

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, console, format_count, say, show_json
from tiltyard.apps.cli.labels.answer_keys import AnswerKeys, ParsedAnswer
from tiltyard.apps.cli.labels.serve import secret, serve
from tiltyard.project.errors import person

if TYPE_CHECKING:
    from rich.console import Console

    from tiltyard.apps.cli.labels.session import Session

Annotator = Annotated[
    str | None,
    typer.Option("--annotator", envvar="TILTYARD_ANNOTATOR", help="The annotator's name; default: your login name."),
]
Count = Annotated[int | None, typer.Option(min=1, help="Stop after this number of samples.")]


ACT_NAMES = {
    "label": ("label",),
    "skip": ("skip",),
    "cant_tell": ("can't tell", "can't tell"),
    "flag": ("flag",),
    "withdraw": ("withdrawn", "withdrawn"),
}
"""The name of an act: singular, and plural where it does not end in s."""

label = typer.Typer(invoke_without_command=True)
label.command("serve")(serve)
label.command("secret")(secret)


@label.callback()
def label_in_terminal(
    context: typer.Context,
    project: ProjectPath = HERE,
    annotator: Annotator = None,
    count: Count = None,
    as_json: AsJson = False,
) -> None:
    """Label the queue: one key, one label, next sample; in the browser with 'tiltyard label serve'.

    Every annotation is on disk before the next sample is shown, so you can stop at any time. s skips, ? means can't
    tell, f flags the sample with a note, u withdraws the last annotation, q quits. From a pipe, one line is one answer.
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
        _label_queue(screen, session, AnswerKeys(workspace.project.classes), count)
    finally:
        session.end()
        _show_summary(session, as_json)


def _greet(screen: "Console", session: "Session") -> None:
    """Show the guidelines once."""
    from rich.markdown import Markdown
    from rich.rule import Rule

    if session.workspace.project.guidelines.strip():
        screen.print(Rule(f"{session.workspace.project.name}: guidelines", align="left"))
        screen.print(Markdown(session.workspace.project.guidelines))


def _label_queue(screen: "Console", session: "Session", answers: AnswerKeys, count: int | None) -> None:
    """Show samples until the queue is empty, the count is reached or the annotator quits."""
    while count is None or session.answered < count:
        if not session.take_next():
            screen.print("The queue is empty." if session.answered else "No samples in the queue for you.")
            return
        _show_sample(screen, session, answers)
        if not _label_one(screen, session, answers):
            return


def _show_sample(screen: "Console", session: "Session", answers: AnswerKeys) -> None:
    """Show the current sample and the keys."""
    from rich.rule import Rule

    from tiltyard.apps.cli.labels.sample_view import render_keys, render_sample

    assert session.current is not None
    screen.print(Rule(f"{session.answered} done, {session.waiting()} waiting", align="left", style="dim"))
    for part in render_sample(session.current, session.workspace.project):
        screen.print(part)
    screen.print(render_keys(answers))


def _label_one(screen: "Console", session: "Session", answers: AnswerKeys) -> bool:
    """Read answers until the current sample is labeled, skipped or undone; whether to go on."""
    began = time.monotonic()
    while True:
        answer = _read_answer(screen, answers)
        if answer is None:
            screen.print("Unknown key or answer; see the keys above.")
            continue
        if answer.act == "quit":
            return False
        if answer.act == "flag":
            session.flag(answer.note or _ask_for_note(screen))
            screen.print("Flagged; now label it, or skip.")
            continue
        if answer.act == "undo" and not session.undo():
            screen.print("Nothing to undo in this session.")
            continue
        if answer.act != "undo":
            session.answer(answer, lead_ms=round((time.monotonic() - began) * 1000))
            screen.print(f"-> {answer.label or ACT_NAMES[answer.act][0]}", style="green")
        return True


def _read_answer(screen: "Console", answers: AnswerKeys) -> ParsedAnswer | None:
    """The next answer: a key at a terminal if every class has one, else a line; end of input is quit."""
    if sys.stdin.isatty() and answers.by_key:
        key = typer.getchar()
        if key == "\x03":
            raise KeyboardInterrupt
        return answers.parse_key(key)
    if sys.stdin.isatty():
        screen.print("> ", end="")
    line = sys.stdin.readline()
    return answers.parse_line(line) if line else ParsedAnswer("quit")


def _ask_for_note(screen: "Console") -> str:
    """The note of a flag, asked for at a terminal."""
    if not sys.stdin.isatty():
        return ""
    screen.print("What is wrong with it? ", end="")
    return sys.stdin.readline().strip()


def _show_summary(session: "Session", as_json: bool) -> None:
    """Show what was done and the next command."""
    data = session.summary()
    if as_json:
        show_json(data)
        return
    done = ", ".join(format_count(count, *ACT_NAMES[act]) for act, count in data["acts"].items()) or "no annotations"
    say(f"This session: {done}. {format_count(data['waiting'], 'sample')} in the queue.")
    say(
        f"Next: tiltyard train ({data['training'].why})"
        if data["training"]
        else f"Next training: {data['training'].why}."
    )
