"""What Prefect would take without a word, and what would fail only when an event comes: found before anything is sent.

Prefect ignores keys that it does not know: a misspelt ``posture`` makes a trigger that fires at the wrong time. Each
function yields sentences, each with its place in the file.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
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
from prefect.events.schemas.automations import (
    AutomationCore,
    CompoundTrigger,
    EventTrigger,
    MetricTrigger,
    SequenceTrigger,
)
from prefect.events.schemas.deployment_triggers import BaseDeploymentTrigger
from prefect.server.utilities.user_templates import TemplateSecurityError, validate_user_template
from prefect.utilities.schema_tools.hydration import HydrationContext, HydrationError, hydrate
from prefect.utilities.schema_tools.validation import validate
from pydantic import BaseModel, TypeAdapter, ValidationError

import flows
from schemas import events
from schemas.errors import SettingsError, nearest

Place = str
Found = Iterator[str]

OURS: Final = {value for name, value in vars(events).items() if name.isupper()}
"""The events that Tiltyard emits."""

TRIGGERS: Final[Mapping[str, type[BaseModel]]] = {
    "event": EventTrigger, "metric": MetricTrigger, "compound": CompoundTrigger, "sequence": SequenceTrigger,
}  # fmt: skip
ACTIONS: Final = {one.model_fields["type"].default: one for one in get_args(ActionTypes)}
BLOCK: Final = "block"
"""Our own key of an action: the name of a block, where Prefect wants an id."""

KINDS: Final = (None, "none", "json", "jinja", "workspace_variable")
"""What a value of a parameter may say that it is."""

DURATION: Final = TypeAdapter(timedelta)
LISTED: Final = TypeAdapter(list[dict[str, Any]])
SHORTEST: Final = 10
"""Seconds that a proactive trigger must wait at least; Prefect takes 10 where none are given."""

SAMPLE: Final = {"project": "sample", "bucket": "in", "key": "a.csv", "version": "", "etag": "0", "size": 1}
"""The payload that templates are tried with."""


def mistakes_in_deployments(file: Mapping[str, Any]) -> list[str]:
    """What is wrong with a ``prefect.yaml`` whose variables are filled in, a sentence each."""
    found = [
        *_unknown(file, _names(PrefectYamlModel) | {"definitions"}, "prefect.yaml"),
        *_refused(partial(PrefectYamlModel.model_validate, _without(file, "deployments")), "prefect.yaml"),
        *_refused(partial(LISTED.validate_python, file.get("deployments")), "prefect.yaml: deployments"),
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
        *_unknown(file, {"automations", "definitions"}, "automations.yaml"),
        *_refused(partial(LISTED.validate_python, file.get("automations")), "automations.yaml: automations"),
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
    yield from _unknown(one, _names(DeploymentConfig), place)
    refused = [
        *_refused(partial(DeploymentConfig.model_validate, _without(one, "schedules")), place),
        *_refused(partial(LISTED.validate_python, one.get("schedules") or []), f"{place}: schedules"),
    ]
    yield from refused or _parts_of_deployment(one, place)


def _parts_of_deployment(one: Mapping[str, Any], place: Place) -> Found:
    """What is wrong with the parts of a deployment that has the shape that Prefect wants."""
    yield from _unknown(one.get("work_pool") or {}, _names(WorkPoolConfig), f"{place}: work_pool")
    for number, schedule in enumerate(one.get("schedules") or []):
        yield from _schedule(schedule, f"{place}: schedules[{number}]")
    entry = str(one.get("entrypoint"))
    flow = every_flow().get(entry)
    if flow is None:
        yield f"{place}: there is no such flow; an entry point is MODULE.FUNCTION; {nearest(entry, every_flow())}"
        return
    yield from _limit(one.get("concurrency_limit"), suspends(flow), f"{place}: concurrency_limit")
    yield from _parameters(flow, one.get("parameters") or {}, f"{place}: parameters")
    for number, trigger in enumerate(one.get("triggers") or []):
        yield from _wake_up(flow, trigger, f"{place}: triggers[{number}]")


def _wake_up(flow: Flow[..., Any], trigger: Mapping[str, Any], place: Place) -> Found:
    """What is wrong with a trigger of a deployment."""
    yield from _unknown(trigger, _names(BaseDeploymentTrigger, *TRIGGERS.values()), place)
    refused = [*_refused(partial(DeploymentTriggerAdapter.validate_python, trigger), place)]
    yield from refused
    if not refused:
        yield from _trigger(trigger, place, BaseDeploymentTrigger)
        yield from _parameters(flow, trigger.get("parameters") or {}, f"{place}: parameters")


def _automation(one: Mapping[str, Any], place: Place, project: str) -> Found:
    """What is wrong with one automation."""
    yield from _unknown(one, _names(AutomationCore), place)
    if not str(one.get("name")).startswith(f"{project} tells: "):
        yield f"{place}: its name does not begin with '{project} tells: ', by which it is known"
    refused = [*_refused(partial(LISTED.validate_python, one.get("actions")), f"{place}: actions")]
    refused = refused or [*_actions(one["actions"], place)]
    refused = refused or [*_refused(partial(AutomationCore.model_validate, with_any_block(one)), place)]
    yield from refused
    if not refused:
        yield from _trigger(one["trigger"], f"{place}: trigger")


def _actions(actions: Iterable[Mapping[str, Any]], place: Place) -> Found:
    """Actions that Prefect does not have, and keys that they do not."""
    for number, action in enumerate(actions):
        kind, where = str(action.get("type")), f"{place}: actions[{number}]"
        if kind in ACTIONS:
            yield from _unknown(action, _names(ACTIONS[kind]) | {BLOCK}, where)
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


def _trigger(one: Mapping[str, Any], place: Place, *more: type[BaseModel]) -> Found:
    """What is wrong with a trigger or with one inside it; ``more`` says which other keys may stand beside its own."""
    kind = str(one.get("type", "event"))
    if kind not in TRIGGERS:
        yield f"{place}: there is no trigger {kind!r}; {nearest(kind, TRIGGERS)}"
        return
    yield from _unknown(one, _names(TRIGGERS[kind], *more), place)
    for number, inner in enumerate(one.get("triggers") or []):
        yield from _trigger(inner, f"{place}: triggers[{number}]")
    if kind == "event":
        yield from _timing(one, place)
        yield from _events(one, place)


def _timing(one: Mapping[str, Any], place: Place) -> Found:
    """What Prefect takes of a trigger's times and numbers, and what would fire at the wrong time, or for ever."""
    within, after, threshold = _seconds(one.get("within")), _seconds(one.get("schedule_after")), one.get("threshold")
    is_proactive = one.get("posture") == "Proactive"
    if is_proactive and not one.get("for_each"):
        yield f"{place}: proactive without for_each fires again and again, even if nothing began; name a label there"
    if is_proactive and within < SHORTEST:
        yield f"{place}: proactive within {within:g} seconds; say how long to wait, {SHORTEST} seconds at least"
    if isinstance(threshold, int) and threshold > 1 and not within:
        yield f"{place}: threshold {threshold} without within: that many events never come at one moment"
    if after and after < within:
        yield f"{place}: schedule_after is shorter than within: the run would miss what the last events told"


