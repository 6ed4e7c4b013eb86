"""No random body, path, header or form causes an internal error of the real application."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.clients.web import API, TestClient, answer, bearer, logged_in, serving
from tests.projects.made_queue import NUMBERS, made_project, numbers, says, token_for
from tiltyard.workspace.workspace import Workspace

LEAVES = [
    "null", "true", "-1", "0", "1e999", "-1e999", "NaN", "Infinity", "-Infinity", str(2**63), str(2**70), str(-(2**70)),
    "1" * 5000, "1.5", '""', '"x"', r'"\ud800"', r'"\udc00x"', r'"a\u0000b"', '"\u0000"', '"' + "x" * 5000 + '"',
    "[]", "{}",
    "[" * 3000 + "]" * 3000, '{"a":' * 3000 + "1" + "}" * 3000, '"2026-01-01T00:00:00+00:00"', '"9999-12-31T23:59:59Z"',
    '"0001-01-01T00:00:00+14:00"', '"2026-01-01T00:00:00+23:59"', "1e18", '"\u2028\u0085"', '"🙂"', '"\ufffe"',
    "[null]", "nul",
    '"' + "0" * 32 + '"', '"unended', r'"\x"', '"yes"', '["a", {"b": []}]', "0.1e-400", '"-0"',
]  # fmt: skip
"""JSON, and what looks like it, as text: what Python's own writer would not write is sent too."""

