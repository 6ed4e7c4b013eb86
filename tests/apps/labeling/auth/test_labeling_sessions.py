"""Log-ins: tokens, cookies, throttling, proxies, and a server that does not start half secured."""

import asyncio
import hmac
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from itsdangerous import URLSafeTimedSerializer
from pydantic import SecretStr

from tests.clients.web import API, SECRET, TestClient, answer, bearer, logged_in, proof_in, serving, settings
from tests.projects.made_queue import NUMBERS, made_project, numbers, token_for
from tests.servers.labeling_server import running
from tiltyard.apps.labeling.app import create_app
from tiltyard.apps.labeling.auth import token_hash
from tiltyard.apps.labeling.auth.sessions import COOKIE
from tiltyard.schemas.errors import ProjectFileError, SettingsError, TiltyardError
from tiltyard.schemas.labeling_settings import LabelingSettings
from tiltyard.workspace.workspace import Workspace


def test_tokens_are_kept_as_hashes_only(small: Workspace, tokens: dict[str, str]) -> None:
    stored = [access.token_hash for access in small.ledger.access.current()]
    assert {token_hash(token) for token in tokens.values()} <= set(stored)
    everything = b"".join(path.read_bytes() for path in small.folder.rglob("*") if path.is_file())
    assert not [token for token in tokens.values() if token.encode() in everything]


def test_secrets_are_compared_in_constant_time(client: TestClient, tokens: dict[str, str]) -> None:
    """The ledger finds a token by its hash; signatures of sessions and proofs go through compare_digest."""
    compared, compare = list[int](), hmac.compare_digest

    def watched(one: Any, two: Any) -> bool:
        compared.append(len(one))
        return compare(one, two)

    proof = logged_in(client, tokens["annotator"])
    with patch("itsdangerous.signer.hmac.compare_digest", watched):
        assert client.post(f"{API}/lease", json={}, headers={"X-CSRF-Token": proof}).status_code == 200
    assert len(compared) >= 2


def _forged(secret: str, accesses: dict[str, str]) -> str:
    serializer = URLSafeTimedSerializer(secret, salt="tiltyard session")
    return str(serializer.dumps({"nonce": "n", "accesses": accesses}))


def test_forged_and_old_sessions_are_none(small: Workspace, client: TestClient, tokens: dict[str, str]) -> None:
    lead = small.ledger.access.by_token_hash(token_hash(tokens["lead"]))
    assert lead is not None
    accesses = {"small": str(lead.access_id)}
    good = _forged(SECRET, accesses)
    with patch("itsdangerous.timed.time.time", return_value=time.time() - 13 * 3600):
        old = _forged(SECRET, accesses)
    unsigned = good.rsplit(".", 2)[0]
    nonsense = str(URLSafeTimedSerializer(SECRET, salt="tiltyard session").dumps(["no", "session"]))
    other_salt = str(URLSafeTimedSerializer(SECRET, salt="tiltyard oidc").dumps({"nonce": "n", "accesses": accesses}))
    wrong = [_forged("another secret of the same length...", accesses), old, unsigned, nonsense, other_salt, "x" * 99]
    wrong += [_forged(SECRET, {"small": "0" * 32}), _forged(SECRET, {"other": str(lead.access_id)})]
    assert client.get(API, headers={"Cookie": f"{COOKIE}={good}"}).status_code == 200
    for cookie in wrong:
        assert client.get(API, headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 401, cookie


def test_a_revoked_token_is_worth_nothing_at_once(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(2), NUMBERS)
    token = token_for(workspace, "ada")
    with serving(workspace.project_file) as client:
        proof = logged_in(client, token)
        assert client.post(f"{API}/lease", json={}, headers={"X-CSRF-Token": proof}).status_code == 200
        workspace.ledger.access.revoke("ada", "lea", datetime.now(UTC))
        time.sleep(1.1)
        assert client.get(API).status_code == 401, "the session is over"
        assert client.get(API, headers=bearer(token)).status_code == 401, "and so is the token"
        page = client.get("/login")
        again = client.post("/login", data={"csrf": proof_in(page.text), "token": token})
    assert (again.status_code, "unknown or revoked" in again.text) == (401, True)


def test_a_new_token_takes_the_old_ones_place(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(2), NUMBERS)
    old, new = token_for(workspace, "ada", "lead"), token_for(workspace, "ada")
    with serving(workspace.project_file) as client:
        assert client.get(API, headers=bearer(old)).status_code == 401
        assert client.get(API, headers=bearer(new)).json()["role"] == "annotator"


def test_the_factory_serves_what_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tiltyard.apps.labeling.asgi import create

    first = made_project(tmp_path / "first", numbers(1), {**NUMBERS, "name": "first"})
    second = made_project(tmp_path / "second", numbers(1), {**NUMBERS, "name": "second"})
    monkeypatch.setenv("TILTYARD_LABEL_PROJECTS", f"{first.project_file},{second.project_file.parent}")
    monkeypatch.setenv("TILTYARD_LABEL_SECRET", SECRET)
    with TestClient(create()) as client:
        told = client.get("/api/v1/projects", headers=bearer(token_for(second, "ada"))).json()
        script = client.get("/static/shared/page.js").headers
    assert [one["name"] for one in told] == ["second"]
    assert (script["content-type"].split(";")[0], script["cache-control"]) == ("text/javascript", "no-cache")
    assert (script["content-encoding"], bool(script["etag"])) == ("gzip", True)


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.test",
        "https://evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "javascript:alert(1)",
        "/\t/evil.test",
        "evil",
        "",
    ],
)
def test_a_log_in_leads_nowhere_else(client: TestClient, tokens: dict[str, str], wanted: str) -> None:
    page = client.get("/login", params={"next": wanted})
    assert "evil" not in "".join(re.findall(r'name="next" value="([^"]*)"', page.text))
    form = {"csrf": proof_in(page.text), "token": tokens["lead"], "next": wanted}
    assert client.post("/login", data=form).headers["location"] == "/"