def _seconds(value: Any) -> float:
    """A length of time as Prefect reads it; none for what it refuses, which is told elsewhere."""
    try:
        return DURATION.validate_python(value or 0).total_seconds()
    except ValidationError:
        return 0


def _events(one: Mapping[str, Any], place: Place) -> Found:
    """Events that never come, or that are another project's."""
    names = [*one.get("expect", []), *one.get("after", [])]
    if not one.get("expect"):
        yield f"{place}: expects no event, so that every event fires it; name what it expects"
    ours = [name for name in names if name.startswith("tiltyard.")]
    yield from (f"{place}: Tiltyard emits no {name!r}; {nearest(name, OURS)}" for name in ours if name not in OURS)
    if ours and "prefect.resource.id" not in one.get("match", {}):
        yield f"{place}: matches no prefect.resource.id, so that another project's events fire it"


def _parameters(flow: Flow[..., Any], given: Mapping[str, Any], place: Place) -> Found:
    """What is wrong with parameters of a flow, their templates tried on a sample of an event."""
    known = flow.parameters.properties
    yield from _unknown(given, set(known), place)
    strange = [*_kinds(given, place)]
    yield from strange
    if strange:
        return
    wrapped = {name: _template(value) for name, value in given.items() if name in known}
    context = HydrationContext(raise_on_error=True, render_jinja=True, jinja_context={"event": {"payload": SAMPLE}})
    try:
        made = hydrate(wrapped, context)
    except HydrationError as error:
        yield f"{place}: {' '.join(str(error).split())}"
        return
    # As the server looks at them before it makes a run.
    for wrong in validate(made, flow.parameters.model_dump_for_openapi(), allow_none_with_default=True):
        yield f"{place}: {wrong.json_path.removeprefix('$.')}: {wrong.message}"


