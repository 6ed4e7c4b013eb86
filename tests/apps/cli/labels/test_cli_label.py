"""The queue in the terminal: answers by key and line, undo, flags, leases, and what a sample looks like."""

import subprocess
import sys
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.clients.commands import done, tiltyard
from tests.projects.small_project import CONTENT, a_day, deliver, make_project
from tiltyard.apps.cli.labels.answer_keys import AnswerKeys, ParsedAnswer
from tiltyard.apps.cli.labels.sample_view import render_keys, render_sample
from tiltyard.apps.cli.labels.session import Session
from tiltyard.labels.effective_labels import effective_labels
from tiltyard.schemas.project import ClassName, Project, parse_project
from tiltyard.schemas.records import Assignment, AssignmentId, QueryId, SampleId
from tiltyard.workspace.workspace import Workspace


@pytest.fixture
def waiting(tmp_path: Path) -> Workspace:
    """A project whose queue has six samples."""
    workspace = make_project(tmp_path)
    deliver(workspace, "day-1.csv", a_day(1))
    done("ingest", "-p", tmp_path)
    done("ask", "--budget", "6", "-p", tmp_path)
    return workspace


def label(workspace: Workspace, lines: str, *more: str) -> Any:
    """A sitting whose lines come from a pipe."""
    return done("label", "--annotator", "ada", "-p", workspace.project_file, "--json", *more, lines=lines).data


def acts(workspace: Workspace) -> list[tuple[str, str | None]]:
    """What the ledger keeps, in order."""
    return [(one.act, one.label) for one in workspace.ledger.annotations.until()]


def test_a_line_is_an_answer_and_every_answer_is_kept(waiting: Workspace) -> None:
    told = label(waiting, "y\nno\nskip\n?\nq\n")
    assert acts(waiting) == [("label", "yes"), ("label", "no"), ("skip", None), ("cant_tell", None)]
    assert (told["acts"], told["waiting"], told["annotator"]) == ({"label": 2, "skip": 1, "cant_tell": 1}, 2, "ada")
    for one in waiting.ledger.annotations.until():
        assert (one.annotator, one.origin, one.late) == ("ada", "terminal", False)
        assert one.assignment_id is not None
        assert one.lead_ms is not None
        assert one.payload.keys() == {"x", "y", "colour", "row_id"}


def test_the_end_of_the_pipe_ends_the_sitting_and_gives_leases_back(waiting: Workspace) -> None:
    assert label(waiting, "y\n")["waiting"] == 5
    assert len(waiting.ledger.assignments.lease("bea", waiting.clock(), 9)) == 5


def test_count_ends_the_sitting(waiting: Workspace) -> None:
    assert label(waiting, "y\n" * 9, "--count", "2")["acts"] == {"label": 2}


def test_what_means_nothing_is_asked_again(waiting: Workspace) -> None:
    told = done("label", "--count", "1", "-p", waiting.project_file, lines="maybe\n\ny\n")
    assert told.out.count("Unknown key or answer") == 2
    assert acts(waiting) == [("label", "yes")]


def test_undo_withdraws_and_the_new_answer_stands_in_its_place(waiting: Workspace) -> None:
    label(waiting, "y\nu\nn\ny\nq\n")
    first, withdrawal, second, third = waiting.ledger.annotations.until()
    assert [one.act for one in (first, withdrawal, second, third)] == ["label", "withdraw", "label", "label"]
    assert withdrawal.supersedes == first.annotation_id
    assert second.supersedes == withdrawal.annotation_id
    assert (first.sample_id, second.late) == (second.sample_id, False)
    assert third.sample_id != first.sample_id
    effective = {one.sample_id: one.label for one in effective_labels(waiting.ledger.annotations.until())}
    assert effective == {first.sample_id: "no", third.sample_id: "yes"}