def test_a_log_in_leads_back_to_the_page_that_was_asked_for(client: TestClient, tokens: dict[str, str]) -> None:
    page = client.get("/login", params={"next": "/p/small/lead"})
    form = {"csrf": proof_in(page.text), "token": tokens["lead"], "next": "/p/small/lead"}
    assert client.post("/login", data=form).headers["location"] == "/p/small/lead"


def test_no_other_site_logs_a_browser_in_or_out(client: TestClient, tokens: dict[str, str]) -> None:
    client.get("/login")
    assert client.post("/login", data={"token": tokens["lead"]}).status_code == 403
    proof = logged_in(client, tokens["lead"])
    assert client.post("/logout", data={"csrf": ""}).status_code == 403
    assert client.get(API).status_code == 200
    assert client.post("/logout", data={"csrf": proof}).status_code == 303
    assert client.get(API).status_code == 401


def _copied(client: TestClient) -> dict[str, str]:
    """The session's cookie as somebody else would show it."""
    return {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"}


@pytest.mark.usefixtures("each_database")
def test_after_log_out_a_copied_cookie_is_worth_nothing(tmp_path: Path) -> None:
    """Here at once, in another process within a second, and after a restart too; other sessions live on."""
    workspace = made_project(tmp_path / "small", numbers(2), NUMBERS)
    token = token_for(workspace, "ada")
    with serving(workspace.project_file) as client, serving(workspace.project_file) as replica:
        logged_in(client, token)
        kept = _copied(client)
        client.cookies.clear()
        proof = logged_in(client, token)
        copied = _copied(client)
        for server in (client, replica):
            assert [server.get(API, headers=one).status_code for one in (kept, copied)] == [200, 200]
        assert client.post("/logout", data={"csrf": proof}).status_code == 303
        assert client.get(API, headers=copied).status_code == 401
        again = client.post(f"{API}/lease", json={}, headers={**copied, "X-CSRF-Token": proof})
        assert again.status_code == 401
        time.sleep(1.2)
        replica.get(API, headers=copied)
        time.sleep(0.2)
        assert [replica.get(API, headers=one).status_code for one in (kept, copied)] == [200, 401]
        assert workspace.ledger.outbox.all() == [], "it is not a notice"
    with serving(workspace.project_file) as client:
        assert [client.get(API, headers=one).status_code for one in (kept, copied)] == [200, 401]


def test_logging_in_anew_ends_the_session_that_the_browser_had(client: TestClient, tokens: dict[str, str]) -> None:
    logged_in(client, tokens["annotator"])
    copied = _copied(client)
    logged_in(client, tokens["lead"])
    assert client.get(API).json()["role"] == "lead"
    client.cookies.clear()
    assert client.get(API, headers=copied).status_code == 401


def test_a_log_out_that_cannot_be_written_is_told(small: Workspace, tokens: dict[str, str]) -> None:
    with serving(small.project_file) as client:
        proof = logged_in(client, tokens["annotator"])
        copied = _copied(client)
        ledger = client.app.state.service.projects["small"].ledger  # type: ignore[attr-defined] # an ASGI app has no state
        with patch.object(ledger.ended_sessions, "end", side_effect=OSError("no space left")):
            told = client.post("/logout", data={"csrf": proof})
        assert (told.status_code, client.get(API, headers=copied).status_code) == (503, 401)


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
def test_the_session_cookie_is_out_of_reach(
    small: Workspace, tokens: dict[str, str], scheme: str, secure: bool
) -> None:
    with serving(small.project_file) as client:
        client.base_url = f"{scheme}://testserver"
        page = client.get("/login")
        told = client.post("/login", data={"csrf": proof_in(page.text), "token": tokens["lead"]})
    (cookie,) = [value for value in told.headers.get_list("set-cookie") if value.startswith(f"{COOKIE}=")]
    flags = {flag.strip().lower() for flag in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= flags
    assert ("secure" in flags) == secure
    assert tokens["lead"] not in cookie


@pytest.mark.parametrize(
    "path", ["/login", "/", "/health", "/nothing", API, "/api/v1/openapi.json", "/static/nothing.js"]
)
def test_every_response_has_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "same-origin")
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")


def test_a_fault_of_ours_tells_nothing_of_its_inside(client: TestClient, tokens: dict[str, str]) -> None:
    with patch("tiltyard.apps.labeling.routes.queue.project_response", side_effect=ValueError("the inside")):
        told = client.get(API, headers=bearer(tokens["lead"]))
    assert (told.status_code, "the inside" in told.text) == (500, False)
    assert "content-security-policy" in told.headers


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"]
)
def test_static_files_come_from_one_folder(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in {404, 405}


def test_scripts_and_styles_are_files(client: TestClient, tokens: dict[str, str]) -> None:
    logged_in(client, tokens["lead"])
    for path in ("/login", "/p/small/", "/p/small/disputes", "/p/small/lead", "/p/small/lead/people", "/help"):
        html = client.get(path).text
        assert re.findall(r"<script(?![^>]*\bsrc=)", html) == [], path
        assert re.findall(r"<style|\sstyle=|\son\w+=|https?://(?!www\.w3\.org)", html) == [], path
        for name in re.findall(r'(?:src|href)="(/static/[^"]+)"', html):
            assert client.get(name).status_code == 200, name


PROXY = {"proxy_header": "X-Forwarded-User", "trusted_proxies": "192.0.2.0/24"}


def test_a_proxys_word_counts_from_the_proxy_only(small: Workspace) -> None:
    token_for(small, "ada@example.test")
    said = {"X-Forwarded-User": "ada@example.test"}
    with serving(small.project_file, peer="192.0.2.7", **PROXY) as client:
        assert client.get(API, headers=said).json()["annotator"] == "ada@example.test"
        assert client.get(API, headers={"X-Forwarded-User": "nobody"}).status_code == 401
        twice = [("X-Forwarded-User", "ada@example.test"), ("X-Forwarded-User", "nobody")]
        assert client.get(API, headers=httpx.Headers(twice)).status_code == 401
        assert client.post(f"{API}/lease", json={}, headers=said).status_code == 403, "the page's proof is still asked"
        proof = proof_in(client.get("/p/small/", headers=said).text)
        header = {**said, "X-CSRF-Token": proof}
        assert client.post(f"{API}/lease", json={}, headers=header).status_code == 200
    for peer, more in (("198.51.100.9", {}), ("198.51.100.9", {"X-Forwarded-For": "192.0.2.7"})):
        with serving(small.project_file, peer=peer, **PROXY) as client:
            assert client.get(API, headers={**said, **more}).status_code == 401
    with serving(small.project_file, peer="192.0.2.7", trusted_proxies="192.0.2.0/24") as client:
        assert client.get(API, headers=said).status_code == 401, "no header was agreed upon"


def test_a_trusted_proxy_says_who_is_behind_it(small: Workspace, tokens: dict[str, str]) -> None:
    """Logins are counted by the browser's address and cookies are Secure, as a trusted proxy reports."""
    forwarded = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"}
    for peer, secure in (("192.0.2.7", True), ("198.51.100.9", False)):
        with serving(small.project_file, peer=peer, trusted_proxies="192.0.2.0/24", login_rate="2/minute") as client:
            page = client.get("/login", headers=forwarded)
            assert ("Secure" in page.headers["set-cookie"]) == secure
            form = {"csrf": proof_in(page.text), "token": "x"}
            cookie = page.headers["set-cookie"].split(";")[0]
            codes = [
                client.post("/login", data=form, headers={"X-Forwarded-For": address, "Cookie": cookie}).status_code
                for address in ("203.0.113.5", "203.0.113.6", "203.0.113.7")
            ]
            assert codes == ([401, 401, 401] if secure else [401, 401, 429])


def _settings_without(**said: Any) -> LabelingSettings:
    return LabelingSettings(**said)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({}, "run 'tiltyard label secret' once, or set TILTYARD_LABEL_SECRET"),
        ({"webhook_urls": "https://a.test"}, "TILTYARD_LABEL_WEBHOOK_SECRET"),
        ({"webhook_urls": "https://a.test", "webhook_secret": "no base64!"}, "whsec_"),
        ({"oidc_issuer": "https://a.test"}, "TILTYARD_LABEL_OIDC_CLIENT_ID"),
        ({"oidc_issuer": "http://a.test", "oidc_client_id": "x", "oidc_client_secret": "y"}, "must use https"),
    ],
)
def test_it_does_not_start_half_secured(tmp_path: Path, said: dict[str, Any], problem: str) -> None:
    workspace = made_project(tmp_path, numbers(1), NUMBERS)
    secret = {"secret": SECRET} if said else {}
    with pytest.raises(TiltyardError, match=re.escape(problem)):
        create_app([workspace.project_file], _settings_without(**secret, **said))


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    from tiltyard.apps.labeling.auth import create_secret, load_secret

    workspace = made_project(tmp_path, numbers(1), NUMBERS)
    file, made = create_secret(workspace.project_file)
    assert (made, file.stat().st_mode & 0o777, create_secret(workspace.project_file)) == (True, 0o600, (file, False))
    assert len(load_secret([workspace.project_file], _settings_without())) >= 32
    file.chmod(0o640)
    with pytest.raises(TiltyardError, match="other users can read"):
        load_secret([workspace.project_file], _settings_without())


