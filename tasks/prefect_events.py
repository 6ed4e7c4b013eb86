"""Emit Tiltyard's events to a Prefect server, for automations that start a flow."""

from datetime import datetime
from typing import Any


def emit_prefect_event(event: str, payload: dict[str, Any], now: datetime) -> None:
    """Emit a Prefect event about ``payload["project"]``; the payload consists of JSON values.

    Prefect's client sends it in the background, so an event may be lost.
    """
    # Prefect's import takes seconds, and most labeling servers do not need it.
    from prefect.events import emit_event

    project = str(payload["project"])
    resource = {"prefect.resource.id": f"tiltyard.project.{project}", "prefect.resource.name": project}
    emit_event(event, resource, occurred=now, payload=payload)
