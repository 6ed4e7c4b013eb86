"""The migrations make just the tables that the code speaks of, guards and all."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.databases import Place
from tiltyard.stores.ledger.database import Database
from tiltyard.stores.ledger.guards import guard_statements
from tiltyard.stores.ledger.tables import FACTS, journal, metadata, segment

TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid "
    "WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal AND tgenabled = 'A'",
}


def test_the_migrated_database_is_what_the_tables_say(place: Place) -> None:
    database = Database(place.url, place.schema)
    with database.reading() as connection:
        name = connection.dialect.name
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        triggers = set(connection.exec_driver_sql(TRIGGERS[name]).scalars())
    wanted = [line.split()[2] for line in guard_statements(name, (journal, segment, *FACTS)) if "CREATE" in line]
    assert differences == []
    assert triggers == set(wanted)
    database.close()


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Database(url).close()
    before = (tmp_path / "ledger.db").read_bytes()
    Database(url).close()
    assert (tmp_path / "ledger.db").read_bytes() == before
