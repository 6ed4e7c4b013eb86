"""How tables fit into 80 columns, and that nothing printed steers the terminal."""

import json
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.markdown import Markdown
from rich.text import Text

from tests.clients.commands import tiltyard
from tests.projects.small_project import make_project
from tiltyard.apps.cli.console import console, say, show_json, show_table
from tiltyard.apps.cli.console.output import escape, to_one_line

ROW = {
    "batch": "c4fec788",
    "object": "2026-01-09.csv.gz",
    "try": 2,
    "read": 100_000,
    "accepted": 100_000,
    "quarantined": 100_000,
    "duplicate": 100_000,
    "state": "unreadable",
}


@pytest.mark.parametrize("columns", ["80", "70", "200"])
def test_a_table_that_does_not_fit_is_broken_and_never_cut(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    show_table([ROW])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    ruled = next(place for place, line in enumerate(lines) if line.startswith("─"))
    shown = "".join(lines[ruled + 1 :])
    assert shown.count("100,000") == 4
    assert letters(shown) == letters("c4fec788 2026-01-09.csv.gz 2 unreadable" + "100,000" * 4)


def letters(text: str) -> list[str]:
    """What is there, wherever it stands."""
    return sorted(text.replace(" ", ""))


def test_a_table_that_fits_breaks_no_cell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show_table([{"name": "a" * 16, "text": "word " * 40}])
    assert "a" * 16 in capsys.readouterr().out


STEERING = ["\x1b[2J", "\x1b]0;owned\x07", "\x9b31m", "\x07", "\x7f", "\u202e", "\u2066", "\u2028", "\udc9b", "\r"]
ANY_TEXT = st.lists(st.sampled_from(STEERING) | st.text(max_size=5), max_size=6).map("".join)


def steers(text: str) -> list[str]:
    """The characters of a text that a terminal would obey, or that cannot be written."""
    obeyed = {"Cc", "Cs", "Zl", "Zp"}
    return [
        mark
        for mark in text
        if mark not in "\n\t" and (unicodedata.category(mark) in obeyed or mark in "\u202a\u202b\u202d\u202e\u2066")
    ]


@given(ANY_TEXT)
@settings(max_examples=60, deadline=None)
def test_no_text_steers_the_terminal_however_it_is_printed(text: str) -> None:
    screen = console()
    with screen.capture() as told:
        screen.print(text)
        screen.print(Text(text))
        screen.print(Markdown(text.replace("&", "")))
    assert steers(told.get()) == []
    assert steers(escape(text) + to_one_line(text)) == []


@given(text=ANY_TEXT)
@settings(max_examples=20, deadline=None)
def test_sentences_tables_and_documents_hold_no_escapes(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("told") / "out"
    with pytest.MonkeyPatch.context() as patched, file.open("w", encoding="utf-8") as stream:
        patched.setattr("sys.stdout", stream)
        say(text)
        show_table([{f"name {text}": text, "b": None}], text)
    assert steers(file.read_text("utf-8")) == []
    with pytest.MonkeyPatch.context() as patched, file.open("w", encoding="utf-8") as stream:
        patched.setattr("sys.stdout", stream)
        show_json({text: [text]})
    written = file.read_text("utf-8")
    assert (steers(written), json.loads(written)) == ([], {text: [text]})


def test_names_of_files_and_what_stands_in_them_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    make_project(tmp_path)
    named = tmp_path / "own\x1b[2J\u202e.jsonl"
    line = {"sample_id": "\x1b[31mkey", "label": "\x1b]0;x\x07", "\x1b[1mcolumn": 1}
    named.write_text(json.dumps(line) + "\n" + "\x1b[2J\n")
    for more in ([], ["--json"]):
        told = tiltyard("import-labels", named, "-p", tmp_path, *more)
        assert (told.code, steers(told.out + told.err)) == (2, [])


def test_a_file_whose_name_is_not_utf_8_is_told(tmp_path: Path) -> None:
    make_project(tmp_path)
    named = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.csv")
    Path(named).write_text("sample_id,label\n")
    told = tiltyard("import-labels", named, "-p", tmp_path)
    assert (told.code, "caf\\udce9.csv: 0 lines" in told.out.replace("\n", "")) == (0, True)
    missing = tiltyard("import-labels", named + "x.csv", "-p", tmp_path, "--json")
    assert (missing.code, "no file at" in missing.data["error"]) == (2, True)