def test_a_short_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="at least 32") as caught:
        _settings_without(secret=SecretStr("short-secret"))
    assert "short-secret" not in str(caught.value)


def test_projects_that_would_share_a_ledger_are_refused(
    small: Workspace, other: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ProjectFileError, match="two projects have the name 'small'"):
        create_app([small.project_file, small.project_file], settings())
    monkeypatch.setenv("TILTYARD_LEDGER_URL", f"sqlite:///{tmp_path / 'one.db'}")
    with pytest.raises(SettingsError, match=re.escape("{project}")):
        create_app([small.project_file, other.project_file], settings())


def test_a_real_server_cuts_off_answers_beacons_and_lives_on(tmp_path: Path) -> None:
    """Over a real connection: a chunked body without a length, a beacon, hostile headers, and a clean end."""
    workspace = made_project(tmp_path, numbers(5), NUMBERS)
    token = token_for(workspace, "ada")
    with running([workspace.project_file]) as server, httpx.Client(base_url=server.url, timeout=10) as client:
        chunks = (b"x" * 65_536 for _ in range(64))
        try:
            cut = client.post(f"{API}/annotations", content=chunks, headers=bearer(token)).status_code
        except httpx.TransportError:
            cut = 413  # it hung up while we were still sending: as good
        assert cut == 413
        page = client.get("/login")
        client.post("/login", data={"csrf": proof_in(page.text), "token": token})
        proof = proof_in(client.get("/p/small/").text)
        held = client.post(f"{API}/lease", json={"count": 3}, headers={"X-CSRF-Token": proof}).json()
        assert len(held["assignments"]) == 3
        beacon = client.post(
            f"{API}/release", content=f'{{"csrf": "{proof}"}}', headers={"Content-Type": "text/plain;charset=UTF-8"}
        )
        assert beacon.json() == {"released": 3}
        assert asyncio.run(_garbage(server.port)).startswith(b"HTTP/1.1 400")
        said = client.post(f"{API}/lease", json={"count": 1}, headers=bearer(token)).json()["assignments"][0]
        assert client.post(f"{API}/annotations", json={"annotations": [answer(said)]}, headers=bearer(token)).is_success
        server.stop()
    assert workspace.ledger.segments.all(), "the end seals what was stored"


async def _garbage(port: int) -> bytes:
    """The server's response to bytes that are not HTTP."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x00\xff garbage\r\n\r\n")
    await writer.drain()
    told = await reader.read(64)
    writer.close()
    return told
