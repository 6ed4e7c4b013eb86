"""The labeling server as tests call it in this process: requests in, answers out, no network."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.projects.made_queue import token_for
from tiltyard.apps.labeling.app import create_app
from tiltyard.schemas.labeling_settings import LabelingSettings
from tiltyard.workspace.workspace import Workspace

with warnings.catch_warnings():
    # Starlette would rather have a successor of httpx; the test client works with either.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient as TestClient

SECRET = "a secret of the tests, long enough to sign with"
API = "/api/v1/projects/small"


def settings(**said: Any) -> LabelingSettings:
    """Settings for a server of tests."""
    return LabelingSettings(**{"secret": SECRET, "request_rate": "1000000/minute", **said})


@contextmanager
def serving(*projects: Path, peer: str = "testclient", **said: Any) -> Iterator[TestClient]:
    """A client of a server of some projects, started and stopped."""
    app = create_app(projects, settings(**said))
    with TestClient(app, raise_server_exceptions=False, client=(peer, 50_000), follow_redirects=False) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    """The header of a token."""
    return {"Authorization": f"Bearer {token}"}


def logged_in(client: TestClient, token: str) -> str:
    """Log the client in as a browser does; the proof that its pages carry."""
    page = client.get("/login")
    answer = client.post("/login", data={"csrf": proof_in(page.text), "token": token, "next": "/"})
    assert answer.status_code == 303, answer.text
    home = client.get("/", follow_redirects=True)
    return proof_in(home.text)


def proof_in(html: str) -> str:
    """The proof in a page's form or meta element."""
    import re

    found = re.search(r'name="csrf" (?:value|content)="([^"]+)"', html)
    assert found, html
    return found[1]


def answer(assignment: Any, label: str | None = "yes", **said: Any) -> dict[str, Any]:
    """An answer to an assignment as a page sends it."""
    return {
        "client_key": uuid4().hex,
        "act": "label",
        "sample_id": assignment["sample_id"],
        "assignment_id": assignment["assignment_id"],
        "label": label,
        "said_at": datetime.now(UTC).isoformat(),
        **said,
    }


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
