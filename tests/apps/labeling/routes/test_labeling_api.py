"""The labeling server's API: what an expert, an adjudicator and a lead get, and what the ledger keeps of it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.clients.web import API, Expert, TestClient, answer, bearer, logged_in, serving
from tests.projects.made_queue import NUMBERS, fill, kept, made_project, numbers, sample_id_of, says, token_for
from tiltyard.schemas.records import GoldSample, Purpose
from tiltyard.workspace.workspace import Workspace

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
MADE = {**NUMBERS, "labeling": {"reveal": "always", "gold_share": 0}}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A project whose queue has eight samples, each with what a model says of it."""
    return made_project(tmp_path / "small", numbers(8), MADE, suggested=[says("yes", 0.52, "x", "y")])


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient]:
    with serving(workspace.project_file) as client:
        yield client


@pytest.mark.usefixtures("each_database")
def test_an_answer_is_stored_with_all_that_is_known(tmp_path: Path) -> None:
    workspace = made_project(tmp_path / "small", numbers(3), MADE, suggested=[says("yes", 0.52, "x")])
    with serving(workspace.project_file) as client:
        ada = Expert(client, workspace, "ada")
        (asked,) = ada.lease()
        version = ada.get("")["guidelines_version"]
        said = answer(asked, "no", note="sure", lead_ms=1234, guidelines_version=version)
        told = ada.say(said, lease={"count": 1, "have": []})
    (stored,) = workspace.ledger.annotations.until()
    (result,) = told["results"]
    assert (result["status"], result["annotation_id"], result["seq"]) == ("stored", stored.annotation_id, stored.seq)
    assert (stored.annotator, stored.label, stored.note, stored.lead_ms) == ("ada", "no", "sure", 1234)
    assert (stored.payload, stored.suggestion, stored.suggestion_visible) == (asked["payload"], "yes", False)
    assert (stored.origin, stored.late, stored.purpose, stored.guidelines_hash) == ("web", False, "query", version)
    assert told["assignments"][0]["sample_id"] != asked["sample_id"]
    assert workspace.ledger.segments.all(), "what was stored is sealed at the end"


@pytest.mark.usefixtures("each_database")
def test_the_same_answer_again_is_known_and_another_content_is_refused(tmp_path: Path) -> None:
    workspace = made_project(tmp_path / "small", numbers(3), MADE)
    with serving(workspace.project_file) as client:
        ada = Expert(client, workspace, "ada")
        said = answer(ada.lease()[0])
        first = ada.say(said)["results"][0]
        again = ada.say(said, status=200)["results"][0]
        other = ada.say({**said, "label": "no"}, status=200)["results"][0]
    assert (again["status"], again["annotation_id"]) == ("known", first["annotation_id"])
    assert (other["status"], "stored before" in other["error"]) == ("refused", True)
    assert kept(workspace) == [("ada", "label", "yes")]


def test_an_answer_is_known_after_a_restart(workspace: Workspace) -> None:
    with serving(workspace.project_file) as client:
        ada = Expert(client, workspace, "ada")
        said = answer(ada.lease()[0])
        ada.say(said)
    with serving(workspace.project_file) as client:
        told = client.post(f"{API}/annotations", headers=ada.header, json={"annotations": [said]})
    assert (told.status_code, told.json()["results"][0]["status"]) == (200, "known")


def test_one_bad_answer_stops_no_other(workspace: Workspace, client: TestClient) -> None:
    ada = Expert(client, workspace, "ada")
    first, second, third = ada.lease(3)
    told = ada.say(answer(first), answer(second, "maybe"), {"act": "label"}, answer(third, "no", note="x" * 5000))
    assert [one["status"] for one in told["results"]] == ["stored", "refused", "refused", "refused"]
    assert "'maybe' is not a class" in told["results"][1]["error"]
    assert "client_key" in told["results"][2]["error"]
    assert "note" in told["results"][3]["error"]
    assert kept(workspace) == [("ada", "label", "yes")]


@pytest.mark.usefixtures("each_database")
def test_nobody_gets_what_another_holds(tmp_path: Path) -> None:
    workspace = made_project(tmp_path / "small", numbers(8), MADE)
    with serving(workspace.project_file) as client:
        ada, bea = Expert(client, workspace, "ada"), Expert(client, workspace, "bea")
        hers, others = ada.lease(4), bea.lease(10)
        assert ada.lease(4) == [] or {one["sample_id"] for one in hers}
        assert {one["sample_id"] for one in hers}.isdisjoint(one["sample_id"] for one in others)
        assert (len(hers), len(others)) == (4, 4)
        nothing = Expert(client, workspace, "cleo").post("/lease", {"count": 2})
    assert nothing["assignments"] == []
    assert nothing["progress"]["waiting"] == 0
    assert nothing["progress"]["empty"]["held_by"] == {"ada": 4, "bea": 4}
    assert "other annotators hold" in nothing["progress"]["empty"]["why"]


