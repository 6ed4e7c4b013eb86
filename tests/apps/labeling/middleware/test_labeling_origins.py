"""Whose page asks for a change: proofs per purpose, nonces of the server's own, and what browsers say of the page."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer, URLSafeTimedSerializer

from tests.clients.web import API, SECRET, TestClient, bearer, logged_in, proof_in, serving
from tests.projects.made_queue import token_for
from tiltyard.apps.labeling.auth import Csrf, Nonce
from tiltyard.apps.labeling.auth.csrf import PURPOSES
from tiltyard.schemas.labeling_settings import LabelingSettings
from tiltyard.workspace.workspace import Workspace

PROXY = {"proxy_header": "X-Forwarded-User", "trusted_proxies": "192.0.2.0/24"}
OURS = [
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://testserver"},
    {"Origin": "http://testserver:80"},
    {"Origin": "HTTP://TESTSERVER"},
    {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
]
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": ""},
    {"Origin": "null"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Origin": ""},
    {"Origin": "http://evil.test"},
    {"Origin": "http://testserver.evil.test"},
    {"Origin": "http://testserver:8080"},
    {"Origin": "http://testserver@evil.test"},
    {"Origin": "http://testserver/path"},
    {"Origin": "http://["},
    {"Origin": "file://"},
    {"Origin": "testserver"},
    {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://evil.test", "Sec-Fetch-Site": "same-origin"},
]
METHODS = ["POST", "PUT", "PATCH", "DELETE"]


@given(st.sampled_from(PURPOSES), st.sampled_from(PURPOSES), st.text(max_size=20), st.text(max_size=20))
def test_a_proof_holds_for_its_purpose_and_its_nonce_alone(one: Any, other: Any, value: str, another: str) -> None:
    csrf = Csrf(SECRET)
    proof = csrf.token_of(Nonce(one, value))
    assert csrf.is_valid(Nonce(other, another), proof) == ((one, value) == (other, another))


@pytest.mark.parametrize("headers", OURS)
def test_pages_of_ours_may_change_something(
    client: TestClient, tokens: dict[str, str], headers: dict[str, str]
) -> None:
    proof = logged_in(client, tokens["annotator"])
    told = client.post(f"{API}/lease", json={}, headers={"X-CSRF-Token": proof, **headers})
    assert told.status_code == 200, told.text


@pytest.mark.parametrize("headers", FOREIGN)
def test_pages_of_others_change_nothing_even_with_the_proof(
    client: TestClient, tokens: dict[str, str], headers: dict[str, str]
) -> None:
    proof = logged_in(client, tokens["annotator"])
    told = client.post(f"{API}/lease", json={}, headers={"X-CSRF-Token": proof, **headers})
    assert (told.status_code, told.json()["where"]) == (403, "Origin")
    for path in ("/login", "/logout", f"/p/small/lead/sample/{'0' * 32}/gold"):
        told = client.post(path, data={"csrf": proof}, headers=headers)
        assert (told.status_code, told.headers["content-type"]) == (403, "text/html; charset=utf-8"), path
    assert client.get(API, headers=headers).status_code == 200, "reading changes nothing"
    for method in METHODS:
        assert client.request(method, f"{API}/lease", headers=headers).status_code == 403


def test_a_header_that_stands_twice_is_believed_of_nobody(client: TestClient, tokens: dict[str, str]) -> None:
    proof = logged_in(client, tokens["annotator"])
    for name, value in (("Origin", "http://testserver"), ("Sec-Fetch-Site", "same-origin")):
        twice = [(name, value), (name, value), ("X-CSRF-Token", proof)]
        assert client.post(f"{API}/lease", json={}, headers=twice).status_code == 403


def test_a_program_with_a_token_needs_no_origin(client: TestClient, tokens: dict[str, str]) -> None:
    header = bearer(tokens["annotator"])
    assert client.post(f"{API}/lease", json={}, headers=header).status_code == 200
    assert client.post(f"{API}/lease", json={}, headers={**header, "Sec-Fetch-Site": "cross-site"}).status_code == 200
    assert client.post(f"{API}/lease", json={}, headers={**header, "Origin": "http://evil.test"}).status_code == 403
    with_cookie = {**header, "Cookie": "a=b", "Sec-Fetch-Site": "cross-site"}
    assert client.post(f"{API}/lease", json={}, headers=with_cookie).status_code == 403


def test_behind_tls_the_origin_must_be_https(small: Workspace, tokens: dict[str, str]) -> None:
    with serving(small.project_file) as client:
        client.base_url = "https://testserver"
        proof = logged_in(client, tokens["annotator"])
        codes = [
            client.post(f"{API}/lease", json={}, headers={"X-CSRF-Token": proof, "Origin": origin}).status_code
            for origin in ("https://testserver", "https://testserver:443", "http://testserver")
        ]
    assert codes == [200, 200, 403]


def test_named_origins_are_the_only_ones_and_make_cookies_secure(small: Workspace, tokens: dict[str, str]) -> None:
    """With any host and scheme that a proxy forwards, and without trusting it."""
    with serving(small.project_file, origins="https://Label.example.com/, https://b.example:8443") as client:
        page = client.get("/login")
        assert "secure" in page.headers["set-cookie"].lower()
        cookie = page.headers["set-cookie"].split(";")[0]
        form = {"csrf": proof_in(page.text), "token": tokens["lead"]}
        for origin, status in (
            ("https://label.example.com", 303),
            ("https://label.example.com:443", 303),
            ("https://b.example:8443", 303),
            ("https://b.example", 403),
            ("http://testserver", 403),
        ):
            told = client.post("/login", data=form, headers={"Origin": origin, "Cookie": cookie})
            assert told.status_code == status, origin
            assert status == 403 or "secure" in told.headers["set-cookie"].lower()


@pytest.mark.parametrize("origin", ["label.example.com", "https://a.test/path", "ftp://a.test", "https://a b", "null"])
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        LabelingSettings(origins=[origin])


def _log_in_with(client: TestClient, token: str, cookie: str, proof: str) -> int:
    told = client.post("/login", data={"csrf": proof, "token": token}, headers={"Cookie": f"tiltyard_login={cookie}"})
    return int(told.status_code)


def test_the_log_in_page_signs_nothing_that_was_brought(client: TestClient, tokens: dict[str, str]) -> None:
    """With any value in the cookie, the page's token belongs to a nonce that the server made."""
    for brought in ("x", "proxy the lead", "the lead", "n"):
        client.cookies.clear()
        page = client.get("/login", headers={"Cookie": f"tiltyard_login={brought}"})
        proof = proof_in(page.text)
        assert "tiltyard_login" in page.headers["set-cookie"], "a cookie of the server's own takes its place"
        for salt in ("tiltyard csrf", "tiltyard csrf session", "tiltyard csrf proxy", "tiltyard csrf log-in"):
            assert proof != Signer(SECRET, salt=salt).get_signature(brought).decode()
        assert _log_in_with(client, tokens["lead"], brought, proof) == 403
    client.cookies.clear()
    page = client.get("/login")
    fixed = re.search(r"tiltyard_login=([^;]+)", page.headers["set-cookie"])
    assert fixed is not None
    assert _log_in_with(client, tokens["lead"], fixed[1], proof_in(page.text)) == 303


