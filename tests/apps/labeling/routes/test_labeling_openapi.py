"""The OpenAPI document is right: requests that it allows, or nearly allows, get a documented response, never a 5xx."""

import warnings
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as effort
from hypothesis.errors import Unsatisfiable

from tests.clients.web import API, Expert, answer, bearer, serving, settings
from tests.projects.made_queue import NUMBERS, made_project, numbers, sample_id_of, says, token_for
from tiltyard.apps.labeling.app import create_app
from tiltyard.workspace.workspace import Workspace

with warnings.catch_warnings():
    # Its test transport would rather have a successor of httpx.
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.specs.openapi import checks

ASKED = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
KNOWN = sample_id_of(numbers(1)[0])

pytestmark = pytest.mark.filterwarnings("ignore::starlette.exceptions.StarletteDeprecationWarning")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A project with some history, so that answers have something in them."""
    made = made_project(tmp_path_factory.mktemp("small"), numbers(30), NUMBERS, slots=2, suggested=[says("yes")])
    with serving(made.project_file) as client:
        for name, label in (("ada", "yes"), ("bea", "no")):
            expert = Expert(client, made, name)
            for asked in expert.lease(5):
                expert.say(answer(asked, label, note="a remark", lead_ms=900))
    return made


@pytest.fixture(scope="module")
def document(workspace: Workspace) -> Iterator[Any]:
    """The application as schemathesis reads it."""
    app = create_app([workspace.project_file], settings(login_rate="1000000/minute"))
    yield schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    app.state.service.close()


@pytest.fixture(scope="module")
def header(workspace: Workspace) -> dict[str, str]:
    """A lead's token: it reaches furthest."""
    return bearer(token_for(workspace, "lea", "lead"))


def test_every_operation_answers_as_its_document_says(document: Any, header: dict[str, str]) -> None:
    """Schemathesis's own pytest integration does not run under pytest 9; its strategies do."""
    operations = [found.ok() for found in document.get_all_operations()]
    assert len(operations) >= 17
    for operation in operations:
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            _try(operation, mode, header)


def _try(operation: Any, mode: schemathesis.GenerationMode, header: dict[str, str]) -> None:
    """Ask one operation for all sorts of things that its document allows, or does not."""

    @effort(
        max_examples=8 if mode.is_negative else 20,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        # Generated names and ids almost never exist; the code behind them must be tested too.
        case.path_parameters = {**case.path_parameters, **_known(case)}
        case.call_and_validate(headers=header, checks=ASKED)

    # An operation that takes nothing cannot be asked for what it does not take.
    with suppress(Unsatisfiable) if mode.is_negative else nullcontext():
        ask()


def _known(case: Any) -> dict[str, str]:
    """The project that is there, and every other time a sample that is."""
    made = str(case.path_parameters.get("sample_id", ""))
    known = {"sample_id": KNOWN} if made and sum(map(ord, made)) % 2 == 0 else {}
    return known | ({"project": "small"} if "project" in case.path_parameters else {})


def test_the_document_names_every_route_and_body(document: Any, workspace: Workspace) -> None:
    with serving(workspace.project_file) as client:
        told = client.get("/api/v1/openapi.json").json()
    bodies = {
        path.rsplit("/", 1)[-1]: sorted(one["post"]["requestBody"]["content"])
        for path, one in told["paths"].items()
        if "post" in one
    }
    assert bodies == {
        "lease": ["application/json"],
        "release": ["application/json", "text/plain"],
        "annotations": ["application/json"],
        "adjudications": ["application/json"],
        "gold": ["application/json"],
        "import": ["application/json", "application/x-ndjson", "text/csv", "text/tab-separated-values"],
    }
    request_schema = told["components"]["schemas"]["AnnotationRequest"]
    assert set(request_schema["required"]) == {"client_key", "act", "sample_id", "assignment_id", "said_at"}
    assert request_schema["additionalProperties"] is False
    for path, methods in told["paths"].items():
        for operation in methods.values():
            assert operation.get("description") or operation.get("summary"), path
            assert path == "/health" or "401" in operation["responses"]


def test_what_is_malformed_is_refused_with_its_place(workspace: Workspace, header: dict[str, str]) -> None:
    good = {"client_key": "k" * 8, "sample_id": KNOWN, "label": "yes", "said_at": "2026-01-01T00:00:00Z"}
    malformed: list[tuple[str, Any, str]] = [
        ("lease", {"count": 0}, "count"),
        ("lease", {"count": 11}, "count"),
        ("lease", {"count": "many"}, "count"),
        ("lease", {"have": ["a b"]}, "have.0"),
        ("annotations", {}, "annotations"),
        ("annotations", {"annotations": []}, "annotations"),
        ("annotations", {"annotations": [1]}, ""),
        ("adjudications", {**good, "client_key": "short"}, "client_key"),
        ("adjudications", {**good, "client_key": "arrived by stealth"}, "client_key"),
        ("adjudications", {**good, "note": "a\x00b"}, "note"),
        ("adjudications", {**good, "said_at": "2026-01-01T00:00:00"}, "said_at"),
        ("adjudications", {**good, "said_at": "0001-01-01T00:00:00+23:59"}, "said_at"),
        ("adjudications", {**good, "said_at": "9999-12-31T23:59:59-23:59"}, "said_at"),
        ("gold", {"sample_id": "../../etc", "label": "yes"}, "sample_id"),
    ]
    with serving(workspace.project_file) as client:
        for path, body, where in malformed:
            told = client.post(f"{API}/{path}", json=body, headers=header)
            assert (told.status_code, told.json()["where"] or "") == (422, where), (path, body)
        for text in ("", "{", "[" * 5000, "nul", '{"a": NaN}', '"\\ud800"', '{"count": 1e999}'):
            told = client.post(f"{API}/lease", content=text, headers={**header, "Content-Type": "application/json"})
            assert told.status_code == 422, text[:20]