def test_what_the_page_has_is_renewed_and_not_sent_again(workspace: Workspace, client: TestClient) -> None:
    ada = Expert(client, workspace, "ada")
    one, two, three = (each["assignment_id"] for each in ada.lease(3))
    assert [each["assignment_id"] for each in ada.lease(3, one, two)] == [three]
    assert len(ada.lease(4, one, two, three)) == 1


def test_what_was_lost_meanwhile_is_told_as_gone(workspace: Workspace, client: TestClient) -> None:
    ada, bea = Expert(client, workspace, "ada"), Expert(client, workspace, "bea")
    first, second = (one["assignment_id"] for one in ada.lease(2))
    workspace.ledger.assignments.release("ada", [first])
    bea.lease(1)
    told = ada.post("/lease", {"count": 2, "have": [first, second]})
    assert told["gone"] == [first]
    assert len(told["assignments"]) == 1


def test_giving_back_frees_at_once_by_header_or_by_beacon(workspace: Workspace, client: TestClient) -> None:
    ada, bea = Expert(client, workspace, "ada"), Expert(client, workspace, "bea")
    held = [one["assignment_id"] for one in ada.lease(8)]
    assert bea.lease() == []
    assert ada.post("/release", {"assignments": held[:1]}) == {"released": 1}
    assert len(bea.lease()) == 1
    token = token_for(workspace, "ada")
    proof = logged_in(client, token)
    beacon = client.post(
        f"{API}/release", content=json.dumps({"csrf": proof}), headers={"Content-Type": "text/plain;charset=UTF-8"}
    )
    assert (beacon.status_code, beacon.json()) == (200, {"released": 7})


def test_withdrawing_opens_the_sample_again_for_the_one_who_withdrew(workspace: Workspace, client: TestClient) -> None:
    ada = Expert(client, workspace, "ada")
    (asked,) = ada.lease()
    said = answer(asked)
    withdrawn = answer(asked, None, act="withdraw", supersedes_key=said["client_key"])
    told = ada.say(said, withdrawn, lease={"count": 1, "have": []})
    assert [one["status"] for one in told["results"]] == ["stored", "stored"], "both in one request, in order"
    assert told["assignments"][0]["sample_id"] == asked["sample_id"]
    assert told["progress"]["today"] == 0
    ada.say(answer(asked, "no"))
    assert kept(workspace) == [("ada", "label", "yes"), ("ada", "withdraw", None), ("ada", "label", "no")]


def test_nobody_supersedes_what_another_said(workspace: Workspace, client: TestClient) -> None:
    ada, bea = Expert(client, workspace, "ada"), Expert(client, workspace, "bea")
    (asked,) = ada.lease()
    said = answer(asked)
    ada.say(said)
    told = bea.say(answer(asked, None, act="withdraw", supersedes_key=said["client_key"]), status=200)
    assert (told["results"][0]["status"], "another annotator" in told["results"][0]["error"]) == ("refused", True)


def test_a_late_answer_is_stored_and_marked(workspace: Workspace, client: TestClient) -> None:
    ada = Expert(client, workspace, "ada")
    (asked,) = ada.lease()
    workspace.ledger.assignments.release("ada")
    assert ada.say(answer(asked))["results"][0]["late"]
    assert [one.late for one in workspace.ledger.annotations.until()] == [True]


@pytest.mark.parametrize(
    ("reveal", "label", "purpose", "told"),
    [
        ("always", "yes", "query", True),
        ("always", "no", "query", True),
        ("disagreement", "yes", "query", False),
        ("disagreement", "no", "query", True),
        ("never", "no", "query", False),
        ("always", "no", "random", False),
        ("always", "no", "evaluation", False),
    ],
)
def test_the_model_is_told_after_the_answer_where_the_project_wants_it(
    tmp_path: Path, reveal: str, label: str, purpose: Purpose, told: bool
) -> None:
    content = {**NUMBERS, "labeling": {"reveal": reveal}}
    workspace = made_project(tmp_path, numbers(1), content, suggested=[says("yes", 0.52, "x")], purpose=purpose)
    with serving(workspace.project_file) as client:
        ada = Expert(client, workspace, "ada")
        (asked,) = ada.lease()
        revealed = ada.say(answer(asked, label))["results"][0]["reveal"]
        changed = answer(asked, "yes", suggestion_visible=True)
        assert ada.say(changed)["results"][0]["reveal"] is None, "what was seen is not shown again"
    assert (revealed is not None) == told
    if revealed:
        assert (revealed["label"], revealed["probability"], revealed["factors"][0]["name"]) == ("yes", 0.52, "x")


