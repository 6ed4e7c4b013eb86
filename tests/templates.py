"""Databases that are made once for a run and copied by its tests: migrating a fresh one takes longer than most tests.

Copies are opened by the same code as any database that is there already. That a fresh one is made well is the subject
of test_migrations.py, test_first_openers.py and every command that the tests start as a process of its own.
"""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

PLACE: Final = "TILTYARD_TEST_TEMPLATES"
"""The variable that says where this run keeps what is made once; forked processes know it too."""

MADE: Final = "made.db"
"""What a template is called while it is made: it begins as no copy of itself."""


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """A folder that ``make`` fills once for all workers of this run; others wait for the one that makes it."""
    folder, done = Path(os.environ[PLACE]) / name, Path(os.environ[PLACE]) / f"{name}.done"
    with (folder.parent / f"{name}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def put_copy(template: Path, path: Path) -> None:
    """Copy a database to a place where there is none; of several that do so in one moment one succeeds, whole."""
    if path.exists():
        return
    copy = path.with_name(f"{path.name}-{uuid4().hex[:8]}")
    shutil.copyfile(template, copy)
    copy.chmod(0o600)
    with suppress(FileExistsError):
        os.link(copy, path)
    copy.unlink()


@contextmanager
def ready_made(factory: pytest.TempPathFactory) -> Iterator[None]:
    """Within the block, a new SQLite ledger and a new MLflow database begin in this process as a copy of a made one."""
    base = factory.getbasetemp()
    # Each of pytest-xdist's workers has a folder of its own inside the run's.
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    (shared / "made-once").mkdir(exist_ok=True)
    os.environ[PLACE] = str(shared / "made-once")
    from tiltyard.stores.ledger.database import engine as database
    from tiltyard.stores.registry import client as mlflow_client

    make_ledger, make_mlflow = database._keep_to_owner, mlflow_client._make_room

    def ledger(path: str | None) -> None:
        if path and not path.startswith((":memory:", "file:")):
            _begin_with(_ledger, Path(path))
        make_ledger(path)

    def mlflow(uri: str) -> None:
        if uri.startswith(mlflow_client.SQLITE):
            path = Path(uri.removeprefix(mlflow_client.SQLITE))
            with suppress(OSError):  # as below
                path.parent.mkdir(parents=True, exist_ok=True)
            _begin_with(mlflow_template, path)
        make_mlflow(uri)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_keep_to_owner", ledger)
        patch.setattr(mlflow_client, "_make_room", mlflow)
        yield


def _begin_with(template: Callable[[], Path], path: Path) -> None:
    """Put a copy where an empty database would be made; where nothing can be made, the one who opens it says so."""
    if path.name != MADE and not path.exists() and path.parent.is_dir():
        with suppress(OSError):
            put_copy(template(), path)


def _ledger() -> Path:
    """A SQLite ledger without a fact."""

    def make(folder: Path) -> None:
        from tiltyard.stores.ledger.database.engine import Database

        Database(f"sqlite:///{folder / MADE}").close()
        compact(folder / MADE, folder / "ledger.db")

    return made_once("ledger", make) / "ledger.db"


def mlflow_template() -> Path:
    """An MLflow database with nothing but its tables and the experiment that MLflow makes first."""

    def make(folder: Path) -> None:
        from tiltyard.stores.registry.client import open_client

        open_client(f"sqlite:///{folder / MADE}")
        compact(folder / MADE, folder / "mlflow.db")

    return made_once("mlflow", make) / "mlflow.db"


def compact(made: Path, copy: Path) -> None:
    """One file with all that a database holds, its write-ahead log included."""
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("VACUUM INTO ?", [str(copy)])