def test_undo_goes_back_as_far_as_the_sitting(waiting: Workspace) -> None:
    told = label(waiting, "y\ny\nu\nu\nu\nq\n")
    assert told["acts"] == {"withdraw": 2}
    assert told["waiting"] == 6
    assert effective_labels(waiting.ledger.annotations.until()) == []


def test_what_was_withdrawn_is_asked_again_of_the_same_person(waiting: Workspace) -> None:
    label(waiting, "y\nu\nq\n")
    assert len(waiting.ledger.assignments.lease("ada", waiting.clock(), 9)) == 6


def test_a_flag_keeps_its_remark_and_still_wants_an_answer(waiting: Workspace) -> None:
    label(waiting, "f torn page\nn\nq\n")
    flag, answer = waiting.ledger.annotations.until()
    assert (flag.act, flag.note, flag.label) == ("flag", "torn page", None)
    assert (answer.sample_id, answer.label) == (flag.sample_id, "no")


def test_two_annotators_never_see_one_sample(waiting: Workspace) -> None:
    ada, bea = Session(waiting, "ada"), Session(waiting, "bea")
    assert ada.take_next()
    assert bea.take_next()
    assert ada.current is not None
    assert bea.current is not None
    assert ada.current.sample_id != bea.current.sample_id


def test_an_answer_after_the_lease_ran_out_is_kept_and_marked(waiting: Workspace) -> None:
    session = Session(waiting, "ada")
    session.take_next()
    later = waiting.clock() + timedelta(hours=1)
    slow = Session(
        Workspace(waiting.project, waiting.project_file, waiting.folder, waiting.settings, lambda: later), "ada"
    )
    slow.current = session.current
    slow.answer(ParsedAnswer("label", "yes"), lead_ms=1)
    assert [one.late for one in waiting.ledger.annotations.until()] == [True]


def test_an_empty_queue_says_so(tmp_path: Path) -> None:
    make_project(tmp_path)
    assert "No samples in the queue for you." in done("label", "-p", tmp_path).out


def test_a_piped_sitting_as_a_program(waiting: Workspace) -> None:
    program = [
        sys.executable,
        "-c",
        "from tiltyard.apps.cli.main import main; main()",
        "label",
        "-p",
        str(waiting.project_file),
    ]
    run = subprocess.run(program, input="y\nn\n", capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stderr) == (0, "")
    assert "2 label" in run.stdout
    assert acts(waiting) == [("label", "yes"), ("label", "no")]


