"""Each part of an installation knows the secrets that it needs, reaches those it speaks to, and no more."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.architecture.deployments.manifests import workloads
from tests.architecture.sources import ROOT

COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "deployments/compose/compose.yaml").read_text("utf-8"))
BASE: Final = ROOT / "deployments" / "kubernetes" / "base"
SECRET: Final = re.compile(r"\$\{(\w*(?:PASSWORD|SECRET)\w*)")

COMPOSE_SECRETS: Final = {
    "postgres": {
        "POSTGRES_PASSWORD", "TILTYARD_DB_PASSWORD", "TILTYARD_WRITER_DB_PASSWORD", "PREFECT_DB_PASSWORD",
        "MLFLOW_DB_PASSWORD",
    },
    "prefect": {"PREFECT_DB_PASSWORD", "PREFECT_PASSWORD"},
    "mlflow": {"MLFLOW_DB_PASSWORD", "MLFLOW_PASSWORD", "MLFLOW_SECRET"},
    "deploy": {"TILTYARD_DB_PASSWORD", "PREFECT_PASSWORD"},
    "worker": {"TILTYARD_DB_PASSWORD", "PREFECT_PASSWORD", "MLFLOW_PASSWORD"},
    "labeling": {"TILTYARD_WRITER_DB_PASSWORD", "TILTYARD_LABEL_SECRET"},
    "watch": {"TILTYARD_WRITER_DB_PASSWORD", "PREFECT_PASSWORD"},
    "cli": {"TILTYARD_DB_PASSWORD", "PREFECT_PASSWORD", "MLFLOW_PASSWORD"},
    "aws": set(),
    "landing-bucket": set(),
}  # fmt: skip
REACHED: Final = {
    "prefect": {"postgres"},
    "mlflow": {"postgres"},
    "deploy": {"postgres", "prefect"},
    "worker": {"postgres", "prefect", "mlflow", "aws"},
    "labeling": {"postgres"},
    "watch": {"postgres", "prefect", "aws"},
    "cli": {"postgres", "prefect", "mlflow", "aws"},
    "landing-bucket": {"aws"},
}
SERVERS: Final = {"postgres", "prefect", "mlflow", "aws"}
KUBERNETES_SECRETS: Final = {
    "prefect": {"PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_AUTH_STRING"},
    "mlflow": {"MLFLOW_BACKEND_STORE_URI", "MLFLOW_PASSWORD", "MLFLOW_SECRET"},
    "deploy": {"TILTYARD_LEDGER_URL", "PREFECT_API_AUTH_STRING"},
    "worker": {"TILTYARD_LEDGER_URL", "PREFECT_API_AUTH_STRING", "MLFLOW_PASSWORD"},
    "labeling": {"TILTYARD_WRITER_LEDGER_URL", "TILTYARD_LABEL_SECRET"},
    "watch": {"TILTYARD_WRITER_LEDGER_URL", "PREFECT_API_AUTH_STRING"},
}
ACCOUNTS: Final = {
    "prefect": "tiltyard-server",
    "deploy": "tiltyard-server",
    "mlflow": "tiltyard-mlflow",
    "worker": "tiltyard-worker",
    "labeling": "tiltyard-labeling",
    "watch": "tiltyard-watch",
}


def manifests() -> list[dict[str, Any]]:
    """Every manifest of the base."""
    files = sorted(path for path in BASE.glob("*.yaml") if path.name != "kustomization.yaml")
    return [one for path in files for one in yaml.safe_load_all(path.read_text("utf-8"))]


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_container_knows_its_own_secrets(name: str) -> None:
    service = COMPOSE["services"][name]
    assert set(SECRET.findall(str(service))) == COMPOSE_SECRETS[name]


def test_the_exposed_part_has_no_keys_of_a_store() -> None:
    labeling = COMPOSE["services"]["labeling"]
    assert "env_file" not in labeling, "the file names keys of S3"
    assert not [name for name in labeling["environment"] if name.startswith(("PREFECT", "MLFLOW", "AWS"))]
    assert "workspace:/data:ro" in labeling["volumes"]


@pytest.mark.parametrize("name", REACHED)
def test_a_container_reaches_those_it_speaks_to(name: str) -> None:
    services = COMPOSE["services"]
    own = set(services[name]["networks"])
    reached = {other for other in SERVERS - {name} if own & set(services[other]["networks"])}
    # The database is on a network with Prefect and with MLflow, which do not meet each other there.
    assert reached == REACHED[name]


def test_networks_are_declared_and_used() -> None:
    used = {network for service in COMPOSE["services"].values() for network in service["networks"]}
    assert used == set(COMPOSE["networks"])


@pytest.mark.parametrize("name", KUBERNETES_SECRETS)
def test_a_pod_knows_its_own_secrets(name: str) -> None:
    part = next(one for one in workloads(manifests()) if one.name == name)
    sources = [one.get("valueFrom", {}).get("secretKeyRef", {}).get("key") for one in part.container["env"]]
    assert {key for key in sources if key} == KUBERNETES_SECRETS[name]
    assert part.pod["serviceAccountName"] == ACCOUNTS[name]
    assert not [one for one in part.container.get("envFrom", []) if "secretRef" in one]


def test_the_exposed_pod_is_told_no_places() -> None:
    """The settings name buckets and servers; what people from outside reach takes the one that it needs."""
    labeling = next(one for one in workloads(manifests()) if one.name == "labeling")
    assert "envFrom" not in labeling.container


def test_policies_name_their_peers() -> None:
    """Nobody is let in by an empty selector, which means everybody."""
    for one in manifests():
        if one["kind"] != "NetworkPolicy":
            continue
        for rule in one["spec"].get("ingress", []):
            assert rule.get("from"), one["metadata"]["name"]
            for peer in rule["from"]:
                assert all(selector for selector in peer.values()), f"{one['metadata']['name']} lets everybody in"


def test_the_exposed_pod_may_only_go_to_the_database() -> None:
    (way_out,) = (one for one in manifests() if one["metadata"]["name"] == "labeling-out")
    ports = {port["port"] for rule in way_out["spec"]["egress"] for port in rule["ports"]}
    assert way_out["spec"]["policyTypes"] == ["Egress"]
    assert ports == {53, 5432}


def test_mlflow_lets_nobody_in_without_a_password() -> None:
    commands = [COMPOSE["services"]["mlflow"]["command"]]
    commands += [one.container["command"] for one in workloads(manifests()) if one.name == "mlflow"]
    assert len(commands) == 2
    assert all("--app-name=basic-auth" in command for command in commands)
    users = Path(ROOT / "deployments/docker/mlflow_auth.ini").read_text("utf-8")
    assert "admin_password" not in users, "the password comes from the environment"
