"""MLflow, opened late and quietly: its import takes seconds, and it likes to talk."""

import logging
import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from tiltyard.schemas.errors import RegistryError, SettingsError, Unavailable
from tiltyard.stores.ledger.database.engine import write_ahead

SQLITE: Final = "sqlite:///"
AWAY: Final = range(500, 600)
"""The answers of a server, or of MLflow's client in its place, that say that something is away."""

CLOSED: Final = (401, 403)
"""The answers of a server that lets nobody in whom it does not know."""

QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def open_client(uri: str) -> Any:
    """A client of the MLflow at an address (``sqlite:///path`` or ``http://host``); a new database is set up first.

    Sets MLflow's environment variables for quiet where the user has not set them, nothing else that is global.
    Raises RegistryError where the address does not answer, SettingsError where it asks for a password that we lack.
    """
    mlflow = _imported()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as below
        try:
            _make_room(uri)
            client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
            client.search_experiments(max_results=1)
        except Exception as error:  # a database, a network or MLflow itself may refuse
            if _refuses_us(error):
                raise SettingsError(
                    f"MLflow at {uri!r} does not let us in; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
                ) from error
            kind = Unavailable if uri.startswith("http") else RegistryError
            raise kind(f"MLflow at {uri!r} cannot be opened: {error}") from error
    return client


def _refuses_us(error: Exception) -> bool:
    """Whether a server answered that it does not know us, which no other attempt changes."""
    status = getattr(error, "get_http_status_code", None)
    return status is not None and (status() in CLOSED or "error code 401" in str(error))


@contextmanager
def translate_errors(what: str) -> Iterator[None]:
    """Turn MLflow's own exceptions into a RegistryError that says what was asked, or Unavailable when it is away."""
    exceptions = _imported().exceptions
    try:
        yield
    except exceptions.MlflowException as error:
        kind = Unavailable if error.get_http_status_code() in AWAY else RegistryError
        raise kind(f"MLflow could not {what}: {error}") from error
    except ConnectionError as error:
        raise Unavailable(f"MLflow could not {what}: it does not answer ({error})") from error


def _imported() -> Any:
    """MLflow's module, made quiet before it is imported."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        # MLflow's modules warn about themselves while they are imported; the user can do nothing about it.
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.exceptions

    logging.getLogger("alembic").setLevel(logging.WARNING)
    return mlflow


def _make_room(uri: str) -> None:
    """Make the folder of a SQLite database, and give the database a write-ahead log.

    So pages can be read while a run is written, and each write syncs once: a third of the time that MLflow's own
    migrations take to set up a new one.
    """
    if uri.startswith(SQLITE):
        path = Path(uri.removeprefix(SQLITE))
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            write_ahead(connection)
