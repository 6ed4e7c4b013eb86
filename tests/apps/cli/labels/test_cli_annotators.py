"""``tiltyard annotators``, ``label secret`` and ``label serve``: who comes in, and a server started from the shell."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.clients.commands import done, tiltyard
from tests.clients.web import proof_in
from tests.projects.made_queue import NUMBERS, made_project, numbers
from tests.servers.ports import free_port
from tiltyard.apps.labeling.auth import token_hash
from tiltyard.workspace.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return made_project(tmp_path, numbers(3), NUMBERS)


@pytest.mark.usefixtures("each_database")
def test_a_token_is_shown_once_and_kept_as_its_hash(tmp_path: Path) -> None:
    workspace = made_project(tmp_path / "small", numbers(3), NUMBERS)
    told = done("annotators", "add", "ada", "--role", "lead", "--by", "root", "-p", tmp_path / "small", "--json").data
    access = workspace.ledger.access.of("ada")
    assert access is not None
    assert (access.role, access.decided_by, access.access_id) == ("lead", "root", told["access_id"])
    assert access.token_hash == token_hash(told["token"])
    listed = done("annotators", "list", "-p", tmp_path / "small", "--json")
    assert [row["annotator"] for row in listed.data["annotators"]] == ["ada"]
    assert told["token"] not in listed.out
    assert access.token_hash not in listed.out


def test_people_see_the_token_on_a_line_of_its_own(workspace: Workspace) -> None:
    told = done("annotators", "add", "ada", "-p", workspace.project_file, COLUMNS="40")
    assert re.search(r"^tyd_[A-Za-z0-9_-]{43}$", told.out, re.MULTILINE)
    assert "ada has access as annotator" in told.out


def test_one_token_opens_several_projects(tmp_path: Path) -> None:
    first, second = (made_project(tmp_path / name, numbers(1), {**NUMBERS, "name": name}) for name in ("a", "b"))
    token = done("annotators", "add", "ada", "-p", tmp_path / "a", "-p", tmp_path / "b", "--json").data["token"]
    found = [one.ledger.access.by_token_hash(token_hash(token)) for one in (first, second)]
    assert found[0] == found[1] is not None
    assert done("annotators", "revoke", "ada", "-p", tmp_path / "a", "-p", tmp_path / "b", "--json").code == 0
    assert [one.ledger.access.of("ada") for one in (first, second)] == [None, None]


def test_revoking_frees_what_was_held_and_says_when_there_is_nobody(workspace: Workspace) -> None:
    done("annotators", "add", "ada", "-p", workspace.project_file)
    workspace.ledger.assignments.lease("ada", workspace.clock(), 3)
    done("annotators", "revoke", "ada", "-p", workspace.project_file)
    assert len(workspace.ledger.assignments.lease("bea", workspace.clock(), 3)) == 3
    told = tiltyard("annotators", "revoke", "ada", "-p", workspace.project_file)
    assert (told.code, told.err.count("\n"), "'ada' has no access" in told.err) == (2, 1, True)
    assert "Next: tiltyard annotators add" in done("annotators", "list", "-p", workspace.project_file).out


def test_without_a_token_somebody_else_answers_for_the_person(workspace: Workspace) -> None:
    told = done("annotators", "add", "ada@example.test", "--no-token", "-p", workspace.project_file, "--json").data
    access = workspace.ledger.access.of("ada@example.test")
    assert told["token"] is None
    assert access is not None
    assert access.token_hash is None


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["ada", "--role", "leader"], "did you mean 'lead'?"),
        (["", "--role", "lead"], "invalid name"),
        ([" ada"], "invalid name"),
        (["a\x1b[2Jb"], "invalid name"),
        (["a" * 300], "invalid name"),
    ],
)
def test_mistakes_are_one_line(workspace: Workspace, arguments: list[str], problem: str) -> None:
    told = tiltyard("annotators", "add", *arguments, "-p", workspace.project_file)
    assert (told.code, told.err.count("\n"), problem in told.err) == (2, 1, True)
    assert workspace.ledger.access.current() == []


def test_the_secret_is_made_once_for_its_owner_alone(workspace: Workspace) -> None:
    told = done("label", "secret", "-p", workspace.project_file, "--json").data
    file = Path(told["file"])
    content = file.read_text()
    assert (told["made"], file.stat().st_mode & 0o777, len(content.strip()) >= 32) == (True, 0o600, True)
    again = done("label", "secret", "-p", workspace.project_file)
    assert (file.read_text(), "Kept" in again.out) == (content, True)
    assert content.strip() not in again.out


def test_it_does_not_start_without_a_secret_and_says_both_ways(workspace: Workspace) -> None:
    told = tiltyard("label", "serve", "-p", workspace.project_file)
    assert (told.code, told.err.count("\n")) == (2, 1)
    assert "tiltyard label secret" in told.err
    assert "TILTYARD_LABEL_SECRET" in told.err


def test_a_wrong_setting_is_named_and_a_secret_is_not_shown(workspace: Workspace) -> None:
    wrong = tiltyard("label", "serve", "-p", workspace.project_file, TILTYARD_LABEL_PORT="x")
    assert (wrong.code, "TILTYARD_LABEL_PORT" in wrong.err) == (2, True)
    short = tiltyard("label", "serve", "-p", workspace.project_file, TILTYARD_LABEL_SECRET="short-secret")
    assert (short.code, "TILTYARD_LABEL_SECRET" in short.err, "short-secret" in short.err) == (2, True, False)


def test_a_port_that_is_taken_is_said_in_one_line(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = tiltyard("label", "serve", "-p", workspace.project_file, "--demo", "--port", port)
    assert (told.code, told.err.count("\n")) == (2, 1)
    assert f"127.0.0.1:{port}: Address already in use; name another with --port" in told.err


def test_the_terminal_queue_still_answers_under_its_own_name(workspace: Workspace) -> None:
    told = done("label", "--annotator", "ada", "--count", "1", "-p", workspace.project_file, lines="y\n")
    assert "This session: 1 label" in told.out
    assert len(workspace.ledger.annotations.until()) == 1


@pytest.mark.parametrize("demo", [False, True])
def test_serve_serves_until_it_is_interrupted(workspace: Workspace, demo: bool) -> None:
    port, folder = free_port(), workspace.project_file.parent
    token = ""
    if not demo:
        done("label", "secret", "-p", folder)
        token = done("annotators", "add", "ada", "-p", folder, "--json").data["token"]
    more = ["--demo"] if demo else []
    command = [
        sys.executable,
        "-c",
        "from tiltyard.apps.cli.main import main; main()",
        "label",
        "serve",
        "-p",
        str(folder),
        "--port",
        str(port),
        *more,
    ]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "40"}
    run = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            _wait(client)
            if demo:
                assert run.stdout is not None
                token = next(line.strip() for line in run.stdout if line.startswith("tyd_"))
            page = client.get("/login")
            form = {"csrf": proof_in(page.text), "token": token}
            assert client.post("/login", data=form).status_code == 303
            role = client.get("/api/v1/projects").json()[0]["role"]
            assert role == ("lead" if demo else "annotator")
            assert "server" not in page.headers
    finally:
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
    assert "Traceback" not in err
    assert token not in err, "no token is logged"
    assert f"http://127.0.0.1:{port}/" in out + err or demo


def _wait(client: httpx.Client) -> None:
    """Until the server answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if client.get("/health").json() == {"status": "ok"}:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError
