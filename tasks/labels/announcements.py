"""Announce what happened to Prefect and to people, after it is in the ledger; a failed delivery stops nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final

import httpx
from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging import get_logger
from prefect.settings import PREFECT_API_URL

from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.redaction import redacted
from tiltyard.schemas.settings import Settings
from tiltyard.tasks.prefect_events import emit_prefect_event
from tiltyard.workspace.workspace import Workspace, open_workspace, utc_now

SECONDS: Final = 5.0
LOG: Final = get_logger("tiltyard")

Notice = tuple[str, dict[str, Any], datetime]
_WAITING: Final[ContextVar[list[Notice] | None]] = ContextVar("notices that wait", default=None)


@contextmanager
def deferred_notices() -> Iterator[None]:
    """Hold back the notices of the block, and post them at its end, also after an error.

    A receiver may be slow: a run that holds a lock of the ledger must not wait for it.
    """
    if _WAITING.get() is not None:
        yield
        return
    waiting: list[Notice] = []
    token = _WAITING.set(waiting)
    try:
        yield
    finally:
        _WAITING.reset(token)
        for notice in waiting:
            _post(*notice)


def announce(workspace: Workspace, event: str, text: str, **facts: Any) -> None:
    """Emit an event for Prefect's automations and post a notice, if a receiver is set; it never fails.

    ``text`` says what happened, for people, after the project's name; ``facts`` are JSON values for programs. An event
    may be lost or repeated: the flow that it starts counts from the ledger.
    """
    project, now = workspace.project.name, workspace.clock()
    payload = {"project": project, "text": redacted(f"{project}: {text}"), **facts}
    if PREFECT_API_URL.value() or FlowRunContext.get() or TaskRunContext.get():
        emit_prefect_event(event, payload, now)
    _post(event, payload, now)


def announce_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Post a notice that a run failed: a state hook of every flow. Automations get Prefect's own event."""
    project = _name_of(str(flow_run.parameters.get("project", ".")))
    text = redacted(f"{flow.name} of {project} ended {state.name}: {state.message or 'no reason was given'}")
    _post("tiltyard.run.failed", {"project": project, "text": text, "run": str(flow_run.id)}, utc_now())


def _post(event: str, payload: dict[str, Any], now: datetime) -> None:
    """Post a notice to TILTYARD_NOTICE_URL, if it is set; a failure is logged."""
    if (waiting := _WAITING.get()) is not None:
        waiting.append((event, payload, now))
        return
    address = Settings().notice_url
    if address is None:
        return
    body = {"event": event, "at": now.isoformat(), **payload}
    try:
        # The environment's proxies are for other things: this address was chosen by the operator.
        client = httpx.Client(timeout=SECONDS, trust_env=False)
        # Only the status of the response is read: the body might never end.
        with client, client.stream("POST", address.get_secret_value(), json=body) as answer:
            answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # The address itself may be a secret, and httpx writes it into its messages.
        LOG.warning("the notice %r was not delivered: %s", event, type(error).__name__)


def _name_of(project: str) -> str:
    """The project's name, or its path if it cannot be opened."""
    try:
        return open_workspace(project).project.name
    except (TiltyardError, OSError):
        return project
