"""MLflow, opened late and quietly: its import takes seconds, and it likes to talk."""

import logging
import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

from schemas.errors import RegistryError

SQLITE: Final = "sqlite:///"

QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def open_client(uri: str) -> Any:
    """A client of the MLflow at an address (``sqlite:///path`` or ``http://host``); a new database is set up first.

    Sets MLflow's environment variables for quiet where the user has not set them, nothing else that is global.
    Raises RegistryError where the address does not answer.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        # MLflow's modules warn about themselves while they are imported; the user can do nothing about it.
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        logging.getLogger("alembic").setLevel(logging.WARNING)
        try:
            client = MlflowClient(tracking_uri=uri, registry_uri=uri)
            client.search_experiments(max_results=1)
            _let_readers_in(uri)
        except Exception as error:  # a database, a network or MLflow itself may refuse
            raise RegistryError(f"MLflow at {uri!r} cannot be opened: {error}") from error
    return client


def _let_readers_in(uri: str) -> None:
    """Give a SQLite database a write-ahead log: pages can be read while a run is written, and each write syncs once."""
    if uri.startswith(SQLITE):
        with closing(sqlite3.connect(uri.removeprefix(SQLITE))) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn MLflow's own exceptions into a RegistryError that says what was asked."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise RegistryError(f"MLflow could not {what}: {error}") from error
