"""Two projects deployed to a real Prefect server, their flows run by a real worker, woken by events, notices heard."""

import json
import re
import shlex
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock

from tests.clients.commands import Told, tiltyard
from tests.projects.small_project import LENIENT, STUMP, a_day, answer_queue, deliver, make_project
from tests.servers.prefect_server import PrefectServer, running_prefect, wait_until
from tiltyard.workspace.workspace import Workspace

pytestmark = pytest.mark.timeout(900)

FLOWS = (
    "ask-experts", "exchange-labels", "ingest-batch", "promote-model", "reconcile", "retrain-challenger", "roll-back",
    "score-batch", "sync-label-studio", "watch-drift", "whole-cycle",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[PrefectServer]:
    # A run that waits for its turn looks again soon.
    waits = {"PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "2"}
    with running_prefect(home / "server", **waits) as running:
        yield running


@pytest.fixture(scope="module")
def small(home: Path) -> Workspace:
    return make_project(home / "small", candidates=[STUMP], gate=LENIENT)


@pytest.fixture(scope="module")
def other(home: Path) -> Workspace:
    return make_project(home / "other", name="other")


@pytest.fixture(scope="module")
def deployed(server: PrefectServer, small: Workspace, other: Workspace) -> PrefectServer:
    """Both projects deployed, one by our command and one by Prefect's own; what the first does is asked for by hand."""
    told = command(server, "deploy", "-p", small.project_file.parent)
    assert "prefect work-pool create tiltyard --type process" in told.err, "the missing pool is named with what to do"
    server.prefect("work-pool", "create", "tiltyard", "--type", "process")
    told = command(server, "deploy", "-p", small.project_file.parent)
    assert told.code == 0, told.err
    server.prefect("deploy", "--all", **variables(server, other))
    for wake_up in automations(server, "small wakes").values():
        switch(server, wake_up, on=False)
    return server


@pytest.fixture(scope="module")
def working(deployed: PrefectServer) -> Iterator[PrefectServer]:
    """A worker of processes is at work."""
    with deployed.worker(limit=2):
        yield deployed


@pytest.fixture(scope="module")
def notices() -> Iterator["Listener"]:
    listener = Listener()
    yield listener
    listener.shutdown()
    listener.server_close()


class Listener(ThreadingHTTPServer):
    """Somebody who hears notices, or is told to answer that they cannot."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hearing)
        self.heard: list[dict[str, Any]] = []
        self.refuses = False
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/notices"

    def subjects(self) -> list[str]:
        return [one["subject"] for one in self.heard]


class Hearing(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append(json.loads(body))
        self.send_response(500 if self.server.refuses else 204)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def command(server: PrefectServer, *words: str | Path) -> Told:
    """A ``tiltyard`` command that reaches this server and no other."""
    with server.in_process():
        return tiltyard(*words, PREFECT_API_URL=server.url, PREFECT_HOME=str(server.home))


def variables(server: PrefectServer, workspace: Workspace) -> dict[str, str]:
    """What ``prefect deploy`` needs in its environment, as the command writes it for a shell."""
    said = command(server, "deploy", "-p", workspace.project_file.parent, "--variables").out
    return dict(word.split("=", 1) for word in shlex.split(said) if word != "export")


def switch(server: PrefectServer, automation: dict[str, Any], on: bool) -> None:
    """Switch an automation on or off, as Prefect's pages do."""
    server.patch(f"/automations/{automation['id']}", {"enabled": on})


def deployments(server: PrefectServer) -> dict[str, str]:
    """Id by name of every deployment."""
    flows = {one["id"]: one["name"] for one in server.post("/flows/filter", {})}
    found = server.post("/deployments/filter", {"deployments": {"tags": {"all_": ["tiltyard"]}}})
    return {f"{flows[one['flow_id']]}/{one['name']}": one["id"] for one in found}


def automations(server: PrefectServer, beginning: str = "") -> dict[str, dict[str, Any]]:
    """Every automation by its name; a name that comes twice fails."""
    found = [one for one in server.post("/automations/filter", {}) if one["name"].startswith(beginning)]
    assert len({one["name"] for one in found}) == len(found)
    return {one["name"]: one for one in found}


def asked(server: PrefectServer, name: str, *parameters: str) -> str:
    """The id of a run that ``prefect deployment run`` asked for."""
    words = [word for one in parameters for word in ("-p", one)]
    said = server.prefect("deployment", "run", name, *words)
    found = re.search(r"UUID: ([0-9a-f-]{36})", said)
    assert found, said
    return found[1]


def run(server: PrefectServer, name: str, *parameters: str) -> dict[str, Any]:
    """What became of a run that ``prefect deployment run`` asked for."""
    return server.end_of(asked(server, name, *parameters))


def woken(flow_run: dict[str, Any]) -> bool:
    """Whether an automation asked for a run."""
    return (flow_run.get("created_by") or {}).get("type") == "AUTOMATION"


def idle(server: PrefectServer) -> bool:
    """Whether no run waits or is at work."""
    waiting = {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}}
    return not server.post("/flow_runs/filter", {"flow_runs": waiting})


def settle(server: PrefectServer) -> None:
    """Wait until what events have woken is done, and what they say is heard."""
    time.sleep(8)  # longer than a trigger collapses a burst
    wait_until(lambda: idle(server), "the end of every run", seconds=180)


def test_deploying_again_makes_nothing_twice_and_leaves_switched_what_people_switched(
    deployed: PrefectServer, small: Workspace
) -> None:
    names, wakes = deployments(deployed), automations(deployed)
    assert sorted(names) == sorted(f"{flow}/{project}" for flow in FLOWS for project in ("small", "other"))
    on = "small wakes retrain-challenger: drift found"  # the file has it off
    switch(deployed, wakes[on], on=True)
    resumed = schedule_of(deployed, "reconcile/small")["id"]
    deployed.prefect("deployment", "schedule", "resume", "reconcile/small", resumed)
    told = command(deployed, "deploy", "-p", small.project_file.parent, "--json")
    assert sorted(told.data["deployments"]) == [f"{flow}/small" for flow in FLOWS]
    assert deployments(deployed) == names
    assert set(automations(deployed)) == set(wakes)
    assert [one["name"] for one in automations(deployed, "small wakes").values() if one["enabled"]] == [on]
    assert schedule_of(deployed, "reconcile/small")["active"] is True
    assert schedule_of(deployed, "whole-cycle/small")["active"] is False


def schedule_of(server: PrefectServer, name: str) -> dict[str, Any]:
    """The one schedule of a deployment."""
    (found,) = server.deployment(name)["schedules"]
    return dict(found)


def test_schedules_begin_paused_and_runs_take_turns(deployed: PrefectServer) -> None:
    for name in (f"{flow}/other" for flow in FLOWS):
        found = deployed.deployment(name)
        assert [one for one in found["schedules"] if one["active"]] == [], name
        limit = (found["global_concurrency_limit"] or {}).get("limit")
        assert limit == (None if name.startswith("promote-model/") else 1), name


def test_a_run_with_wrong_parameters_is_never_made(deployed: PrefectServer) -> None:
    with pytest.raises(AssertionError, match="-5 is less than the minimum of 1"):
        deployed.run("ask-experts/small", {"budget": -5})


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("process", {"env": {"TILTYARD_PROJECT": "/p"}}, {"env": "none"}),
        ("docker", {"image": "tiltyard:1", "mem_limit": "8g"}, {"image_pull_policy": "Sometimes"}),
        ("kubernetes", {"memory_limit": "8Gi", "secret": "mine"}, {"finished_job_ttl": -1}),
        ("ecs", {"cpu": 2048, "secrets": [{"name": "A", "valueFrom": "arn:aws:ssm:1"}]}, {"launch_type": "MOON"}),
    ],
)
def test_a_pool_of_each_kind_checks_what_deployments_ask_of_it(
    deployed: PrefectServer, kind: str, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    template = Path("deployments", "work-pools", f"{kind}.json")
    pool = f"of-{kind}"
    deployed.prefect("work-pool", "create", pool, "--type", kind, "--base-job-template", template)
    made = deployed.get(f"/work_pools/{pool}")
    assert made["type"] == kind
    assert made["base_job_template"] == json.loads(template.read_text("utf-8"))
    flow = deployed.post("/flows/", {"name": f"runs on {kind}"})["id"]
    wanted = {"name": "try", "flow_id": flow, "work_pool_name": pool}
    assert deployed.post("/deployments/", {**wanted, "job_variables": good})["job_variables"] == good
    with pytest.raises(AssertionError, match="Validation failed for field"):
        deployed.post("/deployments/", {**wanted, "name": "bad", "job_variables": bad})


def test_every_flow_runs_from_the_command_line(working: PrefectServer, small: Workspace, home: Path) -> None:
    deliver(small, "day-0.csv", a_day(0))
    ended = {"ingest-batch": run(working, "ingest-batch/small")}
    ended["ask-experts"] = run(working, "ask-experts/small", "budget=60")
    answer_queue(small, small.clock())
    ended["retrain-challenger"] = run(working, "retrain-challenger/small", "force=true")
    first = small.ledger.champions.champion_id
    assert first is not None
    make_project(home / "small", gate=LENIENT)  # with the project's own candidate, which learns more
    run(working, "retrain-challenger/small", "force=true")
    assert small.ledger.champions.champion_id != first
    before = small.ledger.annotations.until()
    ended["roll-back"] = run(working, "roll-back/small", "actor=ada", "reason=a try")
    assert small.ledger.champions.champion_id == first
    assert small.ledger.annotations.until() == before
    rest = ("promote-model", "score-batch", "watch-drift", "reconcile", "whole-cycle")
    waiting = {name: asked(working, f"{name}/small") for name in rest}
    waiting["exchange-labels"] = asked(working, "exchange-labels/small", f"outgoing={home / 'labels.csv'}")
    ended |= {name: working.end_of(run_id) for name, run_id in waiting.items()}
    assert (home / "labels.csv").read_text("utf-8").count("\n") > len(before)
    assert {name: one["state_type"] for name, one in ended.items()} == dict.fromkeys(ended, "COMPLETED")
    assert {*ended, "sync-label-studio"} == set(FLOWS)


def test_the_doctor_finds_deployments_and_a_worker(working: PrefectServer, small: Workspace, home: Path) -> None:
    found = findings(working, small)
    assert found["deployments"]["said"] == "11 of 11 flows are deployed as 'small'"
    assert found["workers"]["state"] == "ok"
    nowhere = findings(working, make_project(home / "nowhere", name="nowhere"))
    assert "missing: ask-experts, " in nowhere["deployments"]["said"]
    assert (nowhere["deployments"]["state"], nowhere["deployments"]["remedy"]) == ("warn", "tiltyard deploy")


def test_entry_points_of_an_older_version_are_deployed_again(working: PrefectServer, small: Workspace) -> None:
    older = deployments(working)["roll-back/small"]
    working.patch(f"/deployments/{older}", {"entrypoint": "flows.roll_back.roll_back"})
    found = findings(working, small)["deployments"]
    assert (found["state"], found["said"].partition(": ")[2]) == ("fail", "flows.roll_back.roll_back")
    command(working, *found["remedy"].split()[1:], "-p", small.project_file.parent)
    assert findings(working, small)["deployments"]["state"] == "ok"


def findings(server: PrefectServer, workspace: Workspace) -> dict[str, Any]:
    """What the doctor says, by its question."""
    told = command(server, "doctor", "-p", workspace.project_file.parent, "--json")
    return {one["name"]: one for one in told.data["findings"]}


def test_an_event_over_http_takes_in_what_arrived(working: PrefectServer, other: Workspace) -> None:
    settle(working)
    before = len(working.runs_of("ingest-batch/small"))
    deliver(other, "day-0.csv", a_day(0))
    key = "odd keys/a b'%41\"{{ 1+1 }}\\é.csv"
    said = {"bucket": "in", "key": key, "version": "v1", "size": 12}
    # All at one moment by their own clock, however long the posts take.
    at = datetime.now(UTC).isoformat()
    number = working.emit("tiltyard.object.arrived", "tiltyard.project.other", said, occurred=at)
    working.emit("tiltyard.object.arrived", "tiltyard.project.other", said, occurred=at, id=number)
    for _ in range(20):
        working.emit("tiltyard.object.arrived", "tiltyard.project.other", {"project": "other"}, occurred=at)
    wait_until(lambda: bool(working.runs_of("ingest-batch/other")), "a run that the event wakes", 90)
    settle(working)
    (only,) = working.runs_of("ingest-batch/other")
    assert only["state_type"] == "COMPLETED", working.logs_of(only["id"])
    assert only["parameters"]["arrived"] == said
    assert [one.key for one in other.ledger.batches.objects()] == ["day-0.csv"]
    assert len(working.runs_of("ingest-batch/small")) == before, "another project's event woke us"


def test_new_rows_wake_the_queue_without_a_person(working: PrefectServer, other: Workspace) -> None:
    wait_until(lambda: bool(working.runs_of("ask-experts/other")), "a run that the checked batch wakes", 90)
    settle(working)
    asked = working.runs_of("ask-experts/other")
    assert len(asked) == 1
    assert woken(asked[0])
    assert other.ledger.assignments.waiting_count() > 0


def test_an_event_of_an_object_without_a_place_names_none(working: PrefectServer) -> None:
    before = len(working.runs_of("ingest-batch/other"))
    working.emit("tiltyard.object.arrived", "tiltyard.project.other", {"text": "something came"})
    wait_until(lambda: len(working.runs_of("ingest-batch/other")) > before, "a run that the event wakes", 90)
    settle(working)
    *_, newest = working.runs_of("ingest-batch/other")
    assert len(working.runs_of("ingest-batch/other")) == before + 1
    assert newest["parameters"]["arrived"] is None


def test_automations_are_known_by_their_names(deployed: PrefectServer, small: Workspace, notices: Listener) -> None:
    project = small.project_file.parent
    missing = command(deployed, "automations", "apply", "-p", project)
    assert missing.code == 2
    assert "no notification block 'tiltyard-notices'" in missing.err
    with deployed.in_process():
        CustomWebhookNotificationBlock(
            name="notices", url=notices.url, json_data={"subject": "{{subject}}", "body": "{{body}}"}
        ).save("tiltyard-notices")
    first = command(deployed, "automations", "apply", "-p", project, "--json").data
    assert {one["done"] for one in first} == {"created"}
    again = command(deployed, "automations", "apply", "-p", project, "--json").data
    assert [one["name"] for one in again] == [one["name"] for one in first]
    assert {one["done"] for one in again} == {"same"}
    assert set(automations(deployed, "small tells")) == {one["name"] for one in first}
    assert automations(deployed, "other tells") == {}


def test_a_pause_outlives_a_change_and_doubles_are_removed(
    deployed: PrefectServer, small: Workspace, notices: Listener, tmp_path: Path
) -> None:
    project = small.project_file.parent
    paused, doubled = "small tells: drift", "small tells: runs are late"
    deployed.prefect("automation", "pause", paused)
    known = automations(deployed, "small tells")
    deployed.post("/automations/", {key: known[doubled][key] for key in ("name", "trigger", "actions", "enabled")})
    changed = Path("deployments/automations.yaml").read_text("utf-8").replace("the data drifts", "the data moved")
    (tmp_path / "mine.yaml").write_text(changed, "utf-8")
    told = command(deployed, "automations", "apply", "-p", project, "--file", tmp_path / "mine.yaml", "--json").data
    done = {one["name"]: one["done"] for one in told}
    assert done[paused] == "changed"
    after = automations(deployed, "small tells")
    assert after[paused]["id"] == known[paused]["id"]
    assert after[paused]["enabled"] is False
    assert "the data moved" in after[paused]["actions"][0]["subject"]
    assert set(after) == set(known)


def test_a_failing_run_is_told_and_a_failing_notice_fails_no_run(
    working: PrefectServer, small: Workspace, notices: Listener
) -> None:
    failed = run(working, "sync-label-studio/small")
    assert failed["state_type"] == "FAILED"
    wait_until(lambda: "small: sync-label-studio failed" in notices.subjects(), "the notice of a failed run", 60)
    (told,) = [one for one in notices.heard if one["subject"] == "small: sync-label-studio failed"]
    assert "TILTYARD_LABEL_STUDIO_URL" in told["body"], "the notice says what to do"
    notices.refuses = True
    try:
        working.emit("tiltyard.champion.promoted", "tiltyard.project.small", {"text": "a try"})
        wait_until(lambda: "small: another champion" in notices.subjects(), "the notice that is refused", 60)
        assert run(working, "watch-drift/small")["state_type"] == "COMPLETED"
    finally:
        notices.refuses = False


def test_a_wake_up_that_fails_is_told(working: PrefectServer, notices: Listener) -> None:
    switch(working, automations(working)["small wakes ingest-batch: object arrived"], on=True)
    working.emit("tiltyard.object.arrived", "tiltyard.project.small", {"bucket": "in", "key": "", "size": "many"})
    wait_until(lambda: "small: no run was started" in notices.subjects(), "the notice of a failed wake-up", 90)


def test_a_file_with_mistakes_is_refused_before_anything_is_sent(
    deployed: PrefectServer, small: Workspace, tmp_path: Path
) -> None:
    broken = Path("prefect.yaml").read_text("utf-8").replace("posture:", "postur:")
    (tmp_path / "prefect.yaml").write_text(broken, "utf-8")
    told = command(deployed, "deploy", "-p", small.project_file.parent, "--file", tmp_path / "prefect.yaml")
    assert told.code == 2
    assert "unknown key 'postur'; did you mean 'posture'?" in told.err


def test_removing_takes_the_notices_and_leaves_the_wake_ups(deployed: PrefectServer, small: Workspace) -> None:
    told = command(deployed, "automations", "remove", "-p", small.project_file.parent, "--json").data
    assert {one["done"] for one in told} == {"removed"}
    assert automations(deployed, "small tells") == {}
    listed = command(deployed, "automations", "list", "-p", small.project_file.parent, "--json").data
    assert len(listed) == len(automations(deployed, "small wakes"))
