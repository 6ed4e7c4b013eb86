"""Check the deployments and automations files: mistakes that Prefect accepts silently, or reports only at run time.

Prefect ignores unknown keys: a misspelt ``posture`` makes a trigger that fires at the wrong time. Each function yields
sentences, each with its place in the file.
"""

from collections.abc import Iterable, Mapping
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final, get_args

from jinja2 import TemplateSyntaxError
from prefect import Flow
from prefect.cli.deploy._models import (
    ConcurrencyLimitSpec,
    DeploymentConfig,
    PrefectYamlModel,
    RawScheduleConfig,
    WorkPoolConfig,
)
from prefect.cli.deploy._triggers import DeploymentTriggerAdapter
from prefect.client.schemas.objects import ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.events.actions import ActionTypes
from prefect.events.schemas.automations import AutomationCore
from prefect.events.schemas.deployment_triggers import BaseDeploymentTrigger
from prefect.server.utilities.user_templates import TemplateSecurityError, validate_user_template
from pydantic import TypeAdapter

from tiltyard import flows
from tiltyard.apps.cli.deployment.lint_keys import Mistakes, Place, keys_of, unknown_keys, validation_errors
from tiltyard.apps.cli.deployment.lint_parameters import lint_parameters
from tiltyard.apps.cli.deployment.lint_triggers import TRIGGERS, lint_trigger
from tiltyard.schemas.errors import SettingsError, nearest

ACTIONS: Final = {one.model_fields["type"].default: one for one in get_args(ActionTypes)}
BLOCK: Final = "block"
"""Our own key of an action: the name of a block, where Prefect requires an id."""

LISTED: Final = TypeAdapter(list[dict[str, Any]])


def lint_deployments(file: Mapping[str, Any]) -> list[str]:
    """The mistakes in a ``prefect.yaml`` whose variables are filled in, a sentence each."""
    found = [
        *unknown_keys(file, keys_of(PrefectYamlModel) | {"definitions"}, "prefect.yaml"),
        *validation_errors(partial(PrefectYamlModel.model_validate, _without(file, "deployments")), "prefect.yaml"),
        *validation_errors(partial(LISTED.validate_python, file.get("deployments")), "prefect.yaml: deployments"),
    ]
    if found:
        return found
    deployments: list[dict[str, Any]] = file["deployments"]
    for number, one in enumerate(deployments):
        found += _deployment(one, f"deployments[{number}] {one.get('entrypoint', '')}")
    return [*found, *_undeployed_flows(deployments), *_duplicate_names(deployments)]


def lint_automations(file: Mapping[str, Any], project: str) -> list[str]:
    """The mistakes in an ``automations.yaml`` whose variables are filled in, a sentence each."""
    found = [
        *unknown_keys(file, {"automations", "definitions"}, "automations.yaml"),
        *validation_errors(partial(LISTED.validate_python, file.get("automations")), "automations.yaml: automations"),
    ]
    if found:
        return found
    automations: list[dict[str, Any]] = file["automations"]
    for number, one in enumerate(automations):
        found += _automation(one, f"automations[{number}] {one.get('name', '')}", project)
    names = [str(one.get("name")) for one in automations]
    return found + [f"two automations are named {name!r}" for name in sorted(set(names)) if names.count(name) > 1]


def refuse_mistakes(mistakes: list[str], file: Path) -> None:
    """Raise SettingsError that lists the mistakes in a file, if there are any."""
    if mistakes:
        raise SettingsError(f"{str(file)!r} has mistakes, nothing was sent to Prefect: {'; '.join(mistakes)}")


def _deployment(one: Mapping[str, Any], place: Place) -> Mistakes:
    """The mistakes in one deployment."""
    yield from unknown_keys(one, keys_of(DeploymentConfig), place)
    wrong = [
        *validation_errors(partial(DeploymentConfig.model_validate, _without(one, "schedules")), place),
        *validation_errors(partial(LISTED.validate_python, one.get("schedules") or []), f"{place}: schedules"),
    ]
    yield from wrong or _parts_of_deployment(one, place)


def _parts_of_deployment(one: Mapping[str, Any], place: Place) -> Mistakes:
    """The mistakes in the parts of a deployment whose shape is valid for Prefect."""
    yield from unknown_keys(one.get("work_pool") or {}, keys_of(WorkPoolConfig), f"{place}: work_pool")
    for number, schedule in enumerate(one.get("schedules") or []):
        yield from _schedule(schedule, f"{place}: schedules[{number}]")
    entry = str(one.get("entrypoint"))
    flow = all_flows().get(entry)
    if flow is None:
        yield f"{place}: there is no such flow; an entry point is MODULE.FUNCTION; {nearest(entry, all_flows())}"
        return
    yield from _limit(one.get("concurrency_limit"), can_suspend(flow), f"{place}: concurrency_limit")
    yield from lint_parameters(flow, one.get("parameters") or {}, f"{place}: parameters")
    for number, trigger in enumerate(one.get("triggers") or []):
        yield from _trigger(flow, trigger, f"{place}: triggers[{number}]")


