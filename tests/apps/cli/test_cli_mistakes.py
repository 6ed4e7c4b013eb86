"""What a user does wrong, and the one line that says so."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tests.clients.commands import done, tiltyard
from tests.projects.small_project import CONTENT, make_project
from tiltyard.apps.cli.console.help import EXAMPLES
from tiltyard.apps.cli.main import app

COMMANDS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]  # the app is a group
WORDS = sorted(
    [[name] for name in COMMANDS]
    + [[name, inner] for name, command in COMMANDS.items() for inner in getattr(command, "commands", {})]
)
ONLY_GROUPS = [["annotators"], ["automations"], ["label-studio"], ["quarantine"]]
"""These do nothing by themselves."""

SERVING = [["label", "serve"]]
"""What runs until it is ended has nothing to sum up as JSON."""

PROGRAM = [sys.executable, "-c", "from tiltyard.apps.cli.main import main; main()"]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project into which nothing came yet."""
    return make_project(tmp_path_factory.mktemp("empty")).project_file.parent


MISTAKES = [
    (["statsu"], "No such command 'statsu'. Did you mean 'status'? (see 'tiltyard --help')"),
    (["status", "--jsn"], "No such option: --jsn (Possible options: --json) (see 'tiltyard status --help')"),
    (["init"], "Missing argument 'DATA' (see 'tiltyard init --help')"),
    (["rollback"], "Missing option '--reason' (see 'tiltyard rollback --help')"),
    (["rollback", "--reason", " "], "Invalid value for --reason: give a reason; it is recorded permanently "
     "(see 'tiltyard rollback --help')"),
    (["rollback", "--reason", "x"], "there is no champion to roll back from; promote one first"),
    (["promote"], "no verdict was given yet, and only a recorded verdict moves the champion; run 'tiltyard judge'"),
    (["promote", "abc"], "no model begins with 'abc'; 'tiltyard history' lists the models"),
    (["rebuild", "abc"], "no model begins with 'abc'; 'tiltyard history' lists the models"),
    (["ask", "--budget", "0"], "Invalid value for '--budget': Input should be greater than or equal to 1 "
     "(see 'tiltyard ask --help')"),
    (["quarantine", "show", "abc"], "no batch begins with 'abc'; 'tiltyard quarantine list' shows the ids"),
    (["judge", "metric=f1"], "Invalid value for judge: 'metric=f1' is a setting; use --what-if --set 'gate.metric=f1' "
     "(see 'tiltyard judge --help')"),
    (["show", "1.0.0"], "no model has version '1.0.0'; there is none yet"),
    (["quarantine", "retry"], "Invalid value: name the batches to retry, or use --all "
     "(see 'tiltyard quarantine retry --help')"),
    (["import-labels", "no.csv"], "no file at 'no.csv'"),
    (["import-labels", "pyproject.toml"], "'pyproject.toml': a label file ends in .csv, .tsv, .jsonl, .ndjson, .json"),
    (["export-labels", "README.md"], "'README.md' already exists; add --overwrite to replace it"),
    (["run", "--only", "trian"], "Invalid value: no step 'trian'; did you mean 'train'? (see 'tiltyard run --help')"),
    (["run", "--from", "ask", "--to", "train"], "Invalid value: step 'ask' comes after 'train'; the order is "
     "ingest, settle, train, judge, promote, ask, seal (see 'tiltyard run --help')"),
    (["run", "--only", "ask", "--to", "seal"], "Invalid value: use --only without --from and --to "
     "(see 'tiltyard run --help')"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"), MISTAKES, ids=lambda one: " ".join(one) if isinstance(one, list) else ""
)
def test_a_mistake_is_one_line_and_exit_code_2(empty: Path, arguments: list[str], said: str) -> None:
    told = tiltyard(*arguments, TILTYARD_PROJECT=str(empty))
    assert (told.code, told.out, told.err) == (2, "", f"tiltyard: {said}\n")


def test_with_json_the_mistake_is_a_document_too(empty: Path) -> None:
    told = tiltyard("promote", "--json", "-p", empty)
    assert told.code == 2
    assert told.data["error"].startswith("no verdict was given yet")
    assert told.err.startswith("tiltyard: no verdict was given yet")


def test_a_missing_project_says_how_to_make_one(tmp_path: Path) -> None:
    told = tiltyard("status", "-p", tmp_path)
    file = tmp_path / "project.yaml"
    assert (told.code, told.err) == (
        2,
        f"tiltyard: no project file at {str(file)!r}; make one with 'tiltyard init DATA'\n",
    )


def test_a_misspelt_key_names_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="budgte"):
        make_project(tmp_path, query={"budgte": 3})
    told = tiltyard("status", "-p", tmp_path)
    assert (told.code, told.err) == (2, "tiltyard: project.yaml: query.budgte: unknown key, did you mean 'budget'?\n")


