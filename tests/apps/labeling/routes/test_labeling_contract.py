"""A Pandera module that is changed or missing while the server runs: its hash is recorded, no annotation is refused."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.clients.web import Expert, TestClient, answer, serving
from tests.projects.made_queue import NUMBERS, made_project, numbers
from tiltyard.schemas.frames import contract_hash
from tiltyard.workspace.workspace import Workspace, open_workspace

MODULE = (
    "import pandera.polars as pa\n\n\nclass Model(pa.DataFrameModel):\n    x: float = pa.Field(lt={most})\n\n"
    "    class Config:\n        strict = False\n"
)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of the user's own that Python finds."""
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / f"own_{uuid4().hex}.py"
    file.write_text(MODULE.format(most=1_000_000))
    return file


@pytest.fixture
def workspace(tmp_path: Path, module: Path) -> Workspace:
    content = {**NUMBERS, "pandera": f"{module.stem}:Model", "labeling": {"gold_share": 0}}
    return made_project(tmp_path / "small", numbers(6), content)


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient]:
    with serving(workspace.project_file) as started:
        yield started


def test_what_is_recorded_is_the_contract_of_now(client: TestClient, workspace: Workspace, module: Path) -> None:
    ada = Expert(client, workspace, "ada")
    first, second = ada.lease(2)
    ada.say(answer(first))
    module.write_text(MODULE.format(most=2_000_000))
    for served in client.app.state.service.projects.values():  # type: ignore[attr-defined] # an ASGI app has no state
        served.refresh()
    ada.say(answer(second))
    one, two = workspace.ledger.annotations.after(0, 10)
    assert one.contract_hash != two.contract_hash
    assert two.contract_hash == contract_hash(open_workspace(workspace.project_file).project)


def test_a_module_that_is_missing_is_told_and_nothing_is_refused(
    client: TestClient, workspace: Workspace, module: Path
) -> None:
    ada = Expert(client, workspace, "ada")
    lea = Expert(client, workspace, "lea", "adjudicator")
    asked, other = ada.lease(2)
    ada.say(answer(other))
    source = module.read_text()
    service = client.app.state.service  # type: ignore[attr-defined] # an ASGI app has no state
    module.write_text("import nothing_of_that_name\n")
    service.projects["small"].refresh()
    said = answer(asked)
    told = ada.post("/annotations", {"annotations": [said]}, 503)
    assert "annotations cannot be stored until the project is fixed" in told["error"]
    assert module.stem in told["error"]
    ruling = {"client_key": uuid4().hex, "sample_id": other["sample_id"], "label": "no", "said_at": said["said_at"]}
    lea.post("/adjudications", ruling, 503)
    assert ada.lease(1), "the queue goes on"
    time.sleep(0.01)
    module.write_text(source)
    service.projects["small"].refresh()
    (result,) = ada.say(said)["results"]
    assert result["status"] == "stored"
    lea.post("/adjudications", ruling, 201)


def test_a_server_starts_without_the_module(workspace: Workspace, module: Path) -> None:
    module.write_text("1 / 0\n")
    with serving(workspace.project_file) as client:
        ada = Expert(client, workspace, "ada")
        (asked,) = ada.lease(1)
        assert "1 / 0" not in ada.post("/annotations", {"annotations": [answer(asked)]}, 503)["error"]