def test_control_c_ends_with_130_and_loses_nothing(waiting: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> ParsedAnswer:
        if waiting.ledger.annotations.count():
            raise KeyboardInterrupt
        return ParsedAnswer("label", "yes")

    monkeypatch.setattr(import_module("tiltyard.apps.cli.labels.label"), "_read_answer", interrupted)
    assert tiltyard("label", "-p", waiting.project_file).code == 130
    assert acts(waiting) == [("label", "yes")]
    assert len(waiting.ledger.assignments.lease("bea", waiting.clock(), 9)) == 5


DIGITS = [ClassName(name=str(digit), key=str(digit)) for digit in range(3)]
COLOURS = [ClassName(name="red"), ClassName(name="green"), ClassName(name="grey green")]
LETTERS = [ClassName(name="spam", key="s"), ClassName(name="useful", key="u")]


@pytest.mark.parametrize(
    ("classes", "line", "said"),
    [
        (DIGITS, "2", ParsedAnswer("label", "2")),
        (DIGITS, "7", None),
        (COLOURS, "green", ParsedAnswer("label", "green")),
        (COLOURS, "gree", ParsedAnswer("label", "green")),
        (COLOURS, "gr", None),
        (COLOURS, "3", ParsedAnswer("label", "grey green")),
        (COLOURS, "0", None),
        (COLOURS, "RED", ParsedAnswer("label", "red")),
        (LETTERS, "s", ParsedAnswer("label", "spam")),
        (LETTERS, "skip", ParsedAnswer("skip")),
        (LETTERS, "u", ParsedAnswer("label", "useful")),
        (LETTERS, "undo", ParsedAnswer("undo")),
        (DIGITS, "u", ParsedAnswer("undo")),
        (DIGITS, "can't tell", ParsedAnswer("cant_tell")),
        (DIGITS, "flag it is torn", ParsedAnswer("flag", note="it is torn")),
        (DIGITS, "skip it", None),
        (DIGITS, "", None),
    ],
)
def test_lines(classes: list[ClassName], line: str, said: ParsedAnswer | None) -> None:
    assert AnswerKeys(classes).parse_line(line) == said


@pytest.mark.parametrize(
    ("key", "act"), [(" ", "skip"), ("!", "flag"), ("\x7f", "undo"), ("\x1b", "quit"), ("?", "cant_tell")]
)
def test_keys_that_work_whatever_the_classes(key: str, act: str) -> None:
    assert AnswerKeys(LETTERS).parse_key(key) == ParsedAnswer(act)  # type: ignore[arg-type]  # the acts of the table


def test_one_key_is_enough_where_every_class_has_one() -> None:
    assert AnswerKeys(DIGITS).by_key
    assert not AnswerKeys(COLOURS).by_key


def drawn(project: Project, payload: dict[str, Any], **changes: Any) -> str:
    """A sample as a terminal of 80 columns shows it."""
    values: dict[str, Any] = {"purpose": "query", "strategy": "margin", **changes}
    assignment = Assignment(
        AssignmentId("a"), QueryId("q"), SampleId("s"), 0, values["purpose"], values["strategy"], None, None, None,
        payload, 1.0,
    )  # fmt: skip
    screen = Console(width=80, record=True, file=None, highlight=False, markup=False)
    with screen.capture() as shown:
        for part in render_sample(assignment, project):
            screen.print(part)
    return shown.get()


def a_project(display: dict[str, Any], features: dict[str, Any] | None = None) -> Project:
    columns = {**CONTENT["columns"], "features": features} if features else CONTENT["columns"]  # type: ignore[dict-item]  # a mapping
    return parse_project({**CONTENT, "columns": columns, "display": display}, "test")


def test_a_table_shows_units_and_marks_what_is_missing() -> None:
    features = {"x": {"kind": "number", "unit": "cm", "description": "width"}, "on": {"kind": "boolean"}}
    shown = drawn(a_project({"columns": ["x"]}, features), {"x": 1.5, "on": None, "row_id": "[bold]7"})
    assert "1.5 cm" in shown
    assert "width" in shown
    assert "(missing)" in shown
    assert "[bold]7" in shown


def test_a_text_is_wrapped_and_cannot_steer_the_terminal() -> None:
    project = a_project({"kind": "text", "columns": ["t"]}, {"t": {"kind": "text"}})
    shown = drawn(project, {"t": "word " * 60 + "\x1b[2J", "row_id": "1"})
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b[2J" not in shown


def test_an_image_is_drawn_pixel_by_pixel() -> None:
    features = {"p_{0..3}": {"kind": "integer"}}
    project = a_project({"kind": "image", "columns": ["p_{0..3}"], "width": 2, "levels": 16}, features)
    shown = drawn(project, {"p_0": 0, "p_1": 16, "p_2": 8, "p_3": None, "row_id": "1"})
    assert shown.splitlines()[:2] == ["  ██", "▒▒··"]


def test_it_is_not_told_which_samples_judge_models() -> None:
    by_chance = drawn(a_project({}), {"x": 1.0}, purpose="evaluation", strategy="evaluation")
    assert "drawn at random" in by_chance
    assert "evaluation" not in by_chance
    assert by_chance == drawn(a_project({}), {"x": 1.0}, purpose="random", strategy="random")


def test_keys_show_the_stand_in_where_a_class_has_the_letter() -> None:
    shown = render_keys(AnswerKeys(LETTERS)).plain.replace("\N{NO-BREAK SPACE}", " ")
    assert "s spam" in shown
    assert "space skip" in shown
    assert "backspace undo" in shown
