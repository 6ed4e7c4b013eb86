"""``tiltyard deploy`` and ``tiltyard automations`` where there is no server, a dead one, or a file that is wrong."""

from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.clients.commands import done, tiltyard
from tests.conftest import ROOT
from tests.projects.small_project import make_project
from tests.servers.ports import free_port
from tiltyard.apps.cli.deployment.health_checks import flows_finding
from tiltyard.apps.cli.deployment.lint import all_flows

COMMANDS = [("deploy",), ("automations", "apply"), ("automations", "list"), ("automations", "remove")]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    make_project(tmp_path / "it's small")
    return tmp_path / "it's small"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_without_a_server_the_variable_is_named(words: tuple[str, ...], project: Path) -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        told = tiltyard(*words, "-p", project)
    assert told.code == 2
    assert "no Prefect server is set; set PREFECT_API_URL" in told.err


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_dead_server_is_named(words: tuple[str, ...], project: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    with temporary_settings({PREFECT_API_URL: url}):
        told = tiltyard(*words, "-p", project)
    assert told.code == 2
    assert f"cannot reach the Prefect server at {url}" in told.err


def test_variables_are_safe_in_a_shell(project: Path) -> None:
    told = done("deploy", "-p", project, "--variables", "--at", "/projects/it's small", "--pool", "mine")
    assert told.out.splitlines() == [
        "export TILTYARD_PROJECT='/projects/it'\"'\"'s small'",
        "export TILTYARD_PROJECT_NAME=small",
        "export TILTYARD_OBJECTS=tiltyard.project.small",
        "export TILTYARD_WORK_POOL=mine",
    ]


def test_entry_points_of_an_older_version_are_refused_with_the_new_one(project: Path, tmp_path: Path) -> None:
    text = (ROOT / "prefect.yaml").read_text("utf-8").replace("entrypoint: tiltyard.flows.", "entrypoint: flows.")
    (tmp_path / "prefect.yaml").write_text(text, "utf-8")
    told = tiltyard("deploy", "-p", project, "--file", tmp_path / "prefect.yaml")
    assert told.code == 2
    assert "did you mean 'tiltyard.flows.whole_cycle.whole_cycle'?" in told.err


def test_the_doctor_fails_where_entry_points_do_not_exist() -> None:
    today = set(all_flows())
    assert flows_finding("bank", today).state == "ok"
    assert flows_finding("bank", today - {"tiltyard.flows.roll_back.roll_back"}).state == "warn"
    former = flows_finding("bank", {entrypoint.removeprefix("tiltyard.") for entrypoint in today})
    assert (former.state, former.remedy) == ("fail", "tiltyard deploy")
    assert "flows.whole_cycle.whole_cycle" in former.said


def test_a_broken_file_is_refused_before_a_server_is_asked(project: Path, tmp_path: Path) -> None:
    (tmp_path / "prefect.yaml").write_text("deployment: []\n", "utf-8")
    told = tiltyard("deploy", "-p", project, "--file", tmp_path / "prefect.yaml")
    assert told.code == 2
    assert "unknown key 'deployment'; did you mean 'deployments'?" in told.err


def test_a_missing_file_says_where_to_look(project: Path, tmp_path: Path) -> None:
    told = tiltyard("automations", "apply", "-p", project, "--file", tmp_path / "none.yaml")
    assert told.code == 2
    assert "run the command in Tiltyard's folder, or name the file with --file" in told.err
