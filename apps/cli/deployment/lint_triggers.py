"""What is wrong with a trigger that Prefect takes: it fires for ever, never, too early, or for another project."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from prefect.events.schemas.automations import CompoundTrigger, EventTrigger, MetricTrigger, SequenceTrigger
from pydantic import BaseModel, TypeAdapter, ValidationError

from tiltyard.apps.cli.deployment.lint_keys import Found, Place, names_of, unknown_keys
from tiltyard.schemas import events
from tiltyard.schemas.errors import nearest

OURS: Final = {value for name, value in vars(events).items() if name.isupper()}
"""The events that Tiltyard emits."""

TRIGGERS: Final[Mapping[str, type[BaseModel]]] = {
    "event": EventTrigger, "metric": MetricTrigger, "compound": CompoundTrigger, "sequence": SequenceTrigger,
}  # fmt: skip

DURATION: Final = TypeAdapter(timedelta)
SHORTEST: Final = 10
"""Seconds that a proactive trigger must wait at least; Prefect takes 10 where none are given."""


def mistakes_in_trigger(one: Mapping[str, Any], place: Place, *more: type[BaseModel]) -> Found:
    """What is wrong with a trigger or with one inside it; ``more`` says which other keys may stand beside its own."""
    kind = str(one.get("type", "event"))
    if kind not in TRIGGERS:
        yield f"{place}: there is no trigger {kind!r}; {nearest(kind, TRIGGERS)}"
        return
    yield from unknown_keys(one, names_of(TRIGGERS[kind], *more), place)
    for number, inner in enumerate(one.get("triggers") or []):
        yield from mistakes_in_trigger(inner, f"{place}: triggers[{number}]")
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


def _events(one: Mapping[str, Any], place: Place) -> Found:
    """Events that never come, or that are another project's."""
    names = [*one.get("expect", []), *one.get("after", [])]
    if not one.get("expect"):
        yield f"{place}: expects no event, so that every event fires it; name what it expects"
    ours = [name for name in names if name.startswith("tiltyard.")]
    yield from (f"{place}: Tiltyard emits no {name!r}; {nearest(name, OURS)}" for name in ours if name not in OURS)
    if ours and "prefect.resource.id" not in one.get("match", {}):
        yield f"{place}: matches no prefect.resource.id, so that another project's events fire it"


def _seconds(value: Any) -> float:
    """A length of time as Prefect reads it; none for what it refuses, which is told elsewhere."""
    try:
        return DURATION.validate_python(value or 0).total_seconds()
    except ValidationError:
        return 0
