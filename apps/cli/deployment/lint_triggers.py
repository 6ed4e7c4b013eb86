"""Check triggers that Prefect accepts: some fire without end, never, too early, or for another project."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from prefect.events.schemas.automations import CompoundTrigger, EventTrigger, MetricTrigger, SequenceTrigger
from pydantic import BaseModel, TypeAdapter, ValidationError

from tiltyard.apps.cli.deployment.lint_keys import Mistakes, Place, keys_of, unknown_keys
from tiltyard.schemas import events
from tiltyard.schemas.errors import nearest

OURS: Final = {value for name, value in vars(events).items() if name.isupper()}
"""The events that Tiltyard emits."""

TRIGGERS: Final[Mapping[str, type[BaseModel]]] = {
    "event": EventTrigger, "metric": MetricTrigger, "compound": CompoundTrigger, "sequence": SequenceTrigger,
}  # fmt: skip

DURATION: Final = TypeAdapter(timedelta)
SHORTEST: Final = 10
"""The fewest seconds that a proactive trigger must wait; Prefect assumes 10 where none are set."""


def lint_trigger(one: Mapping[str, Any], place: Place, *more: type[BaseModel]) -> Mistakes:
    """The mistakes in a trigger and in those inside it; ``more`` are classes whose keys it may have as well."""
    kind = str(one.get("type", "event"))
    if kind not in TRIGGERS:
        yield f"{place}: there is no trigger {kind!r}; {nearest(kind, TRIGGERS)}"
        return
    yield from unknown_keys(one, keys_of(TRIGGERS[kind], *more), place)
    for number, inner in enumerate(one.get("triggers") or []):
        yield from lint_trigger(inner, f"{place}: triggers[{number}]")
    if kind == "event":
        yield from _timing(one, place)
        yield from _events(one, place)


def _timing(one: Mapping[str, Any], place: Place) -> Mistakes:
    """Times and counts that Prefect accepts, and with which a trigger fires at the wrong time or without end."""
    within, after, threshold = _seconds(one.get("within")), _seconds(one.get("schedule_after")), one.get("threshold")
    is_proactive = one.get("posture") == "Proactive"
    if is_proactive and not one.get("for_each"):
        yield f"{place}: proactive without for_each fires repeatedly, even if nothing began; name a label in for_each"
    if is_proactive and within < SHORTEST:
        yield f"{place}: proactive within {within:g} seconds; set within to at least {SHORTEST} seconds"
    if isinstance(threshold, int) and threshold > 1 and not within:
        yield f"{place}: threshold {threshold} without within: that many events never arrive at the same moment"
    if after and after < within:
        yield f"{place}: schedule_after is shorter than within: the run would miss the last events"


def _events(one: Mapping[str, Any], place: Place) -> Mistakes:
    """Events that Tiltyard never emits, or that belong to another project."""
    names = [*one.get("expect", []), *one.get("after", [])]
    if not one.get("expect"):
        yield f"{place}: expects no event, so every event fires it; name the events in expect"
    ours = [name for name in names if name.startswith("tiltyard.")]
    yield from (f"{place}: Tiltyard emits no {name!r}; {nearest(name, OURS)}" for name in ours if name not in OURS)
    if ours and "prefect.resource.id" not in one.get("match", {}):
        yield f"{place}: matches no prefect.resource.id, so another project's events fire it"


def _seconds(value: Any) -> float:
    """A duration in seconds as Prefect parses it; 0 for a value that it rejects, which is reported elsewhere."""
    try:
        return DURATION.validate_python(value or 0).total_seconds()
    except ValidationError:
        return 0
