"""prefect.yaml: entry points that exist, parameters that fit, and no key that Prefect would silently ignore."""

import inspect
from importlib import import_module
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule

from tests.architecture.sources import ROOT

FILE: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
DEPLOYMENTS: list[dict[str, Any]] = FILE["deployments"]

KEYS = {"name", "pull", "definitions", "deployments"}
DEPLOYMENT_KEYS = {
    "name", "entrypoint", "description", "tags", "parameters", "work_pool", "concurrency_limit", "schedules",
    "triggers",
}  # fmt: skip
TRIGGER_KEYS = {
    "enabled", "match", "match_related", "expect", "after", "for_each", "posture", "threshold", "within", "parameters",
    "name", "description", "type",
}  # fmt: skip


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    """The flow that a deployment runs."""
    module, name = deployment["entrypoint"].rsplit(".", 1)
    flow = getattr(import_module(module), name)
    assert isinstance(flow, Flow)
    return flow


def test_no_unknown_keys() -> None:
    assert set(FILE) <= KEYS
    unknown = {one["entrypoint"]: set(one) - DEPLOYMENT_KEYS for one in DEPLOYMENTS if set(one) - DEPLOYMENT_KEYS}
    assert unknown == {}
    triggers = [trigger for one in DEPLOYMENTS for trigger in one.get("triggers", [])]
    assert [trigger for trigger in triggers if set(trigger) - TRIGGER_KEYS] == []
    assert [one for one in triggers if one.get("posture") == "Proactive" and not one.get("for_each")] == []


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: str(one["entrypoint"]))
def test_deployment_fits_its_flow(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)
    parameters = inspect.signature(flow.fn).parameters
    assert set(deployment["parameters"]) <= set(parameters)
    missing = [name for name, one in parameters.items() if one.default is inspect.Parameter.empty]
    assert set(missing) <= set(deployment["parameters"])
    flow.validate_parameters({**deployment["parameters"], "project": "."})


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: str(one["entrypoint"]))
def test_schedules_are_valid_and_start_paused(deployment: dict[str, Any]) -> None:
    for schedule in map(dict, deployment.get("schedules", [])):
        assert schedule.pop("active") is False
        CronSchedule(**schedule)


def test_every_flow_is_deployed_under_a_name_of_its_own() -> None:
    files = {f"flows.{path.stem}" for path in (ROOT / "flows").glob("*.py")} - {"flows.__init__"}
    assert {one["entrypoint"].rsplit(".", 1)[0] for one in DEPLOYMENTS} == files
    names = [f"{flow_of(one).name}/{one['name']}" for one in DEPLOYMENTS]
    assert len(set(names)) == len(names)


def test_one_run_at_a_time() -> None:
    assert [one["entrypoint"] for one in DEPLOYMENTS if one["concurrency_limit"]["limit"] != 1] == []
