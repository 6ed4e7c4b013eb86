"""The labeling server's API: what an expert, an adjudicator and a lead get, and what the ledger keeps of it."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from schemas.records import GoldSample, Purpose, SampleId, Suggestion
from tests.made_queue import NUMBERS, fill, made_project, numbers, sample_id_of, says, token_for
from tests.web import API, TestClient, answer, bearer, logged_in, serving
from tiltyard.stores.workspace import Workspace

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


class Expert:
    """Somebody with a token."""

    def __init__(self, client: TestClient, workspace: Workspace, name: str, role: Any = "annotator") -> None:
        self.client, self.header = client, bearer(token_for(workspace, name, role))

    def get(self, path: str, **parameters: Any) -> Any:
        told = self.client.get(f"{API}{path}", headers=self.header, params=parameters)
        assert told.status_code == 200, told.text
        return told.json()

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        told = self.client.post(f"{API}{path}", headers=self.header, json=body)
        assert told.status_code == status, told.text
        return told.json()

    def lease(self, count: int = 1, *have: str) -> list[Any]:
        leased = self.post("/lease", {"count": count, "have": list(have)})["assignments"]
        assert isinstance(leased, list)
        return leased

    def say(self, *answers: Any, status: int = 201, **more: Any) -> Any:
        return self.post("/annotations", {"annotations": list(answers), **more}, status)


def kept(workspace: Workspace) -> list[tuple[str, str, str | None]]:
    """What the ledger keeps, in order."""
    return [(one.annotator, one.act, one.label) for one in workspace.ledger.annotations.until()]


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
    assert "others hold" in nothing["progress"]["empty"]["why"]


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
        assert (asked[by_chance]["why"], asked[by_chance]["deciding"]) == ("drawn by chance", [])
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
    assert "every sample that was asked for has its answer" in end["empty"]["why"]


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


@pytest.mark.usefixtures("each_database")
def test_a_dispute_is_told_without_names_and_decided_once(tmp_path: Path) -> None:
    workspace = made_project(tmp_path / "small", numbers(1), MADE, slots=2)
    with serving(workspace.project_file) as client:
        for name, label in (("ada", "yes"), ("bea", "no")):
            expert = Expert(client, workspace, name)
            expert.say(answer(expert.lease()[0], label, note=f"I say {label}"))
        judge = Expert(client, workspace, "ida", "adjudicator")
        (dispute,) = judge.get("/disputes")
        said = [(one["label"], one["count"], one["notes"]) for one in dispute["answers"]]
        assert sorted(said) == [("no", 1, ["I say no"]), ("yes", 1, ["I say yes"])]
        assert not {"ada", "bea"} & set(json.dumps(dispute).replace('"', " ").split())
        ruling = {"client_key": "ruling-1", "sample_id": dispute["sample_id"], "label": "yes", "note": "seen"}
        ruling["said_at"] = datetime.now(UTC).isoformat()
        assert judge.post("/adjudications", ruling, 201)["status"] == "stored"
        assert judge.post("/adjudications", ruling, 200)["status"] == "known"
        assert judge.post("/adjudications", {**ruling, "label": "no"}, 409)["where"] == "client_key"
        assert judge.post("/adjudications", {**ruling, "client_key": "ruling-2", "label": "maybe"}, 422)
        assert judge.post("/adjudications", {**ruling, "sample_id": "0" * 32, "client_key": "ruling-3"}, 404)
        assert judge.get("/disputes") == []
    assert kept(workspace)[-1] == ("ida", "adjudicate", "yes")


def test_an_adjudicated_evaluation_sample_stays_one(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(1), MADE, purpose="evaluation")
    with serving(workspace.project_file) as client:
        ada, ida = Expert(client, workspace, "ada"), Expert(client, workspace, "ida", "adjudicator")
        (asked,) = ada.lease()
        ada.say(answer(asked))
        said_at = datetime.now(UTC).isoformat()
        ruling = {"client_key": "ruling-1", "sample_id": asked["sample_id"], "label": "no", "said_at": said_at}
        ida.post("/adjudications", ruling, 201)
    assert {one.purpose for one in workspace.ledger.annotations.until()} == {"evaluation"}


@pytest.mark.usefixtures("each_database")
def test_a_lead_reads_every_annotation_page_by_page(tmp_path: Path) -> None:
    workspace = made_project(tmp_path / "small", numbers(8), MADE)
    with serving(workspace.project_file) as client:
        ada, lea = Expert(client, workspace, "ada"), Expert(client, workspace, "lea", "lead")
        ada.say(*(answer(one) for one in ada.lease(7)))
        pages, after = [], 0
        while after is not None:
            page = lea.get("/annotations", after=after, limit=3)
            pages.append([one["seq"] for one in page["annotations"]])
            after = page["next"]
        found = [seq for page in pages for seq in page]
        assert found == [one.seq for one in workspace.ledger.annotations.until()]
        assert all(before < later for before, later in pairwise(found))
        assert [len(page) for page in pages] == [3, 3, 1]
        until = lea.get("/annotations", until=found[1])["annotations"]
    assert [one["seq"] for one in until] == found[:2]


def test_a_lead_sees_a_sample_with_its_whole_history(workspace: Workspace, client: TestClient) -> None:
    ada, lea = Expert(client, workspace, "ada"), Expert(client, workspace, "lea", "lead")
    (asked,) = ada.lease()
    said = answer(asked)
    ada.say(said, answer(asked, None, act="withdraw", supersedes_key=said["client_key"]), answer(asked, "no"))
    told = lea.get(f"/samples/{asked['sample_id']}")
    assert [one["act"] for one in told["annotations"]] == ["label", "withdraw", "label"]
    assert (told["label"], told["dispute"], told["suggestion"]) == ("no", False, "yes")
    assert told["assignments"] == [
        {"slot": 0, "purpose": "query", "strategy": "margin_kmeans", "state": "answered", "holder": None}
    ]
    unknown = client.get(f"{API}/samples/{'0' * 32}", headers=lea.header)
    assert (unknown.status_code, "never asked for" in unknown.json()["error"]) == (404, True)


def test_a_lead_sees_how_people_do(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(10), MADE, slots=2, suggested=[says("yes")])
    with serving(workspace.project_file) as client:
        lea = Expert(client, workspace, "lea", "lead")
        for name, labels in (("ada", "yyyyyyyyyy"), ("bea", "yyyyyynnnn")):
            expert = Expert(client, workspace, name)
            for label in labels:
                (asked,) = expert.lease()
                expert.say(answer(asked, {"y": "yes", "n": "no"}[label], lead_ms=2000))
        rows = {row["annotator"]: row for row in lea.get("/annotators")}
        agreement = lea.get("/agreement")
        days = lea.get("/throughput")
    bea = rows["bea"]
    assert (bea["labels"], bea["agreed"], bea["agreed_of"], bea["seconds"]) == (10, 6, 10, 2.0)
    assert (bea["without_model"], bea["with_model"], bea["role"], bea["gold_asked"]) == (0.6, None, "annotator", 0)
    assert rows["lea"]["labels"] == 0
    assert (agreement["samples"], agreement["kappa_of"], agreement["kappa"]) == (10, ["ada", "bea"], 0.0)
    assert agreement["low"] <= agreement["alpha"] <= agreement["high"]
    assert {(day["annotator"], day["act"], day["count"]) for day in days} == {
        ("ada", "label", 10),
        ("bea", "label", 10),
    }


def test_gold_answers_are_counted_for_their_annotator(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(2), MADE)
    with serving(workspace.project_file) as client:
        ada, lea = Expert(client, workspace, "ada"), Expert(client, workspace, "lea", "lead")
        (asked,) = ada.lease()
        ada.say(answer(asked))
        gilded = {"sample_id": asked["sample_id"], "label": "yes"}
        assert lea.post("/gold", gilded, 201)["gold_id"] == lea.post("/gold", gilded, 200)["gold_id"]
        assert lea.post("/gold", {**gilded, "label": "maybe"}, 422)["where"] == "label"
        assert lea.post("/gold", {**gilded, "sample_id": "0" * 32}, 404)
        bea = Expert(client, workspace, "bea")
        workspace.ledger.gold.ask_if_due("bea", datetime.now(UTC), 1.0, 0)
        (gold,) = bea.lease()
        bea.say(answer(gold, "no"))
        rows = {row["annotator"]: row for row in lea.get("/annotators")}
    assert (rows["bea"]["gold_asked"], rows["bea"]["gold_right"]) == (1, 0)
    assert [one.sample_id for one in workspace.ledger.gold.current()] == [SampleId(asked["sample_id"])]


@pytest.mark.usefixtures("each_database")
def test_an_export_comes_back_whole_by_an_import(tmp_path: Path) -> None:
    workspace = made_project(tmp_path / "small", numbers(5), MADE)
    with serving(workspace.project_file) as client:
        ada, lea = Expert(client, workspace, "ada"), Expert(client, workspace, "lea", "lead")
        ada.say(*(answer(one, note="=cmd()") for one in ada.lease(5)))
        texts = {}
        for name, kind in (("csv", "text/csv"), ("jsonl", "application/x-ndjson")):
            told = client.get(f"{API}/export", params={"format": name}, headers=lea.header)
            assert told.headers["content-type"].startswith(kind)
            assert told.headers["content-disposition"] == f'attachment; filename="small-annotations.{name}"'
            texts[kind] = told.text
            taken = client.post(f"{API}/import", content=told.text, headers={**lea.header, "Content-Type": kind})
            assert {key: taken.json()[key] for key in ("lines", "stored", "known", "refused")} == {
                "lines": 5,
                "stored": 0,
                "known": 5,
                "refused": [],
            }
    rows = list(csv.DictReader(io.StringIO(texts["text/csv"])))
    assert [row["note"] for row in rows] == ["'=cmd()"] * 5, "no spreadsheet runs it"
    lines = [json.loads(line) for line in texts["application/x-ndjson"].splitlines()]
    assert [line["note"] for line in lines] == ["=cmd()"] * 5
    assert [line["seq"] for line in lines] == [one.seq for one in workspace.ledger.annotations.until()]


def test_a_file_made_by_hand_is_imported_line_by_line(workspace: Workspace, client: TestClient) -> None:
    lea = Expert(client, workspace, "lea", "lead")
    header = {**lea.header, "Content-Type": "text/csv"}
    told = client.post(f"{API}/import", content="sample_id,label\nnobody,yes\n", headers=header).json()
    assert (told["lines"], told["stored"], told["refused"][0]["line"]) == (1, 0, 2)
    wrong = client.post(f"{API}/import?by=nothing", content="sample_id,label\n", headers=header)
    assert (wrong.status_code, "nothing" in wrong.json()["error"]) == (422, True)


def test_pictures_are_shown_to_who_may_see_them_and_nothing_else(tmp_path: Path) -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 20
    payloads = [
        {"file": "a.png"},
        {"file": "../secret.png"},
        {"file": "evil.svg"},
        {"file": None},
        {"file": "gone.png"},
    ]
    content = {
        "name": "small",
        "columns": {"features": {"file": {"kind": "text"}}},
        "classes": ["no", "yes"],
        "display": {"kind": "image", "object": "file"},
    }
    workspace = made_project(tmp_path / "p", payloads, content)
    (tmp_path / "p" / "images").mkdir()
    (tmp_path / "p" / "images" / "a.png").write_bytes(png)
    (tmp_path / "p" / "secret.png").write_bytes(png)
    (tmp_path / "p" / "images" / "evil.svg").write_text("<svg onload='alert(1)'/>")
    with serving(workspace.project_file) as client:
        ada, bea = Expert(client, workspace, "ada"), Expert(client, workspace, "bea")
        ada.lease(5)
        found = [client.get(f"{API}/samples/{sample_id_of(one)}/image", headers=ada.header) for one in payloads]
        foreign = client.get(f"{API}/samples/{sample_id_of(payloads[0])}/image", headers=bea.header)
    assert [one.status_code for one in found] == [200, 404, 404, 404, 404]
    assert (found[0].content, found[0].headers["content-type"]) == (png, "image/png")
    assert foreign.status_code == 404


def test_pages_are_shown(workspace: Workspace, client: TestClient) -> None:
    logged_in(client, token_for(workspace, "lea", "lead"))
    sample_id = Expert(client, workspace, "ada").lease()[0]["sample_id"]
    pages = ["", "guidelines", "disputes", "lead", "lead/people", f"lead/sample/{sample_id}", "lead/exports"]
    for path in [*(f"/p/small/{name}" for name in pages), "/help", "/help?project=small", "/login"]:
        told = client.get(path)
        assert (told.status_code, told.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
    assert client.get(f"/p/small/lead/sample/{'0' * 32}").status_code == 404
    assert client.get("/").headers["location"] == "/p/small/"
    assert "<strong>yes</strong>" in client.get("/p/small/guidelines").text


def test_one_token_opens_several_projects(tmp_path: Path) -> None:
    first = made_project(tmp_path / "a", numbers(1), {**NUMBERS, "name": "first"})
    second = made_project(tmp_path / "b", numbers(2), {**NUMBERS, "name": "second"})
    from apps.labeling.granting import grant
    from apps.labeling.tokens import new_token

    token = new_token()
    grant([first.project_file, second.project_file], "ada", "annotator", token, "the tests")
    with serving(first.project_file, second.project_file) as client:
        logged_in(client, token)
        listed = client.get("/api/v1/projects").json()
        page = client.get("/")
    assert [(one["name"], one["waiting"]) for one in listed] == [("first", 1), ("second", 2)]
    assert page.status_code == 200
    assert "/p/second/" in page.text


def test_words_decide_where_the_sample_is_a_text(tmp_path: Path) -> None:
    from schemas.records import Factor

    said = Suggestion("no", 0.6, {"yes": 0.4, "no": 0.6}, (Factor("text", 0.9, "card"), Factor("text", 0.5, "lost")))
    content = {
        "name": "small",
        "columns": {"features": {"text": {"kind": "text"}}},
        "classes": ["no", "yes"],
        "display": {"kind": "text"},
    }
    workspace = made_project(tmp_path, [{"text": "my card is lost"}], content, suggested=[said])
    with serving(workspace.project_file) as client:
        assert Expert(client, workspace, "ada").lease()[0]["deciding"] == ["card", "lost"]
