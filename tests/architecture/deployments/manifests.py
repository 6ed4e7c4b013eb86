"""Kubernetes manifests and what is wrong with them, beyond what Kubernetes' own schema says."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types

from tests.deployments.deployed_commands import problems_of as problems_of_command
from tests.deployments.deployed_variables import unknown

VERSIONS: Final = ("1.34", "1.37")
SECRETS: Final = {
    "TILTYARD_LEDGER_URL", "TILTYARD_WRITER_LEDGER_URL", "PREFECT_SERVER_DATABASE_CONNECTION_URL",
    "MLFLOW_BACKEND_STORE_URI", "MLFLOW_PASSWORD", "MLFLOW_SECRET",
    "PREFECT_API_AUTH_STRING", "TILTYARD_LABEL_SECRET",
}  # fmt: skip
"""The keys of 'tiltyard-secrets', as docs/how-to/deploy-to-aws.md makes it."""

PRIVATE: Final = re.compile(r"SECRET|PASSWORD|AUTH_STRING|LEDGER_URL|STORE_URI")
"""What a variable is called that holds a secret."""

MADE: Final = {"tiltyard-settings", "tiltyard-project"}
"""ConfigMaps that an installation makes."""

SAFE: Final = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


@dataclass(frozen=True)
class Workload:
    """A Deployment or a Job: its pod and the one container in it."""

    kind: str
    name: str
    pod: dict[str, Any]
    labels: dict[str, str]

    @property
    def container(self) -> dict[str, Any]:
        """What runs."""
        (container,) = self.pod["containers"]
        return dict(container)


def workloads(documents: Iterable[dict[str, Any]]) -> list[Workload]:
    """The workloads among manifests."""
    return [
        Workload(one["kind"], one["metadata"]["name"], template["spec"], template["metadata"]["labels"])
        for one in documents
        if (template := one.get("spec", {}).get("template"))
    ]


def problems_of(documents: list[dict[str, Any]]) -> list[str]:
    """What is wrong with manifests, one sentence each."""
    parts = workloads(documents)
    problems = [problem for one in documents for problem in _schema(one)]
    checks = (_people, _commands, _variables, _probes, _volumes, _resources)
    problems += [f"{part.name}: {problem}" for part in parts for check in checks for problem in check(part)]
    return [*problems, *_names(documents, parts)]


def _schema(document: dict[str, Any]) -> list[str]:
    """What Kubernetes itself would refuse, unknown keys too."""
    name = f"{document['kind']} {document['metadata']['name']}"
    return [f"{name}, Kubernetes {version}: {_refused(json.dumps(document), version)}" for version in VERSIONS
            if _refused(json.dumps(document), version)]  # fmt: skip


@lru_cache(maxsize=512)
def _refused(text: str, version: str) -> str:
    """Why a version of Kubernetes refuses a manifest; nothing when it takes it. Its schema takes a while to read."""
    try:
        kubernetes_validate.validate(json.loads(text), version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return str(error.message)
    return ""


def _people(part: Workload) -> Iterator[str]:
    """Nobody is root, nothing is written but volumes, no token of the cluster lies about."""
    context = part.pod.get("securityContext", {})
    if not context.get("runAsNonRoot") or context.get("runAsUser") != 10001 or context.get("fsGroup") != 10001:
        yield "runs as root, or as another user than the image's"
    if context.get("seccompProfile") != {"type": "RuntimeDefault"} or part.container.get("securityContext") != SAFE:
        yield "has rights that it does not need"
    # A service called mlflow would otherwise become MLFLOW_PORT=tcp://..., which MLflow reads as its own.
    if part.pod.get("automountServiceAccountToken") is not False or part.pod.get("enableServiceLinks") is not False:
        yield "sees the cluster's token, or services as variables"


def _commands(part: Workload) -> Iterator[str]:
    """The image is ours, unpinned here, and its command exists."""
    yield from problems_of_command([str(one) for one in part.container.get("command", [])])
    if part.container["image"] != "tiltyard" or not part.container.get("command"):
        yield "another image than ours, or no command"


def _variables(part: Workload) -> Iterator[str]:
    """Every variable is read by somebody; secrets come from the secret that is documented."""
    given = part.container.get("env", [])
    yield from (f"nobody reads {name}" for name in unknown(one["name"] for one in given))
    for one in given:
        source = one.get("valueFrom", {}).get("secretKeyRef", {})
        if source and (source["name"] != "tiltyard-secrets" or source["key"] not in SECRETS):
            yield f"no such secret: {source}"
        if not source and PRIVATE.search(one["name"]):
            yield f"{one['name']} stands in the clear"


def _probes(part: Workload) -> Iterator[str]:
    """What stays up says whether it lives, at a port that it has."""
    ports = {port["name"] for port in part.container.get("ports", [])}
    for probe in ("startupProbe", "livenessProbe") if part.kind == "Deployment" else ():
        if part.container.get(probe, {}).get("httpGet", {}).get("port") not in ports:
            yield f"no {probe}"


def _volumes(part: Workload) -> Iterator[str]:
    """Every mount has its volume, every volume its mount; /tmp may be written to."""
    mounts = {one["name"]: one["mountPath"] for one in part.container.get("volumeMounts", [])}
    if set(mounts) != {one["name"] for one in part.pod.get("volumes", [])}:
        yield "mounts and volumes differ"
    if mounts.get("tmp") != "/tmp":
        yield "nowhere to write to"


def _resources(part: Workload) -> Iterator[str]:
    """What is asked for, and how much memory at most."""
    asked = part.container.get("resources", {})
    if not {"cpu", "memory"} <= set(asked.get("requests", {})) or "memory" not in asked.get("limits", {}):
        yield "no requests, or no limit of memory"


def _names(documents: list[dict[str, Any]], parts: list[Workload]) -> Iterator[str]:
    """Services, policies, accounts and ConfigMaps that are named are there."""
    there = {(one["kind"], one["metadata"]["name"]) for one in documents}
    for part in parts:
        if ("ServiceAccount", part.pod["serviceAccountName"]) not in there:
            yield f"{part.name}: no such account"
        sources = [one["configMapRef"]["name"] for one in part.container.get("envFrom", [])]
        sources += [one["configMap"]["name"] for one in part.pod["volumes"] if "configMap" in one]
        yield from (f"{part.name}: no ConfigMap {name}" for name in sources if name not in MADE)
    labels = {part.labels["app.kubernetes.io/name"] for part in parts}
    for one in documents:
        selector = one["spec"].get("selector", {}) if one["kind"] == "Service" else {}
        selector = one["spec"]["podSelector"].get("matchLabels", {}) if one["kind"] == "NetworkPolicy" else selector
        if selector and selector.get("app.kubernetes.io/name") not in labels:
            yield f"{one['kind']} {one['metadata']['name']} selects nobody"
    if ("NetworkPolicy", "closed") not in there:
        yield "everybody is let in"
