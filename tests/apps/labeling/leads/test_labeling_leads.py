"""What adjudicators and leads get from the labeling server: disputes, histories, people, files, pictures, pages."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.clients.web import API, Expert, TestClient, answer, logged_in, proof_in, serving
from tests.projects.made_queue import NUMBERS, kept, made_project, numbers, sample_id_of, says, token_for
from tiltyard.labels.effective_labels import effective_labels
from tiltyard.schemas.records import Payload, Purpose, SampleId, Suggestion
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
    assert (unknown.status_code, "has no assignment and no annotation" in unknown.json()["error"]) == (404, True)


def test_where_voices_have_weights_rulings_on_other_samples_decide_over_this_one(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(6), {**MADE, "effective_label": "quality_weighted"}, slots=2)
    with serving(workspace.project_file) as client:
        for name, label in (("ada", "yes"), ("bea", "no")):
            expert = Expert(client, workspace, name)
            for _ in range(6):
                expert.say(answer(expert.lease()[0], label))
        judge, lea = Expert(client, workspace, "ida", "adjudicator"), Expert(client, workspace, "lea", "lead")
        disputes = [one["sample_id"] for one in judge.get("/disputes")]
        before = lea.get(f"/samples/{disputes[-1]}")
        for number, sample_id in enumerate(disputes[:-1]):
            ruling = {"client_key": f"ruling-{number}", "sample_id": sample_id, "label": "yes"}
            judge.post("/adjudications", {**ruling, "said_at": datetime.now(UTC).isoformat()}, 201)
        after = lea.get(f"/samples/{disputes[-1]}")
        assert judge.get("/disputes") == []
    assert (len(disputes), before["label"], before["dispute"]) == (6, None, True)
    assert (after["label"], after["dispute"]) == ("yes", False)


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
    assert 0 <= bea["quality"] <= rows["ada"]["quality"] <= 1
    assert (rows["lea"]["labels"], rows["lea"]["quality"]) == (0, None)
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
    rulings = [one for one in workspace.ledger.annotations.until() if one.act == "adjudicate"]
    assert [(one.annotator, one.label) for one in rulings] == [("lea", "yes")], "gold is an adjudication, once"
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
    payloads: list[Payload] = [
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


def test_a_lead_makes_a_sample_gold_on_its_page_and_takes_it_back(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(2), MADE)
    with serving(workspace.project_file) as client:
        logged_in(client, token_for(workspace, "lea", "lead"))
        page = f"/p/small/lead/sample/{sample_id_of(numbers(1)[0])}"
        proof = proof_in(client.get(page).text)
        assert client.post(f"{page}/gold", data={"label": "yes"}).status_code == 403
        assert client.post(f"{page}/gold", data={"label": "perhaps", "csrf": proof}).status_code == 422
        assert client.post(f"{page}/gold", data={"csrf": proof}).status_code == 404, "it is not gold yet"
        assert workspace.ledger.gold.current() == []
        told = client.post(f"{page}/gold", data={"label": "yes", "csrf": proof})
        assert (told.status_code, told.headers["location"]) == (303, page)
        assert [one.label for one in workspace.ledger.gold.current()] == ["yes"]
        assert "known class <b>yes</b>" in client.get(page).text
        assert client.post(f"{page}/gold", data={"csrf": proof}).status_code == 303
    assert workspace.ledger.gold.current() == []
    assert [one.act for one in workspace.ledger.annotations.until()] == ["adjudicate"]


@pytest.mark.parametrize("purpose", ["evaluation", "query"])
def test_a_gold_sample_of_the_evaluation_set_is_never_trained_on(tmp_path: Path, purpose: Purpose) -> None:
    workspace = made_project(tmp_path, numbers(1), MADE, purpose=purpose)
    with serving(workspace.project_file) as client:
        lea = Expert(client, workspace, "lea", "lead")
        lea.post("/gold", {"sample_id": sample_id_of(numbers(1)[0]), "label": "yes"}, 201)
    (label,) = effective_labels(workspace.ledger.annotations.until())
    assert label.evaluation == (purpose == "evaluation")


def test_one_token_opens_several_projects(tmp_path: Path) -> None:
    first = made_project(tmp_path / "a", numbers(1), {**NUMBERS, "name": "first"})
    second = made_project(tmp_path / "b", numbers(2), {**NUMBERS, "name": "second"})
    from tiltyard.apps.labeling.auth import grant_access, new_token

    token = new_token()
    grant_access([first.project_file, second.project_file], "ada", "annotator", token, "the tests")
    with serving(first.project_file, second.project_file) as client:
        logged_in(client, token)
        listed = client.get("/api/v1/projects").json()
        page = client.get("/")
    assert [(one["name"], one["waiting"]) for one in listed] == [("first", 1), ("second", 2)]
    assert page.status_code == 200
    assert "/p/second/" in page.text


def test_words_decide_where_the_sample_is_a_text(tmp_path: Path) -> None:
    from tiltyard.schemas.records import Factor

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
