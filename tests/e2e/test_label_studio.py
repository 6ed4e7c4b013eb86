"""The connector against a real Label Studio: assignments go there once, answers come back once, nothing is deleted."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOGGING_LEVEL,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness

from tests.clients.browser import chromium
from tests.clients.commands import done, tiltyard
from tests.projects.small_project import a_day, deliver, make_project
from tests.servers.label_studio_server import ADMIN, PASSWORD, TOKEN, Server, running
from tests.servers.label_studio_twin import ADA, BEA, DYING, Twin, ask_by_hand, result_of
from tests.servers.prefect_server import events_to
from tiltyard.labels.effective_labels import effective_labels
from tiltyard.schemas.records import AssignmentId

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One Label Studio with two experts, who are known to all tests by their e-mail."""
    with running(tmp_path_factory.mktemp("label-studio") / "data") as server:
        for email in (ADA, BEA):
            server.call("POST", "/api/users", {"email": email, "username": email, "password": "long-enough-1"})
        yield server


@pytest.fixture
def twin(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Twin:
    """A project of its own for each test, with twelve open assignments, and its counterpart in Label Studio."""
    name = request.node.originalname.removeprefix("test_").replace("_", "-")[:40]
    workspace = make_project(tmp_path / "project", name=name, query={"budget": 12})
    deliver(workspace, "day-1.csv", a_day(1))
    done("ingest", "-p", workspace.project_file)
    done("ask", "-p", workspace.project_file)
    return Twin(server, workspace)


def test_each_open_assignment_is_asked_once(twin: Twin) -> None:
    waiting = {one.assignment_id: one for one in twin.workspace.ledger.assignments.waiting()}
    first, second = twin.push(), twin.push()
    assert (first["made_project"], first["held"], first["sent"], first["known"]) == (True, 12, 12, 0)
    assert (second["made_project"], second["held"], second["sent"], second["known"]) == (False, 12, 0, 12)
    tasks = twin.tasks()
    assert Counter(task["data"]["assignment_id"] for task in tasks) == Counter(list(waiting))
    for task in tasks:
        asked = waiting[AssignmentId(task["data"]["assignment_id"])]
        assert task["data"]["sample_id"] == asked.sample_id
        assert task["data"]["row"] == {name: str(asked.payload[name]) for name in ("x", "y", "colour")}
        assert task["predictions"] == []
        assert asked.purpose not in str(task), "an expert must not know why a sample is asked"


def test_the_queue_hands_out_nothing_that_is_there(twin: Twin) -> None:
    twin.push("--count", "5")
    assignments, now = twin.workspace.ledger.assignments, twin.workspace.clock()
    there = {task["data"]["assignment_id"] for task in twin.tasks()}
    here = {one.assignment_id for one in assignments.lease("ada", now, 100)}
    assert (len(there), len(here), there & here) == (5, 7, set())
    assert twin.push()["held"] == 5, "what ada holds is not taken from her"


def test_a_project_is_found_again_by_its_marker(twin: Twin) -> None:
    twin.push()
    there = twin.there
    assert (there["show_collab_predictions"], there["enable_empty_annotation"]) == (False, False)
    assert there["expert_instruction"] == ""
    path = f"/api/projects/{there['id']}"
    twin.server.call("PATCH", path, {"title": "Renamed", "show_collab_predictions": True})
    again = twin.push()
    assert (again["made_project"], again["sent"], twin.there["title"]) == (False, 0, "Renamed")
    assert twin.there["show_collab_predictions"] is False, "blind, unless suggestions are asked for"
    twin.server.call("PATCH", path, {"description": "somebody tidied up"})
    lost = twin.say("push")
    assert lost.code == 2
    assert "put the marker back" in lost.data["error"]
    assert twin.say("pull").code == 2
    assert (twin.push("--new-project")["made_project"], len(twin.tasks())) == (True, 12)
    twin.server.call("PATCH", path, {"description": there["description"]})
    two = twin.say("push")
    assert (two.code, "'Renamed'" in two.data["error"], "take it out" in two.data["error"]) == (2, True, True)


def test_classes_and_guidelines_follow_the_project_file(twin: Twin) -> None:
    twin.push()
    odd = 'tag <b> & "x"'
    name = twin.workspace.project.name
    classes = [{"name": "no", "key": "n"}, {"name": "yes", "key": "y"}, {"name": odd, "description": "a > b"}]
    workspace = make_project(
        twin.workspace.project_file.parent, name=name, classes=classes, guidelines="# Look\n\n<script>no</script>"
    )
    changed = Twin(twin.server, workspace)
    changed.push()
    there = changed.there
    assert there["parsed_label_config"]["label"]["labels"] == ["no", "yes", odd]
    assert "<h1>Look</h1>" in there["expert_instruction"]
    assert "<script" not in there["expert_instruction"]
    changed.answer(changed.tasks()[0], ADA, odd)
    changed.pull()
    assert [one.label for one in changed.annotations()] == [odd]


def test_answers_come_back_with_who_said_what(twin: Twin) -> None:
    twin.push()
    tasks = twin.tasks()
    waiting = {one.assignment_id: one for one in twin.workspace.ledger.assignments.waiting()}
    for task, choice in zip(tasks[:4], ("yes", "no", "yes", "no"), strict=True):
        twin.answer(task, ADA, choice)
    twin.answer(tasks[4], BEA, "yes")
    twin.answer(tasks[5], BEA, skip=True)
    bad = [twin.answer(tasks[6], ADA, "NOT_A_LABEL"), twin.answer(tasks[7], BEA), twin.answer(tasks[8], ADA, {"x": 1})]
    pulled = twin.pull(code=2)
    assert (pulled["since"], pulled["stored"], pulled["known"]) == (None, 6, 0)
    assert [(one["annotation"], one["annotator"]) for one in pulled["refused"]] == [
        (bad[0], "ada"),
        (bad[1], f"label-studio:{BEA}"),
        (bad[2], "ada"),
    ]
    assert pulled["refused"][0]["why"] == "'NOT_A_LABEL' is not a class; known: no, yes"
    assert pulled["refused"][1]["why"].startswith("no classes are chosen where one is wanted")
    kept = twin.annotations()
    assert [(one.annotator, one.act, one.label) for one in kept] == [
        *[("ada", "label", label) for label in ("yes", "no", "yes", "no")],
        (f"label-studio:{BEA}", "label", "yes"),
        (f"label-studio:{BEA}", "skip", None),
    ]
    for one, task in zip(kept, tasks, strict=False):
        asked = waiting[AssignmentId(task["data"]["assignment_id"])]
        assert (one.assignment_id, one.sample_id, one.payload) == (asked.assignment_id, asked.sample_id, asked.payload)
        assert (one.purpose, one.strategy, one.late, one.lead_ms) == (asked.purpose, asked.strategy, False, 3250)
        assert (one.suggestion_visible, one.said_at.tzinfo) == (False, UTC)
    assert twin.workspace.ledger.assignments.waiting_count() == 6
    assert len(tasks) == len(twin.tasks()), "what was refused stays there"
    again = twin.pull(code=2)
    assert (again["stored"], again["known"], len(again["refused"])) == (0, 6, 3)
    assert again["since"] is not None
    assert twin.push()["sent"] == 0
    assert done("verify", "-p", twin.workspace.project_file, "--json").data["sound"] is True


def test_a_changed_answer_supersedes_and_a_deleted_one_stays(twin: Twin) -> None:
    twin.push()
    tasks = twin.tasks()
    first, second, third = (twin.answer(task, ADA, "yes") for task in tasks[:3])
    twin.pull()
    twin.server.call("PATCH", f"/api/annotations/{first}/", {"result": result_of("no")})
    twin.server.call("PATCH", f"/api/annotations/{third}/", {"was_cancelled": True, "result": []})
    twin.server.call("DELETE", f"/api/annotations/{second}/")
    assert twin.pull()["stored"] == 2
    before, after = twin.annotations()[:3], twin.annotations()[3:]
    assert [(one.label, one.act, one.supersedes) for one in after] == [
        ("no", "label", before[0].annotation_id),
        (None, "skip", before[2].annotation_id),
    ]
    labels = {one.sample_id: one.label for one in effective_labels(twin.annotations())}
    assert labels == {before[0].sample_id: "no", before[1].sample_id: "yes"}
    assert [twin.pull()["stored"], twin.pull("--all")["stored"], twin.push()["sent"]] == [0, 0, 0]


def test_another_person_for_the_same_answer_takes_its_place(twin: Twin) -> None:
    twin.push()
    task = twin.tasks()[0]
    number = twin.answer(task, ADA, "yes")
    twin.pull()
    twin.server.call(
        "PATCH", f"/api/annotations/{number}/", {"completed_by": twin.user(BEA), "result": result_of("no")}
    )
    twin.pull()
    assert [(one.annotator, one.act, one.label) for one in twin.annotations()] == [
        ("ada", "label", "yes"),
        ("ada", "withdraw", None),
        (f"label-studio:{BEA}", "label", "no"),
    ]
    assert [one.label for one in effective_labels(twin.annotations())] == ["no"]


def test_tasks_that_are_not_ours_are_named(twin: Twin) -> None:
    twin.push()
    tasks = twin.tasks()
    path = f"/api/projects/{twin.there['id']}/import"
    twin.server.call("POST", path, [{"data": {"row": {"x": "1"}}}])
    edited = {"data": {**tasks[0]["data"], "sample_id": "0" * 32}}
    twin.server.call("PATCH", f"/api/tasks/{tasks[0]['id']}/", edited)
    foreign = next(task for task in twin.tasks() if "assignment_id" not in task["data"])
    for task in (foreign, tasks[0], tasks[1]):
        twin.answer(task, ADA, "yes")
    pulled = twin.pull(code=2)
    assert pulled["stored"] == 1
    assert [one["why"].split(",")[0] for one in pulled["refused"]] == [
        "the task carries no assignment of this project",
        f"the task's sample is not the one of assignment '{tasks[0]['data']['assignment_id']}'",
    ]


def test_a_task_that_stands_there_twice_is_told(twin: Twin) -> None:
    """Label Studio does not notice; two pushes at the very same time could do it."""
    twin.push()
    first = twin.tasks()[0]
    twin.server.call("POST", f"/api/projects/{twin.there['id']}/import", [{"data": first["data"]}])
    pushed = twin.push()
    assert (pushed["sent"], pushed["doubled"]) == (0, [first["data"]["assignment_id"]])
    for task in twin.tasks()[0], twin.tasks()[-1]:
        twin.answer(task, ADA, "yes")
    twin.pull()
    one, other = twin.annotations()
    assert other.supersedes == one.annotation_id, "one person, one voice"


def test_the_labeling_page_there_takes_a_key_and_a_class(twin: Twin) -> None:
    """In a real browser: what the page sends is what a pull understands."""
    twin.push()
    with chromium() as browser:
        page = browser.new_page()
        page.on("request", lambda one: twin.server.note(one.method, one.url))  # it deletes its own drafts
        page.goto(f"{twin.server.url}/user/login")
        page.fill("input[name=email]", ADMIN)
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda address: "/login" not in address)
        page.goto(f"{twin.server.url}/projects/{twin.there['id']}/data?labeling=1")
        choice = page.get_by_role("checkbox", name="yes")
        choice.wait_for()
        assert page.get_by_role("cell", name="colour").is_visible()
        assert not choice.is_checked(), "blind first"
        page.keyboard.press("y")
        with page.expect_response(lambda one: one.request.method == "POST" and "/annotations" in one.url) as saved:
            page.get_by_role("button", name="Submit current annotation").click()
        assert saved.value.status == 201
    twin.pull()
    (kept,) = twin.annotations()
    assert (kept.annotator, kept.label, kept.late) == (f"label-studio:{ADMIN}", "yes", False)