def test_a_wrong_setting_names_its_variable(empty: Path) -> None:
    told = tiltyard("status", "-p", empty, TILTYARD_CHUNK_ROWS="many")
    assert told.code == 2
    assert told.err.startswith("tiltyard: environment variable TILTYARD_CHUNK_ROWS: ")
    assert told.err.endswith("got 'many'\n")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    make_project(tmp_path)
    told = tiltyard("status", "-p", tmp_path, TILTYARD_WORKSPACE=str(tmp_path / "project.yaml"))
    assert (told.code, told.err) == (2, f"tiltyard: {str(tmp_path / 'project.yaml')!r}: File exists\n")


def test_a_fault_of_ours_is_told_without_a_traceback(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tiltyard.project import status

    monkeypatch.setattr(status, "next_step", None)
    told = tiltyard("status", "-p", empty)
    assert told.code == 1
    assert told.err.startswith("tiltyard: this is a bug in Tiltyard, TypeError: ")
    assert "TILTYARD_DEBUG=1" in told.err
    assert "Traceback" not in told.err
    assert "Traceback" in tiltyard("status", "-p", empty, TILTYARD_DEBUG="1").err


def test_help_names_every_command() -> None:
    shown = done("--help").out
    assert [name for name in COMMANDS if name not in shown] == []
    assert done().out == shown


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(words: list[str]) -> None:
    shown = done(*words, "--help").out
    assert "--json" in shown or words in ONLY_GROUPS + SERVING
    assert f"Example: tiltyard {' '.join(words)}" in shown or words in ONLY_GROUPS


@pytest.mark.parametrize("words", sorted(EXAMPLES))
def test_every_example_is_one_that_the_command_takes(words: str) -> None:
    command: Any = get_command(app)
    for word in words.split():
        command = command.commands[word]
    typed = shlex.split(EXAMPLES[words])
    assert typed[: len(words.split()) + 1] == ["tiltyard", *words.split()]
    command.make_context(words, typed[len(words.split()) + 1 :])


@pytest.mark.parametrize("words", ONLY_GROUPS, ids=" ".join)
def test_a_group_alone_asks_which(words: list[str]) -> None:
    told = tiltyard(*words)
    names = ", ".join(COMMANDS[words[0]].commands)
    assert (told.code, told.err) == (2, f"tiltyard: which of {names}? (see 'tiltyard {words[0]} --help')\n")


def test_a_folder_without_rights_names_who_has_none(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "workspace")

    monkeypatch.setattr("tiltyard.project.project.open_workspace", refuse)
    monkeypatch.setenv("LOGNAME", "ada")
    told = tiltyard("status", "-p", empty)
    assert told.err == "tiltyard: 'workspace': Permission denied; give 'ada' the right to it\n"


@pytest.mark.parametrize(
    "arguments", [["status"], ["history"], ["quarantine", "list"], ["verify"], ["doctor"], ["schema"], ["ingest"],
                  ["ask"], ["train"], ["judge"], ["label"], ["quarantine", "retry", "--all"]], ids=" ".join,
)  # fmt: skip
def test_every_answer_is_one_json_document(empty: Path, arguments: list[str]) -> None:
    arguments = arguments if arguments == ["schema"] else [*arguments, "-p", str(empty)]
    assert isinstance(done(*arguments, "--json").data, dict)


def test_the_schema_knows_every_key_of_a_project_file() -> None:
    assert set(CONTENT) <= set(done("schema").data["properties"])


def test_looking_imports_nothing_heavy(empty: Path) -> None:
    heavy = "{'prefect', 'mlflow', 'pandera', 'sklearn', 'pandas'}"
    script = "import sys; from tiltyard.apps.cli.main import app; "
    script += f"app(['status', '-p', {str(empty)!r}], standalone_mode=False)"
    script += f"; print('HEAVY', sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert run.stdout.splitlines()[-1] == "HEAVY []", run.stderr


def test_as_a_program_a_mistake_ends_with_2_and_help_with_0(empty: Path) -> None:
    wrong = subprocess.run([*PROGRAM, "promote", "-p", empty], capture_output=True, text=True, timeout=120)
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
    assert subprocess.run([*PROGRAM, "--version"], capture_output=True, timeout=120).returncode == 0


def test_a_reader_that_goes_away_is_no_error() -> None:
    shell = f"'{sys.executable}' -c 'from tiltyard.apps.cli.main import main; main()' schema | head -1"
    run = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=120, env=dict(os.environ))
    assert (run.stdout, run.stderr) == ("{\n", "")
