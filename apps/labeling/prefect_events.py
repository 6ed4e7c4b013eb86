"""Notices as events of a Prefect server, for automations that wake a flow."""

from datetime import datetime

from tiltyard.stores.ledger.outbox import Notice


class PrefectEvents:
    """The Prefect server that ``PREFECT_API_URL`` names."""

    name = "prefect"

    def send(self, notice: Notice, now: datetime) -> None:
        """Emit the event; Prefect's client sends it by itself, so that delivered means handed over."""
        # Prefect's import takes seconds, and most servers have no use for it.
        from prefect.events import emit_event

        project = str(notice.body["data"]["project"])
        resource = {"prefect.resource.id": f"tiltyard.project.{project}", "prefect.resource.name": project}
        emit_event(notice.event, resource, occurred=now, payload=dict(notice.body["data"]))