def test_an_answer_whose_request_failed_is_found(twin: Twin) -> None:
    """Label Studio on SQLite answers 500 under load, with the annotation stored and the task left as it was."""
    twin.push()
    tasks = twin.tasks()
    twin.answer(tasks[0], ADA, "yes")
    twin.pull()
    hidden = twin.answer(tasks[1], BEA, "no")
    with sqlite3.connect(twin.server.data / "label_studio.sqlite3", timeout=30) as database:
        stale = "UPDATE task SET total_annotations = 0, is_labeled = 0, updated_at = '2020-01-01 00:00:00' WHERE id = ?"
        assert database.execute(stale, (tasks[1]["id"],)).rowcount == 1
    database.close()
    assert twin.pull()["stored"] == 1
    assert twin.annotations()[-1].client_key.split()[2] == str(hidden)


@pytest.mark.parametrize(("place", "there"), [("before", 5), ("after", 10)])
def test_a_push_that_was_killed_is_resumed(server: Server, tmp_path: Path, root: Path, place: str, there: int) -> None:
    workspace = make_project(tmp_path, name=f"killed-{place}", query={"budget": 12})
    deliver(workspace, "day-1.csv", a_day(1))
    done("ingest", "-p", tmp_path)
    done("ask", "-p", tmp_path)
    twin = Twin(server, workspace)
    run = subprocess.run(
        [sys.executable, "-c", DYING, str(tmp_path), place], cwd=root, env={**os.environ, **server.environment}
    )
    assert run.returncode == -signal.SIGKILL
    assert len(twin.tasks()) == there
    again = twin.push()
    assert (again["made_project"], again["held"], again["sent"]) == (False, 12, 12 - there)
    assert set(Counter(task["data"]["assignment_id"] for task in twin.tasks()).values()) == {1}
    assert len(twin.tasks()) == 12


