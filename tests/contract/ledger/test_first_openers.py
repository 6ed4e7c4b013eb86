"""A ledger that is not there yet is opened while another process has just begun to make it."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

from tiltyard.stores.ledger.database.engine import Database


def test_who_comes_a_moment_later_waits(tmp_path: Path) -> None:
    """The first opener holds the write lock before it has switched the file; SQLite lets nobody wait for that."""
    path = tmp_path / "ledger.db"
    first = sqlite3.connect(path, isolation_level=None)
    first.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as others:
        second = others.submit(Database, f"sqlite:///{path}")
        sleep(0.3)
        assert not second.done()
        first.execute("COMMIT")
        first.close()
        second.result(timeout=30).close()
