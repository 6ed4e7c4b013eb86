"""What Prefect would take without a word, and what would fail only when an event comes: found before anything is sent.

Prefect ignores keys that it does not know: a misspelt ``posture`` makes a trigger that fires at the wrong time. Each
function yields sentences, each with its place in the file.
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
from tiltyard.apps.cli.deployment.lint_keys import Found, Place, names_of, refused, unknown_keys
from tiltyard.apps.cli.deployment.lint_parameters import mistakes_in_parameters
from tiltyard.apps.cli.deployment.lint_triggers import TRIGGERS, mistakes_in_trigger
from tiltyard.schemas.errors import SettingsError, nearest

ACTIONS: Final = {one.model_fields["type"].default: one for one in get_args(ActionTypes)}
BLOCK: Final = "block"
"""Our own key of an action: the name of a block, where Prefect wants an id."""

LISTED: Final = TypeAdapter(list[dict[str, Any]])


def mistakes_in_deployments(file: Mapping[str, Any]) -> list[str]:
    """What is wrong with a ``prefect.yaml`` whose variables are filled in, a sentence each."""
    found = [
        *unknown_keys(file, names_of(PrefectYamlModel) | {"definitions"}, "prefect.yaml"),
        *refused(partial(PrefectYamlModel.model_validate, _without(file, "deployments")), "prefect.yaml"),
        *refused(partial(LISTED.validate_python, file.get("deployments")), "prefect.yaml: deployments"),
    ]
    if found:
        return found
    deployments: list[dict[str, Any]] = file["deployments"]
    for number, one in enumerate(deployments):
        found += _deployment(one, f"deployments[{number}] {one.get('entrypoint', '')}")
    return [*found, *_every_flow(deployments), *_same_names(deployments)]


def mistakes_in_automations(file: Mapping[str, Any], project: str) -> list[str]:
    """What is wrong with an ``automations.yaml`` whose variables are filled in, a sentence each."""
    found = [
        *unknown_keys(file, {"automations", "definitions"}, "automations.yaml"),
        *refused(partial(LISTED.validate_python, file.get("automations")), "automations.yaml: automations"),
    ]
    if found:
        return found
    automations: list[dict[str, Any]] = file["automations"]
    for number, one in enumerate(automations):
        found += _automation(one, f"automations[{number}] {one.get('name', '')}", project)
    names = [str(one.get("name")) for one in automations]
    return found + [f"two automations are called {name!r}" for name in sorted(set(names)) if names.count(name) > 1]


def refuse(mistakes: list[str], file: Path) -> None:
    """Raise SettingsError that says what is wrong with a file, if anything is."""
    if mistakes:
        raise SettingsError(f"{str(file)!r} is not right, nothing was sent to Prefect: {'; '.join(mistakes)}")


def _deployment(one: Mapping[str, Any], place: Place) -> Found:
    """What is wrong with one deployment."""
    yield from unknown_keys(one, names_of(DeploymentConfig), place)
    wrong = [
        *refused(partial(DeploymentConfig.model_validate, _without(one, "schedules")), place),
        *refused(partial(LISTED.validate_python, one.get("schedules") or []), f"{place}: schedules"),
    ]
    yield from wrong or _parts_of_deployment(one, place)


def _parts_of_deployment(one: Mapping[str, Any], place: Place) -> Found:
    """What is wrong with the parts of a deployment that has the shape that Prefect wants."""
    yield from unknown_keys(one.get("work_pool") or {}, names_of(WorkPoolConfig), f"{place}: work_pool")
    for number, schedule in enumerate(one.get("schedules") or []):
        yield from _schedule(schedule, f"{place}: schedules[{number}]")
    entry = str(one.get("entrypoint"))
    flow = every_flow().get(entry)
    if flow is None:
        yield f"{place}: there is no such flow; an entry point is MODULE.FUNCTION; {nearest(entry, every_flow())}"
        return
    yield from _limit(one.get("concurrency_limit"), suspends(flow), f"{place}: concurrency_limit")
    yield from mistakes_in_parameters(flow, one.get("parameters") or {}, f"{place}: parameters")
    for number, trigger in enumerate(one.get("triggers") or []):
        yield from _wake_up(flow, trigger, f"{place}: triggers[{number}]")


def _wake_up(flow: Flow[..., Any], trigger: Mapping[str, Any], place: Place) -> Found:
    """What is wrong with a trigger of a deployment."""
    wrong = [*refused(partial(DeploymentTriggerAdapter.validate_python, trigger), place)]
    if wrong:
        yield from unknown_keys(trigger, names_of(BaseDeploymentTrigger, *TRIGGERS.values()), place)
        yield from wrong
        return
    yield from mistakes_in_trigger(trigger, place, BaseDeploymentTrigger)
    yield from mistakes_in_parameters(flow, trigger.get("parameters") or {}, f"{place}: parameters")


def _automation(one: Mapping[str, Any], place: Place, project: str) -> Found:
    """What is wrong with one automation."""
    yield from unknown_keys(one, names_of(AutomationCore), place)
    if not str(one.get("name")).startswith(f"{project} tells: "):
        yield f"{place}: its name does not begin with '{project} tells: ', by which it is known"
    wrong = [*refused(partial(LISTED.validate_python, one.get("actions")), f"{place}: actions")]
    wrong = wrong or [*_actions(one["actions"], place)]
    wrong = wrong or [*refused(partial(AutomationCore.model_validate, with_any_block(one)), place)]
    yield from wrong
    if not wrong:
        yield from mistakes_in_trigger(one["trigger"], f"{place}: trigger")


def _actions(actions: Iterable[Mapping[str, Any]], place: Place) -> Found:
    """Actions that Prefect does not have, and keys that they do not."""
    for number, action in enumerate(actions):
        kind, where = str(action.get("type")), f"{place}: actions[{number}]"
        if kind in ACTIONS:
            yield from unknown_keys(action, names_of(ACTIONS[kind]) | {BLOCK}, where)
            yield from _texts(action, where)
        else:
            yield f"{where}: there is no action {kind!r}; {nearest(kind, ACTIONS)}"


def _texts(action: Mapping[str, Any], place: Place) -> Found:
    """Texts of an action that Prefect could not fill in."""
    for key in ("subject", "body", "payload"):
        try:
            validate_user_template(str(action.get(key, "")))
        except (TemplateSyntaxError, TemplateSecurityError) as error:
            yield f"{place}: {key}: {error}"


def _limit(limit: Any, suspended: bool, place: Place) -> Found:
    """What is wrong with a concurrency limit; runs of a flow take turns, unless they are ``suspended`` in between."""
    if suspended:
        if limit is not None:
            yield f"{place}: a suspended run keeps its turn, and would wait for it when resumed; take the limit out"
        return
    if not isinstance(limit, dict):
        yield f"{place}: {limit!r} says not what becomes of a second run; give limit and collision_strategy"
        return
    yield from unknown_keys(limit, names_of(ConcurrencyLimitSpec), place)
    strategies, strategy = [one.value for one in ConcurrencyLimitStrategy], str(limit.get("collision_strategy"))
    if strategy not in strategies:
        yield f"{place}: there is no collision_strategy {strategy!r}; {nearest(strategy, strategies)}"


def suspends(flow: Flow[..., Any]) -> bool:
    """Whether runs of a flow may be suspended until somebody answers."""
    return hasattr(import_module(flow.fn.__module__), "suspend_flow_run")


def _schedule(schedule: Mapping[str, Any], place: Place) -> Found:
    """What is wrong with a schedule."""
    yield from unknown_keys(schedule, names_of(RawScheduleConfig), place)
    yield from refused(partial(RawScheduleConfig.model_validate, schedule), place)
    if "cron" in schedule:
        timed = {name: schedule[name] for name in ("cron", "timezone") if name in schedule}
        yield from refused(partial(CronSchedule, **timed), place)
    if schedule.get("active") is not False:
        yield f"{place}: a schedule begins paused; say active: false, and resume it when the project is ready"


def _every_flow(deployments: Iterable[Mapping[str, Any]]) -> Found:
    """Flows that nobody deploys."""
    deployed = {str(one.get("entrypoint")) for one in deployments}
    yield from (f"{flow} is not deployed; add it to deployments" for flow in sorted(set(every_flow()) - deployed))


def _same_names(deployments: Iterable[Mapping[str, Any]]) -> Found:
    """Deployments that would overwrite each other."""
    names = [f"{one.get('entrypoint')} as {one.get('name')!r}" for one in deployments]
    yield from (f"{name} is deployed twice" for name in sorted(set(names)) if names.count(name) > 1)


def with_any_block(one: Mapping[str, Any]) -> dict[str, Any]:
    """An automation whose blocks are named, with some id in their place."""
    anything = "00000000-0000-0000-0000-000000000000"
    actions = [
        {**{key: value for key, value in action.items() if key != BLOCK}, "block_document_id": anything}
        if BLOCK in action else action
        for action in one["actions"]
    ]  # fmt: skip
    return {**one, "actions": actions}


def _without(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A mapping less what is looked at by itself, for better sentences than a union of classes has."""
    return {name: item for name, item in value.items() if name != key}


@cache
def every_flow() -> dict[str, Flow[..., Any]]:
    """Every flow of the package, by its entry point."""
    modules = [import_module(f"{flows.__name__}.{one.name}") for one in iter_modules(flows.__path__)]
    return {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Flow) and value.fn.__module__ == module.__name__
    }
