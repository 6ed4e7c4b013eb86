"""Who may do what: every route against strangers, wrong roles, other projects, forged sessions and hostile content."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Mount

from tests.clients.web import API, TestClient, answer, bearer, logged_in, serving, settings
from tests.projects.made_queue import NUMBERS, made_project, numbers, sample_id_of, says, token_for
from tiltyard.apps.labeling.app import create_app
from tiltyard.apps.labeling.auth import new_token
from tiltyard.workspace.workspace import Workspace

OPEN = {"/health", "/login", "/logout", "/login/oidc", "/login/oidc/callback", "/api/v1/openapi.json", "/static"}
"""What a stranger may ask for."""

ROLES = {
    "GET /api/v1/projects": "annotator",
    "GET /api/v1/projects/{project}": "annotator",
    "GET /api/v1/projects/{project}/progress": "annotator",
    "POST /api/v1/projects/{project}/lease": "annotator",
    "POST /api/v1/projects/{project}/release": "annotator",
    "POST /api/v1/projects/{project}/annotations": "annotator",
    "GET /api/v1/projects/{project}/samples/{sample_id}/image": "annotator",
    "GET /api/v1/projects/{project}/disputes": "adjudicator",
    "POST /api/v1/projects/{project}/adjudications": "adjudicator",
    "GET /api/v1/projects/{project}/annotations": "lead",
    "GET /api/v1/projects/{project}/samples/{sample_id}": "lead",
    "GET /api/v1/projects/{project}/agreement": "lead",
    "GET /api/v1/projects/{project}/annotators": "lead",
    "GET /api/v1/projects/{project}/throughput": "lead",
    "GET /api/v1/projects/{project}/export": "lead",
    "POST /api/v1/projects/{project}/import": "lead",
    "POST /api/v1/projects/{project}/gold": "lead",
    "GET /": "annotator",
    "GET /help": "annotator",
    "GET /p/{project}/": "annotator",
    "GET /p/{project}/guidelines": "annotator",
    "GET /p/{project}/disputes": "adjudicator",
    "GET /p/{project}/lead": "lead",
    "GET /p/{project}/lead/people": "lead",
    "GET /p/{project}/lead/sample/{sample_id}": "lead",
    "POST /p/{project}/lead/sample/{sample_id}/gold": "lead",
    "GET /p/{project}/lead/exports": "lead",
}
"""The role that each route asks for. A route that is missing here fails the first test."""

RANKS = ["annotator", "adjudicator", "lead"]
OF_A_PROJECT = [name for name in ROLES if "{project}" in name]
POSTS = [name for name in ROLES if name.startswith("POST /api/")]
"""Those that programs call; the one form of a page has a test of its own in test_labeling_leads.py."""
ABOVE = [(name, role) for name in OF_A_PROJECT for role in RANKS[: RANKS.index(ROLES[name])]]


def ask(client: TestClient, name: str, project: str = "small", **more: Any) -> httpx.Response:
    """Ask a route for something with an empty body."""
    method, path = name.split(" ")
    path = path.replace("{project}", project).replace("{sample_id}", sample_id_of(numbers(1)[0]))
    if method == "POST":
        more = {"json": {}} | more if "content" not in more else more
    answer: httpx.Response = client.request(method, path, **more)
    return answer


def test_every_route_is_in_the_table(small: Workspace) -> None:
    app = create_app([small.project_file], settings())
    document = app.openapi()
    described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    found = {name for name in _all_routes(app) if name.split(" ")[1] not in OPEN}
    assert {name for name in described if name.split(" ")[1] not in OPEN} <= found
    assert found == set(ROLES)
    app.state.service.close()


def _all_routes(app: Any) -> set[str]:
    """Every route, however deep its router was included."""
    found: set[str] = set()
    waiting = [("", route) for route in app.routes]
    while waiting:
        prefix, route = waiting.pop()
        inner = getattr(route, "original_router", None)
        if inner is not None:
            context = getattr(route, "include_context", None)
            own = prefix + (context.prefix if context is not None else "")
            waiting += [(own, below) for below in inner.routes]
        elif isinstance(route, Mount):
            found.add(f"GET {prefix}{route.path}")
        else:
            found |= {f"{method} {prefix}{route.path}" for method in route.methods if method != "HEAD"}
    return found


def test_nothing_can_be_deleted_or_overwritten(small: Workspace, client: TestClient, tokens: dict[str, str]) -> None:
    app = create_app([small.project_file], settings())
    assert {name.split(" ")[0] for name in _all_routes(app)} == {"GET", "POST"}
    app.state.service.close()
    for method in ("DELETE", "PUT", "PATCH"):
        for name in ROLES:
            told = ask(client, f"{method} {name.split(' ')[1]}", headers=bearer(tokens["lead"]))
            assert told.status_code in {404, 405}, (method, name)


@pytest.mark.parametrize("name", ROLES)
def test_strangers_get_nothing(client: TestClient, name: str) -> None:
    told = ask(client, name)
    if " /api/" in name:
        assert told.status_code == 401
        assert told.json()["where"] is None
    else:
        assert (told.status_code, told.headers["location"].startswith("/login?next=/")) == (303, True)


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize(
    "token",
    ["", "x", "tyd_" + "A" * 43, "tyd_" + "é" * 43, new_token()],
    ids=["empty", "short", "made up", "not ASCII", "nobody's"],
)
def test_wrong_tokens_get_nothing(client: TestClient, name: str, token: str) -> None:
    told = ask(client, name, headers={"Authorization": f"Bearer {token}".encode()})
    assert told.status_code in {401, 303}


@pytest.mark.parametrize(("name", "role"), ABOVE)
def test_a_role_that_does_not_reach_is_refused(
    client: TestClient, tokens: dict[str, str], name: str, role: str
) -> None:
    assert ask(client, name, headers=bearer(tokens[role])).status_code == 403


@pytest.mark.parametrize("name", OF_A_PROJECT)
def test_another_project_is_as_if_it_were_not_there(client: TestClient, tokens: dict[str, str], name: str) -> None:
    header = bearer(tokens["lead"])
    foreign, absent = (ask(client, name, project, headers=header) for project in ("other", "absent"))
    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.text == absent.text


@pytest.mark.parametrize("name", POSTS)
def test_a_cookie_alone_changes_nothing(client: TestClient, tokens: dict[str, str], name: str) -> None:
    logged_in(client, tokens["lead"])
    for proof in ({}, {"X-CSRF-Token": "x"}, {"X-CSRF-Token": "CI8Z18M5Mo3u__sxuZm2DBpO_eM"}):
        told = ask(client, name, headers=proof)
        assert (told.status_code, told.json()["where"]) == (403, "csrf")


def test_a_proof_of_another_session_is_none(client: TestClient, tokens: dict[str, str]) -> None:
    stolen = logged_in(client, tokens["lead"])
    client.cookies.clear()
    own = logged_in(client, tokens["annotator"])
    assert client.post(f"{API}/lease", json={}, headers={"X-CSRF-Token": stolen}).status_code == 403
    assert client.post(f"{API}/lease", json={}, headers={"X-CSRF-Token": own}).status_code == 200


@pytest.mark.parametrize("name", POSTS)
def test_a_body_over_the_limit_is_refused_before_anything_reads_it(client: TestClient, name: str) -> None:
    small_enough, limit = b"x" * 1000, 20_000_001 if name.endswith("import") else 262_145
    assert ask(client, name, content=small_enough).status_code == 401
    told = ask(client, name, content=b"x" * limit)
    assert (told.status_code, told.headers["content-security-policy"] != "") == (413, True)


def test_a_body_whose_length_nobody_says_is_cut_off(small: Workspace, client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(600):
            yield b"x" * 1000

    assert client.post(f"{API}/annotations", content=endless()).status_code == 413


@pytest.mark.parametrize("name", POSTS)
def test_another_content_type_is_refused(client: TestClient, tokens: dict[str, str], name: str) -> None:
    for kind in ("application/xml", "multipart/form-data", "application/x-www-form-urlencoded", ""):
        header = {**bearer(tokens["lead"]), "Content-Type": kind}
        assert ask(client, name, content=b"{}", headers=header).status_code == 415, kind


@pytest.mark.parametrize("name", [name for name in ROLES if name.startswith("GET /api/")])
def test_unknown_parameters_are_refused(client: TestClient, tokens: dict[str, str], name: str) -> None:
    for parameter in ("sort", "order", "filter", "fields", "annotator", "password__startswith", "afer"):
        told = ask(client, name, headers=bearer(tokens["lead"]), params={parameter: "x"})
        assert (told.status_code, told.json()["where"]) == (422, f"query.{parameter}")


@pytest.mark.parametrize(
    "field", ["annotator", "payload", "suggestion", "purpose", "recorded_at", "supersedes", "origin"]
)
def test_a_body_cannot_say_what_the_server_knows(client: TestClient, tokens: dict[str, str], field: str) -> None:
    header = bearer(tokens["annotator"])
    (asked,) = client.post(f"{API}/lease", json={"count": 1}, headers=header).json()["assignments"]
    said = answer(asked, **{field: "somebody else"})
    told = client.post(f"{API}/annotations", json={"annotations": [said]}, headers=header)
    assert (told.status_code, told.json()["where"]) == (422, field)
    outside = client.post(f"{API}/annotations", json={"annotations": [answer(asked)], field: "x"}, headers=header)
    assert outside.status_code == 422


def test_one_project_takes_no_ids_of_another(small: Workspace, other: Workspace, client: TestClient) -> None:
    ada, bea = bearer(token_for(small, "ada")), bearer(token_for(other, "bea"))
    (foreign,) = client.post("/api/v1/projects/other/lease", json={"count": 1}, headers=bea).json()["assignments"]
    before = (small.ledger.annotations.count(), other.ledger.annotations.count())
    told = client.post(f"{API}/annotations", json={"annotations": [answer(foreign)]}, headers=ada).json()
    assert (told["results"][0]["status"], "no assignment" in told["results"][0]["error"]) == ("refused", True)
    (own,) = client.post(f"{API}/lease", json={"count": 1}, headers=ada).json()["assignments"]
    mixed = answer({**own, "sample_id": foreign["sample_id"]})
    told = client.post(f"{API}/annotations", json={"annotations": [mixed]}, headers=ada).json()
    assert told["results"][0]["status"] == "refused"
    released = client.post(f"{API}/release", json={"assignments": [foreign["assignment_id"]]}, headers=ada).json()
    assert released == {"released": 0}
    assert (small.ledger.annotations.count(), other.ledger.annotations.count()) == before


def test_an_annotator_never_sees_what_others_said(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(2), NUMBERS, slots=2, suggested=[says("yes")])
    with serving(workspace.project_file) as client:
        ada, bea = bearer(token_for(workspace, "ada")), bearer(token_for(workspace, "bea"))
        (asked,) = client.post(f"{API}/lease", json={"count": 1}, headers=ada).json()["assignments"]
        said = answer(asked, "no", note="a remark of ada")
        client.post(f"{API}/annotations", json={"annotations": [said]}, headers=ada)
        seen = [client.post(f"{API}/lease", json={"count": 10}, headers=bea).text]
        seen += [client.get(f"{API}{path}", headers=bea).text for path in ("", "/progress")]
        seen += [ask(client, name, headers=bea).text for name in OF_A_PROJECT]
    assert asked["sample_id"] in seen[0], "it is asked of the second annotator"
    assert not [text for text in seen if "a remark of ada" in text or said["client_key"] in text]
    assert '"suggestion"' not in seen[0]


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}</title>"


def test_hostile_text_is_only_ever_text(tmp_path: Path) -> None:
    content = {
        "name": "small",
        "description": HOSTILE,
        "guidelines": f"{HOSTILE}\n\n[link](javascript:alert(3)) [out](https://evil.test) ![pic](https://evil.test/x.png)",
        "columns": {"features": {"text": {"kind": "text", "description": HOSTILE, "unit": HOSTILE}}},
        "classes": [{"name": HOSTILE, "description": HOSTILE}, "no"],
    }
    workspace = made_project(tmp_path, [{"text": HOSTILE}], content, slots=2)
    with serving(workspace.project_file) as client:
        token = token_for(workspace, HOSTILE, "lead")
        logged_in(client, token)
        header = bearer(token)
        leased = client.post(f"{API}/lease", json={"count": 1}, headers=header)
        (asked,) = leased.json()["assignments"]
        assert asked["payload"] == {"text": HOSTILE}
        for said in (answer(asked, None, act="flag", note=HOSTILE), answer(asked, None, act="propose", note=HOSTILE)):
            assert client.post(f"{API}/annotations", json={"annotations": [said]}, headers=header).status_code == 201
        said = answer(asked, HOSTILE, note=HOSTILE)
        client.post(f"{API}/annotations", json={"annotations": [said]}, headers=header)
        paths = [
            "",
            "guidelines",
            "disputes",
            "lead",
            "lead/people",
            f"lead/sample/{asked['sample_id']}",
            "lead/exports",
        ]
        pages = [client.get(f"/p/small/{path}") for path in paths]
        pages += [client.get("/help?project=small"), client.get(f"/login?next={HOSTILE}"), client.get(f"/{HOSTILE}")]
    assert leased.headers["content-type"] == "application/json"
    for page in pages:
        assert page.status_code in {200, 404}, page.text
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "javascript:" not in re.findall(r'(?:href|src)="([^"]*)"', page.text)
        assert "49" not in page.text.replace("149", "") or "{{7*7}}" in page.text
    assert 'rel="noopener noreferrer nofollow"' in pages[1].text


def test_no_cell_of_an_export_is_a_formula(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(6), {**NUMBERS, "labeling": {"gold_share": 0}})
    notes = ["=1+1", "+1", "-1", "@x", "\tx", "\rx"]
    with serving(workspace.project_file) as client:
        lead = bearer(token_for(workspace, "=HYPERLINK(1)", "lead"))
        asked = client.post(f"{API}/lease", json={"count": 6}, headers=lead).json()["assignments"]
        said = [answer(one, note=note) for one, note in zip(asked, notes, strict=True)]
        client.post(f"{API}/annotations", json={"annotations": said}, headers=lead)
        text = client.get(f"{API}/export?format=csv", headers=lead).text
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert "'=1+1" in cells
    assert "'=HYPERLINK(1)" in cells
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