def test_the_log_in_pages_proof_is_worth_nothing_elsewhere(client: TestClient, tokens: dict[str, str]) -> None:
    page = client.get("/login")
    value = client.cookies["tiltyard_login"]
    _, nonce = URLSafeTimedSerializer(SECRET, salt="tiltyard nonce log-in").loads(value)
    session = URLSafeTimedSerializer(SECRET, salt="tiltyard session")
    stolen = str(session.dumps({"nonce": nonce, "accesses": {}}))
    told = client.post("/logout", data={"csrf": proof_in(page.text)}, headers={"Cookie": f"tiltyard={stolen}"})
    assert told.status_code == 403


def test_a_proxys_visitor_is_proved_by_a_nonce_that_nobody_guesses(small: Workspace) -> None:
    token_for(small, "lea@example.test", "lead")
    said = {"X-Forwarded-User": "lea@example.test"}
    csrf = Csrf(SECRET)
    guesses = ["proxy lea@example.test", "lea@example.test", ""]
    with serving(small.project_file, peer="192.0.2.7", **PROXY) as client:
        for purpose in PURPOSES:
            for guess in guesses:
                header = {**said, "X-CSRF-Token": csrf.token_of(Nonce(purpose, guess))}
                assert client.post(f"{API}/lease", json={}, headers=header).status_code == 403
        first = client.get("/p/small/", headers=said)
        assert {"HttpOnly", "SameSite=lax"} <= set(first.headers["set-cookie"].split("; "))
        header = {**said, "X-CSRF-Token": proof_in(first.text)}
        assert client.post(f"{API}/lease", json={}, headers=header).status_code == 200
        again = client.get("/p/small/", headers=said)
        assert (proof_in(again.text), "set-cookie" in again.headers) == (proof_in(first.text), False), "one per browser"
        client.cookies.clear()
        assert client.post(f"{API}/lease", json={}, headers=header).status_code == 403, "another browser's"
        assert "set-cookie" not in client.get(API, headers=said).headers
        other = proof_in(client.get("/p/small/", headers=said).text)
        assert other != proof_in(first.text)


def test_a_browsers_nonce_is_for_one_name(small: Workspace) -> None:
    for name in ("ann@example.test", "bob@example.test"):
        token_for(small, name)
    with serving(small.project_file, peer="192.0.2.7", **PROXY) as client:
        proof = proof_in(client.get("/p/small/", headers={"X-Forwarded-User": "ann@example.test"}).text)
        header = {"X-Forwarded-User": "bob@example.test", "X-CSRF-Token": proof}
        assert client.post(f"{API}/lease", json={}, headers=header).status_code == 403
