"""Logging in through an OpenID provider: a small real one on loopback, and tokens that should not be believed."""

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.clients.web import API, TestClient, serving
from tests.projects.made_queue import NUMBERS, made_project, numbers
from tiltyard.workspace.workspace import Workspace

CLIENT, CLIENT_SECRET = "tiltyard", "a secret that only the two know"
CALLBACK = "http://testserver/login/oidc/callback"
KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"kid": name}) for name in ("one", "two"))
ADA = {"sub": "1234", "email": "ada@example.test", "email_verified": True, "preferred_username": "ada"}


class Provider:
    """An OpenID provider that confirms any user with the given claims."""

    def __init__(self, claims: dict[str, Any], key: RSAKey = KEY) -> None:
        self.claims, self.key, self.url = claims, key, ""
        self.codes: dict[str, dict[str, str]] = {}

    def get(self, path: str, asked: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        if path == "/.well-known/openid-configuration":
            return 200, {}, self._configuration()
        if path == "/keys":
            return 200, {}, KeySet([KEY]).as_dict(private=False)
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return 302, {"Location": f"{asked['redirect_uri']}?code={code}&state={asked['state']}"}, None

    def post(self, asked: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        began = self.codes.pop(asked.get("code", ""), None)
        proof = urlsafe_b64encode(sha256(asked.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if began is None or proof != began["code_challenge"]:
            return 400, {}, {"error": "invalid_grant"}
        now = int(time.time())
        own = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": began["nonce"]}
        token = jwt.encode({"alg": "RS256", "kid": "one"}, {**own, **self.claims}, self.key)
        return 200, {}, {"access_token": "a", "token_type": "Bearer", "id_token": token}

    def _configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
        }


@contextmanager
def answering(provider: Provider) -> Iterator[Provider]:
    """A provider that listens on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            split = urlsplit(self.path)
            self._answer(provider.get(split.path, {name: one[0] for name, one in parse_qs(split.query).items()}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._answer(provider.post({name: one[0] for name, one in parse_qs(body).items()}))

        def _answer(self, told: tuple[int, dict[str, str], Any]) -> None:
            status, headers, body = told
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    from tiltyard.apps.labeling.auth import grant_access

    made = made_project(tmp_path_factory.mktemp("small"), numbers(3), NUMBERS)
    for name in ("ada@example.test", "1234"):
        grant_access([made.project_file], name, "lead", None, "the tests")
    return made


@contextmanager
def trusting(workspace: Workspace, provider: Provider, **more: Any) -> Iterator[TestClient]:
    """A server that trusts a provider."""
    agreed = {"oidc_issuer": provider.url, "oidc_client_id": CLIENT, "oidc_client_secret": CLIENT_SECRET}
    with serving(workspace.project_file, **agreed, **more) as client:
        yield client


def go_through(client: TestClient, path: str = "/login/oidc") -> httpx.Response:
    """Go to the provider and come back with what it gives, as a browser does."""
    away = client.get(path)
    assert away.status_code == 302, away.text
    back = httpx.get(away.headers["location"])
    assert back.headers["location"].startswith(CALLBACK)
    answer: httpx.Response = client.get(back.headers["location"])
    return answer


def test_somebody_with_access_comes_in_and_gets_where_they_wanted(workspace: Workspace) -> None:
    with answering(Provider(ADA)) as provider, trusting(workspace, provider) as client:
        assert 'href="/login/oidc' in client.get("/login").text
        told = go_through(client, "/login/oidc?next=/p/small/lead")
        assert (told.status_code, told.headers["location"]) == (303, "/p/small/lead")
        assert client.get(API).json()["annotator"] == "ada@example.test"
        workspace_wide = [one for one in told.headers.get_list("set-cookie") if one.startswith("tiltyard=")]
    assert "HttpOnly" in workspace_wide[0]


def test_another_claim_may_name_the_annotator(workspace: Workspace) -> None:
    with answering(Provider(ADA)) as provider, trusting(workspace, provider, oidc_claim="sub") as client:
        go_through(client)
        assert client.get(API).json()["annotator"] == "1234"


NOT_BELIEVED: dict[str, tuple[dict[str, Any], RSAKey]] = {
    "of another audience": ({**ADA, "aud": "somebody else"}, KEY),
    "of another issuer": ({**ADA, "iss": "https://evil.test"}, KEY),
    "expired": ({**ADA, "exp": int(time.time()) - 3600}, KEY),
    "of another log-in": ({**ADA, "nonce": "another"}, KEY),
    "signed by somebody else": (ADA, OTHER_KEY),
    "with an email that nobody verified": ({**ADA, "email_verified": False}, KEY),
    "with an email whose verification is a word": ({**ADA, "email_verified": "true"}, KEY),
    "without an email": ({"sub": "1234"}, KEY),
}


@pytest.mark.parametrize("which", NOT_BELIEVED)
def test_a_token_is_not_believed(workspace: Workspace, which: str, caplog: pytest.LogCaptureFixture) -> None:
    claims, key = NOT_BELIEVED[which]
    with answering(Provider(claims, key)) as provider, trusting(workspace, provider) as client:
        told = go_through(client)
        assert (told.status_code, client.get(API).status_code) == (401, 401)
    assert CLIENT_SECRET not in caplog.text


def test_somebody_without_access_is_told_so(workspace: Workspace) -> None:
    stranger = {**ADA, "email": "eve@example.test"}
    with answering(Provider(stranger)) as provider, trusting(workspace, provider) as client:
        told = go_through(client)
        assert (told.status_code, "has no access yet" in told.text) == (403, True)
        assert client.get(API).status_code == 401


def test_a_return_that_began_nowhere_here_is_refused(workspace: Workspace) -> None:
    """Somebody else's code and state, dropped into a browser that never left, log nobody in."""
    with answering(Provider(ADA)) as provider, trusting(workspace, provider) as client:
        away = client.get("/login/oidc")
        back = httpx.get(away.headers["location"]).headers["location"]
        client.cookies.clear()
        assert client.get(back).status_code == 401
        client.get("/login/oidc")
        assert client.get(back).status_code == 401, "a state of another log-in"
        assert client.get(f"{CALLBACK}?error=access_denied&error_description=<b>no</b>").status_code == 401


def test_a_provider_that_is_away_is_told_and_logged(workspace: Workspace) -> None:
    gone = Provider(ADA)
    gone.url = "http://127.0.0.1:9"
    with trusting(workspace, gone) as client:
        told = client.get("/login/oidc")
    assert (told.status_code, "did not confirm" in told.text) == (502, True)


def test_without_a_provider_there_is_no_such_door(workspace: Workspace) -> None:
    with serving(workspace.project_file) as client:
        assert "/login/oidc" not in client.get("/login").text
        assert (client.get("/login/oidc").status_code, client.get("/login/oidc/callback").status_code) == (404, 404)


def test_it_leads_nowhere_else_either(workspace: Workspace) -> None:
    with answering(Provider(ADA)) as provider, trusting(workspace, provider) as client:
        assert go_through(client, "/login/oidc?next=//evil.test").headers["location"] == "/"


def test_the_extra_is_asked_for_only_where_a_provider_is_set(workspace: Workspace, tmp_path: Path) -> None:
    """A process that never imports authlib serves; one that has no authlib says which extra is missing."""
    import subprocess
    import sys

    code = (
        "import sys; sys.modules['authlib'] = None\n"
        "from pathlib import Path\n"
        "from tiltyard.apps.labeling.app import create_app\n"
        "from tiltyard.schemas.labeling_settings import LabelingSettings\n"
        f"where = [Path({str(workspace.project_file)!r})]\n"
        "create_app(where, LabelingSettings(secret='s' * 40)).state.service.close()\n"
        "more = dict(oidc_issuer='https://a.test', oidc_client_id='a', oidc_client_secret='b')\n"
        "create_app(where, LabelingSettings(secret='s' * 40, **more))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'tiltyard[oidc]'" in run.stderr.splitlines()[-1]