RAW = [
    b"", b" ", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf{}", b"{", b"[", b"null", b"1", b'"x"', b"[]", b"\xed\xa0\x80",
    b'{"annotations": [' + b"{}," * 99 + b"{}]}", b'{"a": 1, "a": 2}', b"[" * 100_000, b'{"":' * 50_000,
]  # fmt: skip
FIELDS = [
    "client_key",
    "act",
    "sample_id",
    "assignment_id",
    "label",
    "note",
    "said_at",
    "lead_ms",
    "supersedes_key",
    "count",
]
FIELDS += ["have", "lease", "annotations", "assignments", "csrf", "suggestion_visible", "guidelines_version", "\ud800"]
ROUTES = ["annotations", "lease", "release", "adjudications", "gold", "import"]
TYPES = [
    "application/json",
    "text/plain",
    "text/csv",
    "application/x-ndjson",
    "application/json; charset=utf-16",
    "",
    "é",
]
PATHS = [
    "",
    "/progress",
    "/annotations",
    "/export",
    "/disputes",
    "/annotators",
    "/throughput",
    "/agreement",
    "/samples/{}",
]
PAGES = ["/p/{}/", "/p/small/lead/sample/{}", "/p/small/{}", "/login?next={}", "/help?project={}", "/static/{}", "/{}"]
WORDS = [
    "%00",
    "%ED%A0%80",
    "%FF",
    "..%2F",
    "x" * 3000,
    "%F0%9F%99%82",
    "0" * 32,
    "small",
    "%0d%0aX: 1",
    "😀",
    "{}",
    "-1",
    "1e9",
]
CLASSES = ["yes", "no", "", "x" * 600, "a\x00b", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "🙂"]
CHANCE = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


class Tried:
    """A server, somebody who may do everything, and what a right body of each route looks like."""

    def __init__(self, client: TestClient, workspace: Workspace) -> None:
        self.client, self.header = client, bearer(token_for(workspace, "lea", "lead"))
        held = client.post(f"{API}/lease", json={"count": 2}, headers=self.header).json()["assignments"]
        said = answer(held[0])
        ruled = {name: said[name] for name in ("client_key", "sample_id", "label", "said_at")}
        self.right: dict[str, Any] = {
            "annotations": {"annotations": [said], "lease": {"count": 1, "have": []}},
            "lease": {"count": 1, "have": [held[1]["assignment_id"]]},
            "release": {"assignments": [held[1]["assignment_id"]], "csrf": "x"},
            "adjudications": ruled,
            "gold": {"sample_id": said["sample_id"], "label": "yes"},
            "import": {"sample_id": said["sample_id"], "label": "yes", "annotator": "ada", "note": "x"},
        }

    def send(self, route: str, content: bytes, kind: str = "application/json") -> int:
        headers = {**self.header, "Content-Type": kind.encode("latin-1")}
        told = self.client.post(f"{API}/{route}", content=content, headers=headers)
        assert told.status_code < 500, (told.status_code, told.text[:300], route, content[:300])
        return int(told.status_code)


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    workspace = made_project(tmp_path_factory.mktemp("fuzzed"), numbers(40), NUMBERS, slots=2, suggested=[says("yes")])
    with serving(workspace.project_file, login_rate="1000000/minute") as client:
        yield Tried(client, workspace)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a body at which something else may stand."""
    found = [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        found += _places(below, (*path, key))
    return found


MARK = "put it here"


def _with(value: Any, path: tuple[Any, ...], text: str) -> str:
    """A body as JSON with a text put in at a place, as it is."""
    if not path:
        return text
    changed = json.loads(json.dumps(value))
    below = changed
    for key in path[:-1]:
        below = below[key]
    below[path[-1]] = MARK
    return json.dumps(changed).replace(json.dumps(MARK), text)


@pytest.mark.parametrize("route", ROUTES)
def test_each_place_of_a_body_takes_anything(tried: Tried, route: str) -> None:
    right = tried.right[route]
    kind = "application/x-ndjson" if route == "import" else "application/json"
    for path in _places(right):
        for leaf in LEAVES:
            tried.send(route, _with(right, path, leaf).encode("utf-8", "surrogatepass"), kind)
        for key in ("extra", "", "\\ud800", "\\u0000", "__proto__"):
            text = json.dumps(right)
            tried.send(route, f'{{"{key}": 1, {text[1:]}'.encode(), kind)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("kind", TYPES)
def test_no_body_at_all_is_a_fault_of_ours(tried: Tried, route: str, kind: str) -> None:
    for content in RAW:
        tried.send(route, content, kind)


JSON = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda found: f"[{','.join(found)}]")
        | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6).map(
            lambda found: "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in found.items()) + "}"
        )
    ),
    max_leaves=8,
)


@given(route=st.sampled_from(ROUTES), text=JSON, kind=st.sampled_from(TYPES[:4]))
@CHANCE
def test_bodies_by_chance(tried: Tried, route: str, text: str, kind: str) -> None:
    tried.send(route, text.encode("utf-8", "surrogatepass"), kind)


@given(
    kind=st.sampled_from(["text/csv", "application/x-ndjson"]), content=st.binary(max_size=300), by=st.text(max_size=8)
)
@CHANCE
def test_files_by_chance(tried: Tried, kind: str, content: bytes, by: str) -> None:
    for body in (content, b"sample_id,label\n" + content, b'{"sample_id": "' + content):
        tried.send("import", body, kind)
    asked = {"by": by.encode("utf-8", "replace").decode()}
    headers = {**tried.header, "Content-Type": kind}
    told = tried.client.post(f"{API}/import", content=b"a,label\nx,yes\n", params=asked, headers=headers)
    assert told.status_code < 500, told.text


@pytest.mark.parametrize("word", WORDS)
def test_addresses_and_parameters(tried: Tried, word: str) -> None:
    asked = [f"{API}{path.format(word)}" for path in PATHS]
    asked += [
        f"/api/v1/projects/{word}",
        f"/api/v1/projects/{word}/annotations",
        *(page.format(word) for page in PAGES),
    ]
    for name in ("after", "limit", "until", "format", "by", "next", word):
        asked += [f"{API}{path.format('0' * 32)}?{name}={word}" for path in PATHS]
    for address in asked:
        told = tried.client.get(address, headers=tried.header)
        assert told.status_code < 500, (address, told.text[:300])


@pytest.mark.parametrize("label", CLASSES)
def test_forms(tried: Tried, label: str) -> None:
    tried.client.cookies.clear()
    proof = logged_in(tried.client, tried.header["Authorization"].removeprefix("Bearer "))
    sample = tried.right["gold"]["sample_id"]
    for path in (f"/p/small/lead/sample/{sample}/gold", "/p/small/lead/sample/%00/gold", "/login", "/logout"):
        for more in ({}, {"csrf": proof}, {"csrf": label}):
            told = tried.client.post(path, data={"label": label, "token": label, "next": label, **more})
            assert told.status_code < 500, (path, told.text[:300])
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", "application/x-www-form-urlencoded"):
        told = tried.client.post("/login", content=b"\xff%00&=&;=%ZZ", headers={"Content-Type": kind})
        assert told.status_code < 500
    tried.client.cookies.clear()


@pytest.mark.parametrize(
    "value", ["", "é", "x" * 5000, "Bearer", "Bearer ", "Bearer \x01", "Basic x", "Bearer tyd_" + "é" * 43]
)
def test_headers_and_cookies(tried: Tried, value: str) -> None:
    for name in (
        "Authorization",
        "Cookie",
        "X-CSRF-Token",
        "Content-Type",
        "Accept",
        "Host",
        "X-Forwarded-For",
        "Origin",
    ):
        for path in (API, "/", "/login"):
            told = tried.client.get(path, headers={name: value.encode("latin-1")})
            assert told.status_code < 500, (name, told.text[:300])
    for cookie in ("tiltyard", "tiltyard_login", "tiltyard_page", "tiltyard_oidc"):
        header = {"Cookie": f"{cookie}={value}".encode("latin-1")}
        assert tried.client.get("/", headers=header).status_code < 500
        assert tried.client.post("/logout", data={}, headers=header).status_code < 500
        assert tried.client.post("/login", data={"token": uuid4().hex}, headers=header).status_code < 500


@pytest.mark.usefixtures("each_database")
def test_what_a_database_cannot_keep_is_refused_before_it_is_asked(tmp_path: Path) -> None:
    workspace = made_project(tmp_path / "small", numbers(4), NUMBERS)
    with serving(workspace.project_file) as client:
        tried = Tried(client, workspace)
        for route in ROUTES[:5]:
            for path in _places(tried.right[route]):
                for leaf in (r'"a\u0000b"', r'"\ud800"', str(2**63), '"' + "x" * 5000 + '"'):
                    tried.send(route, _with(tried.right[route], path, leaf).encode())
        for line in (
            rb'{"sample_id": "a\u0000b", "label": "yes"}',
            b"sample_id,label\n\x00,yes\n",
            b"sample_id,label\n\xff,\n",
        ):
            tried.send("import", line, "application/x-ndjson" if line.startswith(b"{") else "text/csv")
        proof = logged_in(client, tried.header["Authorization"].removeprefix("Bearer "))
        for page in ("/p/small/lead/sample/%00", "/p/small/lead/sample/x%00y/gold", "/p/%00/", "/help?project=%00"):
            assert client.get(page).status_code < 500, page
            assert client.post(page, data={"csrf": proof, "label": "a\x00b"}).status_code < 500, page
        sample = tried.right["gold"]["sample_id"]
        for label in ("a\x00b", "\u2028"):
            told = client.post(f"/p/small/lead/sample/{sample}/gold", data={"csrf": proof, "label": label})
            assert told.status_code < 500