def test_suggestions_go_only_where_they_may(twin: Twin) -> None:
    ask_by_hand(twin.workspace, ["query", "random", "evaluation", "gold"])
    pushed = twin.push("--count", "4", "--with-suggestions")
    assert (pushed["sent"], pushed["suggestions"]) == (4, 1)
    query, *others = twin.tasks()
    assert [one["result"] for one in query["predictions"]] == [result_of("yes")]
    assert [task["predictions"] for task in others] == [[], [], []]
    assert (twin.there["show_collab_predictions"], twin.there["model_version"]) == (True, "tiltyard")
    twin.answer(query, ADA, "no")
    twin.answer(others[0], ADA, "no")
    twin.pull()
    assert [(one.suggestion, one.suggestion_visible) for one in twin.annotations()] == [("yes", True), ("yes", False)]
    assert twin.push()["suggestions"] == 0
    assert twin.there["show_collab_predictions"] is False


def test_a_second_answer_of_one_annotator_is_no_overlap(twin: Twin) -> None:
    """Label Studio cannot know that two tasks are one sample, so the same person may get both."""
    ask_by_hand(twin.workspace, ["query", "query"], one_sample=True)
    assert [twin.push("--count", "1")["held"], twin.push("--count", "2")["held"]] == [1, 2]
    both = [task for task in twin.tasks() if task["data"]["sample_id"] == f"{0:032x}"]
    assert len(both) == 1, "the second is asked when the first is answered"
    twin.answer(both[0], ADA, "yes")
    twin.pull()
    twin.push("--count", "2")
    both = [task for task in twin.tasks() if task["data"]["sample_id"] == f"{0:032x}"]
    assert len(both) == 2
    twin.answer(both[1], ADA, "no")
    twin.pull()
    first, second = twin.annotations()
    assert (second.label, second.supersedes, second.assignment_id) == ("no", first.annotation_id, first.assignment_id)
    waiting = {one.assignment_id for one in twin.workspace.ledger.assignments.waiting()}
    assert both[1]["data"]["assignment_id"] in waiting, "another annotator is still wanted"
    twin.answer(both[1], BEA, "no")
    twin.pull()
    third = twin.annotations()[-1]
    assert (third.assignment_id, third.late) == (both[1]["data"]["assignment_id"], False)


