"""The watch put together: its queue, its dead letters, its projects and the Prefect server."""

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

from tiltyard.apps.watch.backoff import Patience
from tiltyard.apps.watch.deployment_runs import Runs
from tiltyard.apps.watch.health import told_at
from tiltyard.apps.watch.messages import Settling
from tiltyard.apps.watch.projects import watched_projects
from tiltyard.apps.watch.state import Standing
from tiltyard.apps.watch.training_events import LabelTeller
from tiltyard.apps.watch.watcher import Watch
from tiltyard.schemas.errors import SettingsError
from tiltyard.schemas.watch_settings import WatchSettings
from tiltyard.stores.integrations.dead_letters import DeadLetters
from tiltyard.stores.integrations.sqs import MessageQueue

STALE_SECONDS: Final = 300.0
"""Longer than a round takes while everything it asks is slow; a watch that did not go round since is stuck."""

PREFECT_SECONDS: Final = 15.0


@contextmanager
def opened_watch(settings: WatchSettings) -> Iterator[tuple[Watch, Standing]]:
    """A watch that is ready to run, and how it stands, which is told at its health address until the block ends.

    Raises SettingsError when something is missing that only a person can give.
    """
    if settings.queue is None:
        raise SettingsError("no queue is named; give --queue URL, or set TILTYARD_WATCH_QUEUE")
    if not PREFECT_API_URL.value():
        raise SettingsError("no Prefect server is named, so no run can be created; set PREFECT_API_URL")
    projects = watched_projects(settings.projects, settings.deployment)
    queue, standing = MessageQueue(settings.queue), Standing(STALE_SECONDS, _now())
    # The watch is patient itself: it waits where a signal can end it, and says why.
    hasty = {PREFECT_CLIENT_MAX_RETRIES: 1, PREFECT_API_REQUEST_TIMEOUT: PREFECT_SECONDS}
    with temporary_settings(hasty), get_client(sync_client=True) as client:
        runs = Runs(client, settings.unfinished, timedelta(minutes=settings.run_minutes))
        letters = DeadLetters(queue, projects[0].workspace.files("dead-letters"), settings.dead_letters)
        settling = Settling(queue, letters, projects, runs, standing, _now)
        with told_at(settings.health_host, settings.health_port, standing):
            teller = LabelTeller(projects, _now) if settings.labels_ready else None
            yield Watch(settling, settings.poll_seconds, Patience(), teller), standing


def _now() -> datetime:
    """This moment in UTC."""
    return datetime.now(UTC)
