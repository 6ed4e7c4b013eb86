"""A workspace that an older version made, packed small: where its parts lie, and how it is put into a folder."""

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Final

ARCHIVE: Final = Path(__file__).parents[1] / "fixtures" / "older_workspace.tar.xz"
NOWHERE: Final = "/where/it/was/made"
"""What the packed files say of the folder in which they were made."""


def placed(folder: Path) -> Path:
    """The older workspace, unpacked into a folder as if it had been made there; the folder with its projects."""
    with tarfile.open(ARCHIVE) as packed:
        packed.extractall(folder, filter="data")
    relocate(folder, NOWHERE, str(folder))
    return folder


def relocate(folder: Path, then: str, now: str) -> None:
    """Say another folder wherever MLflow wrote one down: in its database and in the description of each model."""
    for description in folder.rglob("MLmodel"):
        description.write_text(description.read_text("utf-8").replace(then, now), "utf-8")
    for database in folder.rglob("mlflow.db"):
        with closing(sqlite3.connect(database)) as connection:
            for table, column in _texts(connection):
                connection.execute(f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?)', (then, now))
            connection.commit()
            connection.execute("VACUUM")


def _texts(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Every column of text, with its table."""
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = [(table, row) for table in tables for row in connection.execute(f'PRAGMA table_info("{table}")')]
    return [(table, row[1]) for table, row in columns if row[2].upper().startswith(("VARCHAR", "TEXT", "CHAR"))]
