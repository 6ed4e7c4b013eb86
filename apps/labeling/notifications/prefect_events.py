"""Notices as events of a Prefect server, for automations that wake a flow."""

from datetime import datetime
from typing import Any

from tiltyard.stores.ledger.outbox import Notice


class PrefectEvents:
    """The Prefect server that ``PREFECT_API_URL`` names."""

    name = "prefect"

    def send(self, notice: Notice, now: datetime) -> None:
        """Emit the event; Prefect's client sends it by itself, so that delivered means handed over."""
        emit(notice.event, dict(notice.body["data"]), now)


def emit(event: str, facts: dict[str, Any], now: datetime) -> None:
    """Emit an event about the project that the facts name; they are JSON values, for programs."""
    # Prefect's import takes seconds, and most servers have no use for it.
    from prefect.events import emit_event

    project = str(facts["project"])
    resource = {"prefect.resource.id": f"tiltyard.project.{project}", "prefect.resource.name": project}
    emit_event(event, resource, occurred=now, payload=facts)
