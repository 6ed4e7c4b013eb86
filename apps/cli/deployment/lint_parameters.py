"""Parameters of a flow, templates among them: looked at now as the server will when the event comes."""

from collections.abc import Mapping
from typing import Any, Final

from prefect import Flow
from prefect.utilities.schema_tools.hydration import HydrationContext, HydrationError, hydrate
from prefect.utilities.schema_tools.validation import validate

from tiltyard.apps.cli.deployment.lint_keys import Found, Place, unknown_keys
from tiltyard.schemas.errors import nearest

SAMPLE: Final = {"project": "sample", "bucket": "in", "key": "a.csv", "version": "", "etag": "0", "size": 1}
"""The payload that templates are tried with."""

KINDS: Final = (None, "none", "json", "jinja", "workspace_variable")
"""What a value of a parameter may say that it is."""


def mistakes_in_parameters(flow: Flow[..., Any], given: Mapping[str, Any], place: Place) -> Found:
    """What is wrong with parameters of a flow, their templates tried on a sample of an event."""
    known = flow.parameters.properties
    yield from unknown_keys(given, set(known), place)
    strange = [*_kinds(given, place)]
    yield from strange
    if strange:
        return
    wrapped = {name: _template(value) for name, value in given.items() if name in known}
    context = HydrationContext(raise_on_error=True, render_jinja=True, jinja_context={"event": {"payload": SAMPLE}})
    try:
        made = hydrate(wrapped, context)
    except (HydrationError, TypeError) as error:  # a TypeError where a template is no text
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
