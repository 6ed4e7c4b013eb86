"""What commands report follows from what happened: a model that is known, a promotion that waits, a module away."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.commands import done, tiltyard
from tests.projects.small_project import LENIENT, a_day, answer_queue, copied, deliver, make_project
from tiltyard.project.steps.loop import _nothing
from tiltyard.workspace.workspace import Workspace, open_workspace, utc_now

OWN = "from sklearn.linear_model import LogisticRegression\n\nclass Own(LogisticRegression):\n    pass\n"


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A module of the user's own, on Python's path."""
    folder = tmp_path_factory.mktemp("code")
    (folder / "own_said.py").write_text(OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder
    sys.modules.pop("own_said", None)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, modules: Path) -> Path:
    """A project that wants approval, with a challenger of the user's own class whose verdict says promote."""
    workspace = make_project(
        tmp_path_factory.mktemp("said") / "template",
        gate={**LENIENT, "approval": True},
        candidates=[{"name": "own", "estimator": "own_said.Own"}],
    )
    folder = workspace.project_file.parent
    deliver(workspace, "day.csv", a_day(0))
    done("ingest", "-p", folder)
    done("ask", "-p", folder)
    answer_queue(workspace, utc_now())
    told = done("train", "-p", folder)
    assert told.out.startswith("Trained ")
    done("judge", "-p", folder)
    workspace.ledger.close()
    return folder


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Workspace:
    return copied(template, tmp_path / "project")


def test_a_model_that_is_known_was_not_trained(workspace: Workspace) -> None:
    folder = workspace.project_file.parent
    model = workspace.ledger.models.all()[0].model_id
    told = done("train", "-p", folder, "--force").out
    assert told.startswith(f"Nothing was trained: {model[:8]} (own) on ")
    assert "already exists, as version 1.0.0" in " ".join(told.split())
    assert "It is the challenger" not in told
    data = done("train", "-p", folder, "--force", "--json").data
    assert (data["trained"], data["model"]["model_id"]) == (False, model)
    assert len(workspace.ledger.models.all()) == 1


def test_a_promotion_that_waits_for_a_person_is_said_to_wait(workspace: Workspace) -> None:
    folder = workspace.project_file.parent
    (verdict,) = workspace.ledger.champions.verdicts()
    waits = f"verdict {verdict.verdict_id[:8]} waits for approval until "
    told = tiltyard("promote", "-p", folder)
    assert told.code != 0
    assert waits in " ".join(told.err.split())
    assert "nothing to promote" not in told.err
    assert waits in _nothing(workspace, "promote")
    done("approve", "-p", folder, "--reason", "it is better")
    again = " ".join(tiltyard("approve", "-p", folder, "--reason", "once more").err.split())
    assert "was acted on already" in again
    assert _nothing(workspace, "promote") == "nothing to do: no verdict says promote that was not acted on"


def test_a_promotion_that_wants_no_person_is_not_said_to_be_refused(workspace: Workspace) -> None:
    from tiltyard.project.steps.promotion import not_approved
    from tiltyard.schemas.records import Approval

    (verdict,) = workspace.ledger.champions.verdicts()
    answer = Approval(verdict.verdict_id, True, "ada", "good", utc_now())
    workspace.ledger.champions.answer(answer)
    assert not_approved(workspace, verdict).endswith("waits for nobody's approval; run 'tiltyard promote'")


def test_a_sound_model_of_a_module_that_is_not_on_the_path_is_no_fault(workspace: Workspace, modules: Path) -> None:
    folder = workspace.project_file.parent
    assert done("verify", "-p", folder, "--json").data["notes"] == []
    kept = sys.modules.pop("own_said", None)
    (modules / "own_said.py").rename(modules / "away.py")
    try:
        found = done("verify", "-p", folder, "--json").data
        assert found["problems"] == []
        assert "cannot be checked here: module 'own_said' is not found" in found["notes"][0]
        (model,) = open_workspace(folder).ledger.models.all()
        (workspace.folder / "artifacts" / model.artifact.name).write_bytes(b"other")
        assert "not what was recorded" in tiltyard("verify", "-p", folder, "--json").data["problems"][0]
    finally:
        (modules / "away.py").rename(modules / "own_said.py")
        if kept:
            sys.modules["own_said"] = kept