def _kinds(value: Any, place: Place) -> Found:
    """Values of a kind that Prefect does not have, which it would leave out."""
    if isinstance(value, dict):
        kind = value.get("__prefect_kind")
        if kind not in KINDS:
            yield f"{place}: there is no __prefect_kind {kind!r}; {nearest(str(kind), map(str, KINDS[1:]))}"
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from _kinds(item, place)


def _template(value: Any) -> Any:
    """A bare template as Prefect reads it: text."""
    is_bare = isinstance(value, str) and "{{" in value
    return {"__prefect_kind": "jinja", "template": value} if is_bare else value


def _limit(limit: Any, suspended: bool, place: Place) -> Found:
    """What is wrong with a concurrency limit; runs of a flow take turns, unless they are ``suspended`` in between."""
    if suspended:
        if limit is not None:
            yield f"{place}: a suspended run keeps its turn, and would wait for it when resumed; take the limit out"
        return
    if not isinstance(limit, dict):
        yield f"{place}: {limit!r} says not what becomes of a second run; give limit and collision_strategy"
        return
    yield from _unknown(limit, _names(ConcurrencyLimitSpec), place)
    strategies, strategy = [one.value for one in ConcurrencyLimitStrategy], str(limit.get("collision_strategy"))
    if strategy not in strategies:
        yield f"{place}: there is no collision_strategy {strategy!r}; {nearest(strategy, strategies)}"


def suspends(flow: Flow[..., Any]) -> bool:
    """Whether runs of a flow may be suspended until somebody answers."""
    return hasattr(import_module(flow.fn.__module__), "suspend_flow_run")


def _schedule(schedule: Mapping[str, Any], place: Place) -> Found:
    """What is wrong with a schedule."""
    yield from _unknown(schedule, _names(RawScheduleConfig), place)
    yield from _refused(partial(RawScheduleConfig.model_validate, schedule), place)
    if "cron" in schedule:
        timed = {name: schedule[name] for name in ("cron", "timezone") if name in schedule}
        yield from _refused(partial(CronSchedule, **timed), place)
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


def _unknown(value: Mapping[str, Any], known: set[str], place: Place) -> Found:
    """Keys that Prefect does not know and would ignore."""
    yield from (f"{place}: unknown key {key!r}; {nearest(str(key), known)}" for key in value if key not in known)


def _refused(make: Callable[[], object], place: Place) -> Found:
    """What Prefect's own classes refuse."""
    try:
        make()
    except ValidationError as error:
        for one in error.errors():
            yield f"{place}: {'.'.join(map(str, one['loc']))}: {one['msg']}"
    except ValueError as error:
        yield f"{place}: {error}"


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


def _names(*models: type[BaseModel]) -> set[str]:
    """The keys of some of Prefect's classes, as a file spells them."""
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


@cache
def every_flow() -> dict[str, Flow[..., Any]]:
    """Every flow of the package, by its entry point."""
    modules = [import_module(f"flows.{one.name}") for one in iter_modules(flows.__path__)]
    return {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Flow) and value.fn.__module__ == module.__name__
    }
