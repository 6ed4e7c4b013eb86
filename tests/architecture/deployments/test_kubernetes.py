"""The Kubernetes manifests: Kubernetes takes them, their commands exist, and nothing in them is open or unlimited."""

import copy
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.architecture.deployments.manifests import MADE, SECRETS, Workload, problems_of, workloads
from tests.architecture.sources import ROOT
from tests.deployments.composed import variables_of
from tests.deployments.deployed_variables import unknown
from tiltyard.schemas.project import parse_project

FOLDER = ROOT / "deployments" / "kubernetes"
BASE, EXAMPLE = FOLDER / "base", FOLDER / "example"
KUSTOMIZATION = "kustomization.yaml"

Breaking = Callable[[dict[str, Any]], object]


def documents() -> list[dict[str, Any]]:
    """Every manifest of the base."""
    files = sorted(path for path in BASE.glob("*.yaml") if path.name != KUSTOMIZATION)
    return [one for path in files for one in yaml.safe_load_all(path.read_text("utf-8"))]


def test_nothing_is_wrong() -> None:
    assert problems_of(documents()) == []


def container(document: dict[str, Any]) -> dict[str, Any]:
    """The container of a workload's manifest."""
    found: dict[str, Any] = document["spec"]["template"]["spec"]["containers"][0]
    return found


BROKEN: dict[str, Breaking] = {
    "a key that is not known": lambda one: container(one).update(imagePullPolice="Always"),
    "a key that is missing": lambda one: one["spec"].pop("selector"),
    "root": lambda one: one["spec"]["template"]["spec"]["securityContext"].update(runAsUser=0),
    "a writable system": lambda one: container(one)["securityContext"].update(readOnlyRootFilesystem=False),
    "services as variables": lambda one: one["spec"]["template"]["spec"].pop("enableServiceLinks"),
    "a command that is not there": lambda one: container(one).update(command=["prefect", "worker", "begin"]),
    "an option that is not there": lambda one: container(one)["command"].append("--pools=x"),
    "a variable that nobody reads": lambda one: container(one)["env"].append(
        {"name": "TILTYARD_LEGDER_URL", "value": "x"}
    ),
    "a secret in the clear": lambda one: container(one)["env"].append({"name": "TILTYARD_LABEL_SECRET", "value": "x"}),
    "no probe": lambda one: container(one).pop("livenessProbe"),
    "a mount without a volume": lambda one: one["spec"]["template"]["spec"]["volumes"].pop(),
    "no limit": lambda one: container(one)["resources"].pop("limits"),
    "another account": lambda one: one["spec"]["template"]["spec"].update(serviceAccountName="default"),
    "another image": lambda one: container(one).update(image="tiltyard:latest"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found(name: str) -> None:
    broken = copy.deepcopy(documents())
    BROKEN[name](next(one for one in broken if one["metadata"]["name"] == "worker"))
    assert problems_of(broken) != []


def test_an_open_door_is_found() -> None:
    assert problems_of([one for one in documents() if one["metadata"]["name"] != "closed"]) != []


def test_every_manifest_is_listed() -> None:
    listed = yaml.safe_load((BASE / KUSTOMIZATION).read_text("utf-8"))["resources"]
    assert sorted(listed) == sorted(path.name for path in BASE.glob("*.yaml") if path.name != KUSTOMIZATION)


def test_the_same_commands_as_in_compose() -> None:
    """One way to start each part, but for how an option is written."""
    services = yaml.safe_load((ROOT / "deployments" / "compose" / "compose.yaml").read_text("utf-8"))["services"]
    for part in workloads(documents()):
        assert _plain(part.container["command"]) == _plain(services[part.name]["command"])


def _plain(command: list[str]) -> list[str]:
    """The words of a command line, options taken apart; which names MLflow answers to is the installation's."""
    kept = [str(one) for one in command if not str(one).startswith("--allowed-hosts")]
    return [word for one in kept for word in (one.split("=") if one.startswith("--") else one.split())]


def test_the_example_makes_what_the_base_wants() -> None:
    content = yaml.safe_load((EXAMPLE / KUSTOMIZATION).read_text("utf-8"))
    assert {one["name"] for one in content["configMapGenerator"]} == MADE
    assert [one["name"] for one in content["images"]] == ["tiltyard"]
    files = [name for one in content["configMapGenerator"] for name in one.get("files", []) + one.get("envs", [])]
    files += [name for name in content["resources"] if name != "../base"]
    assert [name for name in files if not (EXAMPLE / name).is_file()] == []
    accounts = {one["metadata"]["name"] for one in documents() if one["kind"] == "ServiceAccount"}
    assert {one["target"]["name"] for one in content["patches"]} <= accounts


def test_the_settings_of_the_example_are_read() -> None:
    settings = variables_of((EXAMPLE / "settings.env").read_text("utf-8"))
    assert unknown(settings) == []
    wanted = {
        "PREFECT_API_URL",
        "TILTYARD_MLFLOW_URI",
        "TILTYARD_SOURCE_URL",
        "TILTYARD_FILES_URL",
        "TILTYARD_WATCH_QUEUE",
    }
    assert wanted <= set(settings)


def test_the_addresses_in_the_settings_are_services() -> None:
    ports = {
        one["metadata"]["name"]: one["spec"]["ports"][0]["port"] for one in documents() if one["kind"] == "Service"
    }
    settings = variables_of((EXAMPLE / "settings.env").read_text("utf-8"))
    assert settings["PREFECT_API_URL"] == f"http://prefect:{ports['prefect']}/api"
    assert settings["TILTYARD_MLFLOW_URI"] == f"http://mlflow:{ports['mlflow']}"


def test_the_page_makes_every_secret() -> None:
    page = (ROOT / "docs" / "how-to" / "deploy-to-aws.md").read_text("utf-8")
    assert set(re.findall(r"--from-literal=(\w+)=", page)) == SECRETS
    assert "create secret generic tiltyard-secrets" in page


def test_the_project_of_the_example_is_one() -> None:
    text = (EXAMPLE / "project.yaml").read_text("utf-8")
    assert parse_project(yaml.safe_load(text), str(EXAMPLE)).name == "digits"
    assert text == (ROOT / "examples" / "digits" / "project.yaml").read_text("utf-8"), "copy it again"


def test_a_workload_says_what_it_runs() -> None:
    """Each part of the compose file that stays has a place here."""
    assert {part.name for part in workloads(documents()) if isinstance(part, Workload)} == {
        "prefect", "mlflow", "deploy", "worker", "labeling", "watch",
    }  # fmt: skip


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_puts_it_together() -> None:
    run = subprocess.run(["kubectl", "kustomize", EXAMPLE], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    made = list(yaml.safe_load_all(run.stdout))
    assert {one["metadata"]["namespace"] for one in made if one["kind"] != "Namespace"} == {"tiltyard"}
    images = {part.container["image"] for part in workloads(made)}
    assert images == {"REGISTRY/tiltyard:0.1.0"}
    names = {one["metadata"]["name"] for one in made if one["kind"] == "ConfigMap"}
    used = {one["configMapRef"]["name"] for part in workloads(made) for one in part.container.get("envFrom", [])}
    assert used <= names