def test_the_flow_sends_and_fetches(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    from tiltyard.flows.sync_label_studio import sync_label_studio

    for name, value in twin.server.environment.items():
        monkeypatch.setenv(name, value)
    project = str(twin.workspace.project_file)
    without_heartbeat = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_LOGGING_LEVEL: "ERROR"})
    with (
        prefect_test_harness(server_startup_timeout=120),
        without_heartbeat,
        events_to(str(PREFECT_API_URL.value())),
    ):
        assert sync_label_studio(project).stored == 0
        twin.answer(twin.tasks()[0], ADA, "yes")
        assert sync_label_studio(project).stored == 1
    assert len(twin.tasks()) == 12
    assert twin.workspace.ledger.segments.all()


def test_both_kinds_of_token_work(twin: Twin) -> None:
    settings = {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True, "api_token_ttl_days": 10}
    twin.server.call("POST", "/api/jwt/settings", settings)
    personal = twin.server.call("POST", "/api/token/")["token"]
    told = twin.say("status", TILTYARD_LABEL_STUDIO_TOKEN=personal)
    assert (told.code, told.data["version"], told.data["title"]) == (0, "1.23.2", None)
    assert told.data["annotators"][ADA] == f"label-studio:{ADA}"
    mapped = twin.say("status", TILTYARD_LABEL_STUDIO_USERS=f"{ADA.upper()}=ada").data
    assert mapped["annotators"][ADA] == "ada"
    assert personal not in told.out + told.err


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"TILTYARD_LABEL_STUDIO_TOKEN": TOKEN[::-1]}, "does not take TILTYARD_LABEL_STUDIO_TOKEN (Invalid token.)"),
        ({"TILTYARD_LABEL_STUDIO_TOKEN": "a.b.c"}, "does not take TILTYARD_LABEL_STUDIO_TOKEN (Token is invalid)"),
        ({"TILTYARD_LABEL_STUDIO_URL": "http://127.0.0.1:1"}, "no Label Studio answers at 'http://127.0.0.1:1'"),
        ({"TILTYARD_LABEL_STUDIO_URL": "127.0.0.1:8080"}, "is TILTYARD_LABEL_STUDIO_URL right?"),
        ({"TILTYARD_LABEL_STUDIO_URL": "{url}/projects"}, "is the address of its first page"),
        ({"TILTYARD_LABEL_STUDIO_USERS": "ada"}, "'ada' maps no user; write EMAIL=ANNOTATOR"),
    ],
)
def test_failures_are_one_line(server: Server, tmp_path: Path, changed: dict[str, str], said: str) -> None:
    twin = Twin(server, make_project(tmp_path, name="failing"))
    environment = {name: value.format(url=server.url) for name, value in changed.items()}
    told = twin.say("status", **environment)
    assert (told.code, said in told.data["error"]) == (2, True), told.data
    assert told.err.count("\n") == 1
    assert TOKEN not in told.out + told.err
    if "USERS" not in next(iter(changed)):
        assert twin.say("push", **environment).code == 2
        assert twin.workspace.ledger.assignments.holders(twin.workspace.clock()) == {}


def test_a_setting_that_is_missing_is_named(tmp_path: Path) -> None:
    make_project(tmp_path)
    told = tiltyard("label-studio", "push", "-p", tmp_path, "--json", TILTYARD_LABEL_STUDIO_URL="http://127.0.0.1:1")
    assert told.data == {"error": "which Label Studio? Set TILTYARD_LABEL_STUDIO_TOKEN"}


def test_nothing_is_ever_deleted(twin: Twin) -> None:
    """By Label Studio's own log of all that this file has asked of it, where the tests' own deletions stand too."""
    twin.push()
    number = twin.answer(twin.tasks()[0], ADA, "yes")
    twin.pull()
    twin.server.call("DELETE", f"/api/annotations/{number}/")
    twin.push()
    twin.pull()
    asked = twin.server.requests()
    assert {method for method, _ in asked} <= {"GET", "POST", "PATCH", "DELETE"}
    assert {path for method, path in asked if method == "DELETE"} == set(twin.server.deleted)
