"""What is wrong with a compose file: keys, doors, secrets, order, commands."""

import re
from collections.abc import Iterator
from typing import Any, Final

from tests.deployments.composed import VARIABLE
from tests.deployments.deployed_commands import problems_of as problems_of_command
from tests.deployments.deployed_variables import unknown

SERVICE_KEYS: Final = {
    "image", "build", "init", "read_only", "tmpfs", "cap_drop", "security_opt", "restart", "logging", "environment",
    "env_file", "volumes", "healthcheck", "command", "entrypoint", "depends_on", "ports", "profiles",
    "stop_grace_period", "networks",
}  # fmt: skip
HEALTH_KEYS: Final = {"test", "interval", "timeout", "retries", "start_period", "disable"}
CONDITIONS: Final = {"service_healthy", "service_completed_successfully"}
PRIVATE: Final = re.compile(r"PASSWORD|SECRET")
OURS: Final = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"], "init": True}


def problems_of(content: dict[str, Any]) -> list[str]:
    """What is wrong with a compose file (https://github.com/compose-spec/compose-spec), one sentence each."""
    services: dict[str, dict[str, Any]] = content["services"]
    checks = (_keys, _doors, _rights, _secrets, _variables, _commands)
    problems = [f"{name}: {problem}" for name, one in services.items() for check in checks for problem in check(one)]
    return [*problems, *_order(services), *_volumes(content)]


def _keys(service: dict[str, Any]) -> Iterator[str]:
    """Only keys that compose knows; a misspelt one might be refused by one version and ignored by another."""
    yield from (f"unknown key {key}" for key in set(service) - SERVICE_KEYS)
    yield from (f"unknown key healthcheck.{key}" for key in set(service.get("healthcheck", {})) - HEALTH_KEYS)


def _doors(service: dict[str, Any]) -> Iterator[str]:
    """Published on this machine alone."""
    for port in service.get("ports", []):
        if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", str(port)):
            yield f"{port} is open to others"


def _rights(service: dict[str, Any]) -> Iterator[str]:
    """Our parts may write to volumes and /tmp, nothing else, and stay without rights; images have a tag."""
    if "build" in service and {key: service.get(key) for key in OURS} != OURS:
        yield "has rights that it does not need"
    if ":" not in service["image"].rsplit("/", 1)[-1] and "${" not in service["image"]:
        yield "an image without a tag"
    if "privileged" in service or "/var/run/docker.sock" in str(service.get("volumes")):
        yield "rules the machine"


def _secrets(service: dict[str, Any]) -> Iterator[str]:
    """A secret comes from .env, has no default, and is missed when it is not there."""
    for found in VARIABLE.finditer(str(service)):
        if PRIVATE.search(found["name"]) and found["how"] != "?":
            yield f"{found['name']} may be empty, or has a default"
    for name, value in service.get("environment", {}).items():
        if PRIVATE.search(name) and "${" not in str(value):
            yield f"{name} stands in the clear"


def _variables(service: dict[str, Any]) -> Iterator[str]:
    """Variables that somebody reads, given as text: YAML's true and 5 are not."""
    yield from (f"nobody reads {name}" for name in unknown(service.get("environment", {})))
    for name, value in service.get("environment", {}).items():
        if not isinstance(value, str):
            yield f"{name} is {value!r}: quote it"


def _commands(service: dict[str, Any]) -> Iterator[str]:
    """Commands and healthchecks that exist; what stays up says whether it is healthy."""
    words = service.get("command", [])
    yield from problems_of_command([] if "entrypoint" in service else words)
    yield from (f"{word!r} is no text: quote it" for word in words if not isinstance(word, str))
    stays = service.get("restart") == "unless-stopped"
    if stays and service.get("healthcheck", {}).get("test", [None])[0] != "CMD":
        yield "stays up, and nobody knows whether it is well"


def _order(services: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What is waited for exists, and can be what it is waited to be."""
    for name, one in services.items():
        for other, how in one.get("depends_on", {}).items():
            if other not in services or how.get("condition") not in CONDITIONS:
                yield f"{name} waits for {other} to be {how.get('condition')}"
            elif how["condition"] == "service_healthy" and "test" not in services[other].get("healthcheck", {}):
                yield f"{name} waits for ever: {other} has no healthcheck"
            elif how["condition"] == "service_completed_successfully" and services[other].get("restart") != "no":
                yield f"{name} waits for ever: {other} is started again when it ends"
            elif set(services[other].get("profiles", [])) - set(one.get("profiles", [])) and how.get("required", True):
                yield f"{name} waits for {other}, which is not always there"


def _volumes(content: dict[str, Any]) -> Iterator[str]:
    """Every volume is declared and used."""
    used = {
        str(one).split(":")[0]
        for service in content["services"].values()
        for one in service.get("volumes", [])
        if not str(one).startswith((".", "/"))
    }
    yield from (f"volume {name} is not both declared and used" for name in used ^ set(content.get("volumes", {})))