def _trigger(flow: Flow[..., Any], trigger: Mapping[str, Any], place: Place) -> Mistakes:
    """The mistakes in a trigger of a deployment."""
    wrong = [*validation_errors(partial(DeploymentTriggerAdapter.validate_python, trigger), place)]
    if wrong:
        yield from unknown_keys(trigger, keys_of(BaseDeploymentTrigger, *TRIGGERS.values()), place)
        yield from wrong
        return
    yield from lint_trigger(trigger, place, BaseDeploymentTrigger)
    yield from lint_parameters(flow, trigger.get("parameters") or {}, f"{place}: parameters")


def _automation(one: Mapping[str, Any], place: Place, project: str) -> Mistakes:
    """The mistakes in one automation."""
    yield from unknown_keys(one, keys_of(AutomationCore), place)
    if not str(one.get("name")).startswith(f"{project} tells: "):
        yield f"{place}: its name must begin with '{project} tells: ', which identifies it"
    wrong = [*validation_errors(partial(LISTED.validate_python, one.get("actions")), f"{place}: actions")]
    wrong = wrong or [*_actions(one["actions"], place)]
    wrong = wrong or [*validation_errors(partial(AutomationCore.model_validate, with_placeholder_blocks(one)), place)]
    yield from wrong
    if not wrong:
        yield from lint_trigger(one["trigger"], f"{place}: trigger")


def _actions(actions: Iterable[Mapping[str, Any]], place: Place) -> Mistakes:
    """Actions that Prefect does not have, and keys that an action does not have."""
    for number, action in enumerate(actions):
        kind, where = str(action.get("type")), f"{place}: actions[{number}]"
        if kind in ACTIONS:
            yield from unknown_keys(action, keys_of(ACTIONS[kind]) | {BLOCK}, where)
            yield from _templates(action, where)
        else:
            yield f"{where}: there is no action {kind!r}; {nearest(kind, ACTIONS)}"


def _templates(action: Mapping[str, Any], place: Place) -> Mistakes:
    """Templates of an action that Prefect could not render."""
    for key in ("subject", "body", "payload"):
        try:
            validate_user_template(str(action.get(key, "")))
        except (TemplateSyntaxError, TemplateSecurityError) as error:
            yield f"{place}: {key}: {error}"


def _limit(limit: Any, suspended: bool, place: Place) -> Mistakes:
    """The mistakes in a concurrency limit; runs of a flow are serialized, unless they can be ``suspended``."""
    if suspended:
        if limit is not None:
            yield f"{place}: a suspended run keeps its slot and would wait for it when resumed; remove the limit"
        return
    if not isinstance(limit, dict):
        yield f"{place}: {limit!r} does not define what a second run does; set limit and collision_strategy"
        return
    yield from unknown_keys(limit, keys_of(ConcurrencyLimitSpec), place)
    strategies, strategy = [one.value for one in ConcurrencyLimitStrategy], str(limit.get("collision_strategy"))
    if strategy not in strategies:
        yield f"{place}: there is no collision_strategy {strategy!r}; {nearest(strategy, strategies)}"


def can_suspend(flow: Flow[..., Any]) -> bool:
    """Whether runs of a flow may be suspended until a person answers."""
    return hasattr(import_module(flow.fn.__module__), "suspend_flow_run")


def _schedule(schedule: Mapping[str, Any], place: Place) -> Mistakes:
    """The mistakes in a schedule."""
    yield from unknown_keys(schedule, keys_of(RawScheduleConfig), place)
    yield from validation_errors(partial(RawScheduleConfig.model_validate, schedule), place)
    if "cron" in schedule:
        timed = {name: schedule[name] for name in ("cron", "timezone") if name in schedule}
        yield from validation_errors(partial(CronSchedule, **timed), place)
    if schedule.get("active") is not False:
        yield f"{place}: a schedule must begin paused; set active: false, and resume it when the project is ready"


def _undeployed_flows(deployments: Iterable[Mapping[str, Any]]) -> Mistakes:
    """Flows without a deployment."""
    deployed = {str(one.get("entrypoint")) for one in deployments}
    yield from (f"{flow} is not deployed; add it to deployments" for flow in sorted(set(all_flows()) - deployed))


def _duplicate_names(deployments: Iterable[Mapping[str, Any]]) -> Mistakes:
    """Deployments that would overwrite each other."""
    names = [f"{one.get('entrypoint')} as {one.get('name')!r}" for one in deployments]
    yield from (f"{name} is deployed twice" for name in sorted(set(names)) if names.count(name) > 1)


def with_placeholder_blocks(one: Mapping[str, Any]) -> dict[str, Any]:
    """An automation with a placeholder id in place of each block's name."""
    anything = "00000000-0000-0000-0000-000000000000"
    actions = [
        {**{key: value for key, value in action.items() if key != BLOCK}, "block_document_id": anything}
        if BLOCK in action else action
        for action in one["actions"]
    ]  # fmt: skip
    return {**one, "actions": actions}


def _without(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A mapping without one key, whose value is checked by itself: a union of classes gives poor messages."""
    return {name: item for name, item in value.items() if name != key}


@cache
def all_flows() -> dict[str, Flow[..., Any]]:
    """Every flow of the package, by its entry point."""
    modules = [import_module(f"{flows.__name__}.{one.name}") for one in iter_modules(flows.__path__)]
    return {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Flow) and value.fn.__module__ == module.__name__
    }
