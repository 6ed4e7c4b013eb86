"""The migrations make just the tables that the code speaks of, guards and all."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tiltyard.stores.ledger.database import Database
from tiltyard.stores.ledger.guards import guard_statements
from tiltyard.stores.ledger.tables import metadata


def test_the_migrated_database_is_what_the_tables_say(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'ledger.db'}")
    with database.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        triggers = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").scalar()
    assert differences == []
    assert triggers == len(list(guard_statements("sqlite")))
    database.close()


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Database(url).close()
    before = (tmp_path / "ledger.db").read_bytes()
    Database(url).close()
    assert (tmp_path / "ledger.db").read_bytes() == before