def test_an_assignment_tells_why_and_nothing_that_should_not_be_known(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(2), MADE, suggested=[says("yes", 0.52, "y", "x")])
    fill(workspace, numbers(3, start=10), purpose="evaluation", suggested=[says("yes", 0.9, "y")])
    gold = numbers(1, start=20)[0]
    workspace.ledger.gold.record(GoldSample("g", sample_id_of(gold), gold, "yes", "add", "lea", LONG_AGO))
    with serving(workspace.project_file) as client:
        ada = Expert(client, workspace, "ada")
        workspace.ledger.gold.ask_if_due("ada", datetime.now(UTC), 1.0, 0)
        asked = {one["payload"]["x"]: one for one in ada.lease(10)}
    assert len(asked) == 6
    assert (asked[0.0]["why"], asked[0.0]["deciding"]) == ("margin 0.04 between no and yes", ["y", "x"])
    for by_chance in (10.0, 20.0):
        assert (asked[by_chance]["why"], asked[by_chance]["deciding"]) == ("drawn at random", [])
    told = {key for one in asked.values() for key in one}
    expected = {"assignment_id", "sample_id", "payload", "why", "deciding", "lease_until", "guidelines_version"}
    assert told == expected | {"adjudicated"}
    first, other = asked[10.0], asked[20.0]
    assert first.keys() == other.keys(), "a gold sample looks like any other"


def test_gold_samples_come_in_the_share_that_the_project_wants(tmp_path: Path) -> None:
    content = {**NUMBERS, "labeling": {"gold_share": 0.5}}
    workspace = made_project(tmp_path, numbers(30), content)
    for number, payload in enumerate(numbers(30, start=100)):
        gold = GoldSample(f"g{number}", sample_id_of(payload), payload, "yes", "add", "lea", LONG_AGO)
        workspace.ledger.gold.record(gold)
    with serving(workspace.project_file) as client:
        ada = Expert(client, workspace, "ada")
        asked = ada.lease(2)
        for _ in range(20):
            asked = [*asked[1:], *ada.say(answer(asked[0]), lease=_wanted(asked[1:]))["assignments"]]
    purposes = [one.purpose for one in workspace.ledger.annotations.until()]
    assert 3 <= purposes.count("gold") <= 17
    assert purposes.count("query") + purposes.count("gold") == 20


def _wanted(have: list[Any]) -> dict[str, Any]:
    return {"count": 2, "have": [one["assignment_id"] for one in have]}


def test_progress_counts_what_is_left_and_what_was_done(workspace: Workspace, client: TestClient) -> None:
    ada = Expert(client, workspace, "ada")
    before = ada.get("/progress")
    assert (before["waiting"], before["today"], before["batch"]) == (8, 0, {"asked": 8, "answered": 0})
    assert (before["until_retrain"], before["last_verdict"], before["empty"]) == (60, None, None)
    first, second = ada.lease(2)
    after = ada.say(answer(first), answer(second, None, act="skip"))["progress"]
    assert (after["waiting"], after["today"], after["batch"]["answered"]) == (6, 2, 2)
    assert after["until_retrain"] == 58
    left = ada.lease(6)
    end = ada.say(*(answer(one) for one in left), lease={"count": 1})["progress"]
    assert (end["waiting"], end["today"]) == (0, 8)
    assert "every queried sample is labeled" in end["empty"]["why"]


def test_the_project_is_told_with_all_that_a_page_draws(client: TestClient, workspace: Workspace) -> None:
    told = Expert(client, workspace, "ada").get("")
    assert [one["key"] for one in told["classes"]] == ["n", "y"]
    assert list(told["columns"]) == workspace.project.columns.all_names
    assert told["columns"]["x"] == {"kind": "number", "unit": "cm", "description": "from left to right"}
    assert (told["role"], told["annotator"], told["reveal"]) == ("annotator", "ada", "always")
    assert (told["lease_seconds"], told["guidelines_version"]) == (900, workspace.project.guidelines_hash)
    listed = client.get("/api/v1/projects", headers=bearer(token_for(workspace, "bea"))).json()
    description = "Does the point lie above the line?"
    assert listed == [{"name": "small", "description": description, "role": "annotator", "waiting": 8}]


def test_a_changed_project_file_is_taken_up_and_a_broken_one_is_not(workspace: Workspace) -> None:
    with serving(workspace.project_file) as client:
        ada = Expert(client, workspace, "ada")
        served = client.app.state.service.projects["small"]  # type: ignore[attr-defined] # an ASGI app has no state
        file = workspace.project_file
        text = file.read_text("utf-8")
        _write(file, text.replace("Say **yes**", "Say **no**"), 1)
        served.refresh()
        changed = served.project.guidelines
        _write(file, "name: [", 2)
        served.refresh()
        assert served.project.guidelines == changed
        assert "Say **no**" in changed
        assert ada.say(answer(ada.lease()[0]))["results"][0]["status"] == "stored"


def _write(file: Path, text: str, later: int) -> None:
    """A change that the clock of the file system cannot hide."""
    import os

    file.write_text(text, "utf-8")
    stamp = file.stat().st_mtime_ns + later * 1_000_000_000
    os.utime(file, ns=(stamp, stamp))
