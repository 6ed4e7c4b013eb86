"""Prefect embedded in this process: without a server, a flow starts one that ends with the process."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tiltyard.project.errors import DEBUG
from tiltyard.project.steps.embedded_server import bind_embedded_server


@contextmanager
def embedded() -> Iterator[None]:
    """A context in which flows run in this process without messages of Prefect's own.

    A server that PREFECT_API_URL names is used where there is one. Its heartbeat thread is off: it costs a flow of
    this length a second. The embedded server ends with this process, also when that is killed, and then writes a
    traceback for each event that it had not stored; faults that matter reach the flow.
    """
    from prefect.settings import (
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_LOGGING_LEVEL,
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
        PREFECT_SERVER_LOGGING_LEVEL,
        temporary_settings,
    )

    bind_embedded_server()
    logging.getLogger("prefect").setLevel(logging.WARNING)
    quiet = {
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        PREFECT_LOGGING_LEVEL: "WARNING",
        PREFECT_SERVER_LOGGING_LEVEL: "ERROR" if os.environ.get(DEBUG) else "CRITICAL",
    }
    # The first start makes Prefect's database, which takes longer than its own 20 seconds on a busy machine.
    with temporary_settings({**quiet, PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: 180}):
        yield
