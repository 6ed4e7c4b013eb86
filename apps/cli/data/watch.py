"""``tiltyard watch``: a bucket's event messages start runs that ingest its objects."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console import AsJson, say, show_json

if TYPE_CHECKING:
    from tiltyard.schemas.watch_settings import WatchSettings

Projects = Annotated[
    list[Path] | None,
    typer.Option("--project", "-p", help="Folder or file of a project; repeat it for several."),
]
Queue = Annotated[str | None, typer.Option("--queue", metavar="URL", help="SQS queue that S3 sends its events to.")]
DeadLetters = Annotated[
    str | None,
    typer.Option("--dead-letters", metavar="URL", help="SQS queue for unusable messages."),
]
HealthPort = Annotated[
    int | None, typer.Option("--health-port", min=0, max=65535, help="Port of /health, /live and /metrics; 0: none.")
]
Once = Annotated[bool, typer.Option("--once", help="Process the messages in the queue, then exit.")]


def watch(
    projects: Projects = None,
    queue: Queue = None,
    dead_letters: DeadLetters = None,
    health_port: HealthPort = None,
    once: Once = False,
    as_json: AsJson = False,
) -> None:
    """Start a run of 'ingest-batch' for each new object in a bucket, until Ctrl-C.

    Each object gets one run even if its event arrives repeatedly, and a message is deleted only when the run exists.
    Unusable messages are kept as dead letters with the reason. All other settings are environment variables
    (TILTYARD_WATCH_...).
    """
    from tiltyard.apps.watch.service import open_watch

    settings = _settings(projects, queue, dead_letters, 0 if once else health_port)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for chatty in ("httpx", "botocore", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    with _stop_event() as stop, open_watch(settings) as (watching, state):
        if once:
            watching.drain(stop)
        else:
            logging.getLogger("tiltyard.watch").info("watching %s until Ctrl-C", settings.queue)
            watching.run(stop)
    counts = dict(state.counts)
    if as_json:
        show_json({"counts": counts})
    else:
        parts = [f"{count} {what.replace('_', ' ')}" for what, count in counts.items() if count]
        say(", ".join(parts) or "No messages.")


def _settings(
    projects: list[Path] | None, queue: str | None, dead_letters: str | None, health_port: int | None
) -> "WatchSettings":
    """The environment's settings, overridden by the command line."""
    from tiltyard.schemas.settings import Settings
    from tiltyard.schemas.watch_settings import WatchSettings

    settings = WatchSettings()
    given: dict[str, Any] = {"queue": queue, "dead_letters": dead_letters, "health_port": health_port}
    given["projects"] = projects or None
    if projects is None and "projects" not in settings.model_fields_set:
        given["projects"] = [Settings().project]
    return settings.model_copy(update={name: value for name, value in given.items() if value is not None})


@contextmanager
def _stop_event() -> Iterator[Event]:
    """An event that the first SIGTERM or Ctrl-C sets; a second one ends the process as usual."""
    stop = Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, before[number])
        stop.set()

    before: dict[int, Any] = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
