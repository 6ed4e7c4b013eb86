"""Check a flow's parameters and their templates now, as the server will check them when an event arrives."""

from collections.abc import Mapping
from typing import Any, Final

from prefect import Flow
from prefect.utilities.schema_tools.hydration import HydrationContext, HydrationError, hydrate
from prefect.utilities.schema_tools.validation import validate

from tiltyard.apps.cli.deployment.lint_keys import Mistakes, Place, unknown_keys
from tiltyard.schemas.errors import nearest

SAMPLE: Final = {"project": "sample", "bucket": "in", "key": "a.csv", "version": "", "etag": "0", "size": 1}
"""The payload that templates are rendered with."""

KINDS: Final = (None, "none", "json", "jinja", "workspace_variable")
"""The kinds that a parameter's value may declare."""


def lint_parameters(flow: Flow[..., Any], given: Mapping[str, Any], place: Place) -> Mistakes:
    """The mistakes in a flow's parameters; templates are rendered with a sample event."""
    known = flow.parameters.properties
    yield from unknown_keys(given, set(known), place)
    unknown = [*_unknown_kinds(given, place)]
    yield from unknown
    if unknown:
        return
    wrapped = {name: _template(value) for name, value in given.items() if name in known}
    context = HydrationContext(raise_on_error=True, render_jinja=True, jinja_context={"event": {"payload": SAMPLE}})
    try:
        made = hydrate(wrapped, context)
    except (HydrationError, TypeError) as error:  # a TypeError where a template is not text
        yield f"{place}: {' '.join(str(error).split())}"
        return
    # The server runs the same validation before it creates a run.
    for wrong in validate(made, flow.parameters.model_dump_for_openapi(), allow_none_with_default=True):
        yield f"{place}: {wrong.json_path.removeprefix('$.')}: {wrong.message}"


def _unknown_kinds(value: Any, place: Place) -> Mistakes:
    """Values of a kind that Prefect does not have, which it would drop."""
    if isinstance(value, dict):
        kind = value.get("__prefect_kind")
        if kind not in KINDS:
            yield f"{place}: there is no __prefect_kind {kind!r}; {nearest(str(kind), map(str, KINDS[1:]))}"
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from _unknown_kinds(item, place)


def _template(value: Any) -> Any:
    """A bare template, marked as one; any other value as it is."""
    is_bare = isinstance(value, str) and "{{" in value
    return {"__prefect_kind": "jinja", "template": value} if is_bare else value
