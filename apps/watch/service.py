"""Open a watch: its queue, its dead letters, its projects and the Prefect server."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from prefect.client.orchestration import get_client
from prefect.settings import (
    PREFECT_API_REQUEST_TIMEOUT,
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    temporary_settings,
)

from tiltyard.apps.watch.backoff import Backoff
from tiltyard.apps.watch.deployment_runs import DeploymentRuns
from tiltyard.apps.watch.health import serve_health
from tiltyard.apps.watch.messages import MessageHandler
from tiltyard.apps.watch.projects import open_projects
from tiltyard.apps.watch.state import WatchState
from tiltyard.apps.watch.training_events import LabelsReadyNotifier
from tiltyard.apps.watch.watcher import Watch
from tiltyard.schemas.errors import SettingsError
from tiltyard.schemas.watch_settings import WatchSettings
from tiltyard.stores.integrations.dead_letters import DeadLetters
from tiltyard.stores.integrations.sqs import MessageQueue

STALE_SECONDS: Final = 300.0
"""Longer than the slowest round; a watch without a round for this long is stuck."""

PREFECT_SECONDS: Final = 15.0


@contextmanager
def open_watch(settings: WatchSettings) -> Iterator[tuple[Watch, WatchState]]:
    """A watch that is ready to run, and its state, which the health server reports until the block ends.

    Raises SettingsError when a required setting is missing.
    """
    if settings.queue is None:
        raise SettingsError("no queue is set; give --queue URL, or set TILTYARD_WATCH_QUEUE")
    if not PREFECT_API_URL.value():
        raise SettingsError("no Prefect server is set, so no run can be created; set PREFECT_API_URL")
    projects = open_projects(settings.projects, settings.deployment)
    queue, state = MessageQueue(settings.queue), WatchState(STALE_SECONDS, _now())
    # The watch has its own backoff, which a signal can end, and which logs the reason.
    short_retries = {PREFECT_CLIENT_MAX_RETRIES: 1, PREFECT_API_REQUEST_TIMEOUT: PREFECT_SECONDS}
    with temporary_settings(short_retries), get_client(sync_client=True) as client:
        runs = DeploymentRuns(client, settings.unfinished, timedelta(minutes=settings.run_minutes))
        letters = DeadLetters(queue, projects[0].workspace.files("dead-letters"), settings.dead_letters)
        handler = MessageHandler(queue, letters, projects, runs, state, _now)
        with serve_health(settings.health_host, settings.health_port, state):
            notifier = LabelsReadyNotifier(projects, _now) if settings.labels_ready else None
            yield Watch(handler, settings.poll_seconds, Backoff(), notifier), state


def _now() -> datetime:
    """This moment in UTC."""
    return datetime.now(UTC)
